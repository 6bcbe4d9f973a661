"""Whatever number or label of a release is changed, the check finds it: 200 changes, of eight kinds.

Each is one change of one file, as a slip of the hand, a bad disk or a bug would make it. What is left out is
what nothing in the folder can contradict: `inputs` and the values of `made_from` in the document.
"""

import json
import random
from pathlib import Path

import pytest

from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.splits.certificate import CERTIFICATE
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.releases.proving import prove_corpus
from c2s_assets_tests.storage.releases.changing import Kind, change_value, rewrite_document, unseen_changes

ENTRY = ReleaseEntry(repo_id="me/corpus")


def problems(folder: Path) -> list[str]:
    document = read_document(folder / RELEASE_DOCUMENT, ReleaseDocument)
    return [found.message for found in prove_corpus(folder, document, "corpus", ENTRY) if not found.holds]


CARD, PICTURES, CROISSANT = TEXTS = ("README.md", "_images/*.svg", "croissant.json")
KINDS: dict[str, Kind] = {
    "a number of the card": (40, CARD, r"\b\d[\d,.]*\b"),
    "a label of the card": (30, CARD, r"(?<=\| )[A-Za-z][A-Za-z ]+(?= \|)"),
    "a number or label of a picture": (20, PICTURES, r"(?<=>)[A-Za-z0-9][A-Za-z0-9, ]*(?=</text>)"),
    "a number or label of croissant.json": (
        20,
        CROISSANT,
        r"(?<=: \")[A-Za-z][A-Za-z0-9 _/*.-]+(?=\")",
    ),
    "a value of a cell": (40, "*/*/chunk_*.parquet", None),
    "a value of a table beside them": (30, "**/[!c]*.parquet", None),
    "a number of the certificate": (10, CERTIFICATE, r"\b\d+\b"),
    "a number of the document": (
        10,
        RELEASE_DOCUMENT,
        r"(?<=\"size_bytes\": )\d+|(?<=\"sha256\": \")[0-9a-f]+",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_change_of_a_number_or_label_is_found(folder: Path, kind: str) -> None:
    """Before texts are looked at, digests are rewritten: it is what they say that is compared."""

    def found(folder: Path) -> list[str]:
        if KINDS[kind][1] in TEXTS:
            rewrite_document(folder)
        return problems(folder)

    assert found(folder) == [], "nothing is wrong before"
    assert list(unseen_changes(folder, kind, KINDS[kind], found)) == []


def test_200_changes_are_made() -> None:
    assert sum(n_changes for n_changes, *_ in KINDS.values()) == 200


# Of each what is counted, or decides who is on which side.
COUNTED = (
    "tissue",
    "cell_type",
    "assay",
    "disease",
    "sex",
    "organism",
    "donor_uid",
    "has_known_donor",
    "split_level",
    "dataset_id",
    "n_above_ties",
    "sentence_length",
)


@pytest.mark.parametrize(
    ("path", "column"),
    [
        *(("lung/train/chunk_0000.parquet", name) for name in COUNTED),
        *(("sources.parquet", name) for name in ("title", "licence", "doi", "top_n", "layer", "dataset_id")),
        ("_split_manifest.parquet", "n_non_primary"),
    ],
)
def test_digests_that_were_rewritten_do_not_hide_what_the_card_tells(
    folder: Path, path: str, column: str
) -> None:
    change_value(random.Random(column), folder / path, [column])  # noqa: S311
    rewrite_digests(folder)
    assert problems(folder) != []


@pytest.mark.parametrize("column", ["fold", "age"])
def test_what_nothing_in_the_folder_contradicts_is_not_found(folder: Path, column: str) -> None:
    """Known, and said in docs/releases.md: the last defence is the digest that was published elsewhere.

    Of ages the card tells the lowest, the median and the highest, and how many cells are of about an age.
    """
    change_value(random.Random("a value"), folder / "lung/train/chunk_0000.parquet", [column])  # noqa: S311
    assert problems(folder) != []
    rewrite_digests(folder)
    assert problems(folder) == []


def rewrite_digests(folder: Path) -> None:
    """Make certificate and document agree with the files, as only somebody who means to could."""
    certificate = json.loads((folder / CERTIFICATE).read_text(encoding="utf-8"))
    for path, mark in certificate["files"].items():
        mark["sha256"] = file_digest(folder / path)
    (folder / CERTIFICATE).write_text(json.dumps(certificate), encoding="utf-8")
    rewrite_document(folder)
