"""The card of one dataset: written from nothing but its files, and compared with them again."""

from pathlib import Path

import pyarrow.parquet as pq
import yaml

from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.card import CARD, write_dataset_card
from c2s_assets.core.releases.claims import card_is_true, citations_name_their_doi
from c2s_assets.core.releases.facts import DatasetFacts
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.registry import MANIFEST, SIDES_OF_DATASET
from c2s_assets.schemas.tables import CellMetadata
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.releases.counting import count_cells
from c2s_assets.storage.releases.facts import count_left_out, read_fields
from c2s_assets.storage.releases.sources import read_sources


def write_card_of(dataset: Dataset, folder: Path) -> None:
    """Write the card of a dataset and its pictures into a folder.

    Raises
    ------
    MissingInputError
        If a table that it tells of is missing or outdated.
    """
    for path, text in write_dataset_card(_read_facts(dataset)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def look_at_card(dataset: Dataset, folder: Path) -> list[Finding]:
    """Compare a written card with the files of the dataset, which are read again for that."""
    facts = _read_facts(dataset)
    expected = write_dataset_card(facts)
    written = {
        path: (folder / path).read_text(encoding="utf-8") for path in expected if (folder / path).exists()
    }
    return [
        _names_its_files(dataset, written.get(CARD, "")),
        card_is_true(written, expected),
        citations_name_their_doi([facts.source]),
    ]


def _read_facts(dataset: Dataset) -> DatasetFacts:
    dataset.path(SIDES_OF_DATASET)  # raises unless it is built
    folders = dataset.layout.places(SIDES_OF_DATASET, dataset.dataset_id)
    sides = {folder.name: sorted(folder.glob("*.parquet")) for folder in folders if folder.exists()}
    of_any_side = [path for files in sides.values() for path in files]
    (source,) = read_sources(dataset.layout, [dataset.dataset_id])
    return DatasetFacts(
        sides=list(sides),
        census=count_cells(sides),
        left_out=count_left_out(dataset.path(MANIFEST)),
        source=source,
        fields=[
            field
            for path in of_any_side[:1]
            for field in read_fields(pq.read_schema(path), CATALOGUE["training"].model, CellMetadata)
        ],
    )


def _names_its_files(dataset: Dataset, card: str) -> Finding:
    """Claim that the head of a card names a folder of files for each side."""
    head = yaml.safe_load(card.split("---\n")[1])
    folder = dataset.layout.dataset(dataset.dataset_id)
    named = [one["path"] for config in head["configs"] for one in config["data_files"]]
    lacking = [path for path in named if not list(folder.glob(path))]
    message = f"Its {len(named)} patterns name files." if not lacking else f"{lacking[0]} names no file."
    return Finding("keeps_schema", not lacking, message, {"n_patterns": len(named)})
