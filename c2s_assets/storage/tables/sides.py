"""Writes `train_test`: cells, sentences and sides joined block by block, each side in its own folder."""

from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path

import polars as pl

from c2s_assets.core.cells.provenance import Publication, publication_of
from c2s_assets.core.columns import AGE, CELL_ID, DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.splits.manifest import BY_CELL, level_of
from c2s_assets.core.splits.records import join_records
from c2s_assets.schemas.registry import CELLS, MANIFEST, SENTENCES, TABLES
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.streams import one_ahead
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.parquet import iter_together, read_footer, read_table, write_sides

_LISTED = {
    CELL_ID: pl.String,
    DONOR_UID: pl.String,
    SPLIT_LEVEL: pl.String,
    AGE: pl.Float32,
    SPLIT: pl.String,
}


def spec_ids(dataset: Dataset) -> dict[str, str]:
    """Name the specs that its sentences and its split were made by."""
    tables = {"sentences": SENTENCES, "split": MANIFEST}
    return {name: str(read_footer(dataset.path(table))["spec_id"]) for name, table in tables.items()}


def write_records(staged: DatasetStage, manifest: pl.DataFrame, *, listed: Publication | None) -> None:
    """Write all sides.

    Parameters
    ----------
    listed
        The publication as Discover lists it; what the dataset's profile says comes first.
    """
    dataset = staged.dataset
    publication = publication_of(dataset.origin, listed=listed)
    with closing(one_ahead(_join(dataset, manifest, publication=publication))) as blocks:
        write_sides(
            side_folders(staged),
            blocks,
            model=TABLES[staged.asset].model,
            footer=footer(staged.asset, dataset.profile, **spec_ids(dataset)),
        )


def side_folders(staged: DatasetStage) -> dict[str, Path]:
    """Where each side is written."""
    return {target.name: staged.path(target) for target in staged.targets}


def read_sides(written: Mapping[str, Path]) -> pl.DataFrame:
    """Read who is on which side: `split` is the folder, whatever the rows say."""
    columns = [name for name in _LISTED if name != SPLIT]
    sides = [
        read_table(path, columns=columns).with_columns(pl.lit(side).alias(SPLIT))
        for side, path in written.items()
        if path.exists()
    ]
    return pl.concat([pl.DataFrame(schema=_LISTED), *sides])


def _join(dataset: Dataset, manifest: pl.DataFrame, *, publication: Publication) -> Generator[pl.DataFrame]:
    """Join the tables block by block; of a manifest of cells, each block gets its own rows."""
    start = 0
    by_cell = level_of(manifest) == BY_CELL
    for cells, sentences in iter_together(dataset.path(CELLS), dataset.path(SENTENCES)):
        sides = manifest.slice(start, cells.height) if by_cell else manifest
        yield join_records(cells, sentences, sides, publication=publication, start=start)
        start += cells.height
