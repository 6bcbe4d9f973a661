"""Whatever number or label of an atlas is changed, the check finds it: 200 changes, of six kinds.

Each is one change of one file, as in `test_proving`; what is left out is the same.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.errors import LakeError
from c2s_assets.core.releases.atlas import LICENCE
from c2s_assets.core.releases.card import CARD
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.lake.documents import read_document, read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.proving import prove_atlas
from c2s_assets_tests.storage.releases.changing import Kind, change_value, rewrite_document, unseen_changes

KINDS: dict[str, Kind] = {
    "a number of the card": (40, CARD, r"\b\d[\d,.]*\b"),
    "a label of the card": (30, CARD, r"(?<=\| )[^|\n]*[A-Za-z][^|\n]*(?= \|)"),
    "a number or label of the licence": (20, LICENCE, r"\w+"),
    "a value of a table": (70, "**/*.parquet", None),
    "a number or label of a document beside them": (30, "[!_]*.json", r"(?<=: )\d+|(?<=: \")[A-Za-z]+"),
    "a number of the document": (
        10,
        RELEASE_DOCUMENT,
        r"(?<=\"size_bytes\": )\d+|(?<=\"sha256\": \")[0-9a-f]+",
    ),
}


@pytest.fixture
def problems(released_atlas: Layout) -> Callable[[Path], list[str]]:
    """Say what the check finds in a folder."""
    entry = read_settings(released_atlas).releases["muscle"]
    return lambda folder: look_at(folder, entry)


def look_at(folder: Path, entry: ReleaseEntry) -> list[str]:
    """Return what is found; a profile that cannot be read is an error, which stops staging as well."""
    document = read_document(folder / RELEASE_DOCUMENT, ReleaseDocument)
    try:
        findings = prove_atlas(folder, document, "muscle", entry)
    except LakeError as error:
        return [str(error)]
    return [finding.message for finding in findings if not finding.holds]


@pytest.mark.parametrize("kind", KINDS)
def test_every_change_of_a_number_or_label_is_found(
    atlas_folder: Path, kind: str, problems: Callable[[Path], list[str]]
) -> None:
    """Before texts are looked at, digests are rewritten: it is what they say that is compared."""

    def found(folder: Path) -> list[str]:
        if KINDS[kind][1] in (CARD, LICENCE):
            rewrite_document(folder)
        return problems(folder)

    assert found(atlas_folder) == [], "nothing is wrong before"
    assert list(unseen_changes(atlas_folder, kind, KINDS[kind], found)) == []


def test_200_changes_are_made() -> None:
    assert sum(n_changes for n_changes, *_ in KINDS.values()) == 200


@pytest.mark.parametrize(
    "change",
    [lambda rows: rows.head(-1), lambda rows: rows.with_row_index("more")],
    ids=["a row less", "a column more"],
)
@pytest.mark.parametrize(
    "name",
    [
        "sample_metadata",
        "feature_metadata",
        "expression",
        "projection_X_umap",
        "expression_matrix/part-00000",
    ],
)
def test_digests_that_were_rewritten_do_not_hide_rows_and_columns(
    atlas_folder: Path,
    problems: Callable[[Path], list[str]],
    name: str,
    change: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    path = atlas_folder / f"skm_10x_{name}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    rewrite_document(atlas_folder)
    (said,) = problems(atlas_folder)
    assert said.startswith("README.md says in line")
    assert f"`skm_10x_{name.partition('/')[0]}" in said


@pytest.mark.parametrize("name", ["title", "licence", "publication_doi", "citation"])
def test_digests_that_were_rewritten_do_not_hide_where_it_is_from(
    atlas_folder: Path, problems: Callable[[Path], list[str]], name: str
) -> None:
    profile = json.loads((atlas_folder / "detailed_structure.json").read_text(encoding="utf-8"))
    profile["origin"][name] = "10.1000/other"
    (atlas_folder / "detailed_structure.json").write_text(json.dumps(profile), encoding="utf-8")
    rewrite_document(atlas_folder)
    assert "says in line" in " ".join(problems(atlas_folder))


@pytest.mark.parametrize(
    "change",
    [{"name": "bone"}, {"plan_version": "2"}, {"made_from": {}}, {"licence_problems": ["x"]}],
    ids=lambda change: next(iter(change)),
)
def test_what_a_document_says_beside_files_is_compared(
    atlas_folder: Path, problems: Callable[[Path], list[str]], change: dict[str, object]
) -> None:
    path = atlas_folder / RELEASE_DOCUMENT
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    (said,) = problems(atlas_folder)
    assert said.startswith(f"The document says something else of {next(iter(change))}")


def test_what_nothing_in_the_folder_contradicts_is_not_found(
    atlas_folder: Path, problems: Callable[[Path], list[str]]
) -> None:
    """Known, and said in docs/releases.md: of cells the card of an atlas tells how many there are."""
    change_value(random.Random("a value"), atlas_folder / "skm_10x_sample_metadata.parquet", ["age"])  # noqa: S311
    assert problems(atlas_folder) != []
    rewrite_document(atlas_folder)
    assert problems(atlas_folder) == []
