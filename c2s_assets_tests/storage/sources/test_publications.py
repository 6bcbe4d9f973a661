from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.cells.provenance import Publication
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.publications import read_publication


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.listing.parent.mkdir(parents=True)
    pl.DataFrame(
        {
            "dataset_id": ["a", "b"],
            "collection_id": ["known", "new"],
            "collection_name": ["as listed", None],
            "title": ["dataset a", "dataset b"],
            "doi": ["10.1/listed", None],
        },
        schema_overrides={"doi": pl.String},
    ).write_parquet(layout.listing)
    pl.DataFrame(
        {"collection_id": ["known"], "name": ["of the collection"], "description": ["Text."], "doi": [None]},
        schema_overrides={"doi": pl.String},
    ).write_parquet(layout.collections)
    return layout


@pytest.mark.parametrize(
    ("dataset_id", "expected"),
    [
        ("a", Publication("known", "of the collection", "10.1/listed", "Text.")),
        ("b", Publication("new", "dataset b", None, None)),
        ("c", None),
    ],
    ids=["of a collection", "of a collection that is not listed yet", "not listed"],
)
def test_the_collection_is_asked_first_then_the_listing(
    layout: Layout, dataset_id: str, expected: Publication | None
) -> None:
    assert read_publication(layout, dataset_id=dataset_id) == expected


def test_without_a_listing_nothing_is_known(tmp_path: Path) -> None:
    assert read_publication(Layout(tmp_path), dataset_id="a") is None
