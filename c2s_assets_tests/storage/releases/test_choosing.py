"""What Discover has withdrawn is in no release."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.discover import ListingHistory
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.atlas import tables_of_atlas
from c2s_assets.storage.releases.parts import find_parts
from c2s_assets_tests.toy import make_lake


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A lake that knows that `gone` was withdrawn."""
    layout = make_lake(tmp_path)
    row = ("gone", "withdrawn", None, "1", None, date(2026, 1, 1))
    layout.listing_history.parent.mkdir()
    history = pl.DataFrame([row], schema=frame_schema(ListingHistory), orient="row")
    history.write_parquet(layout.listing_history)
    return layout


def test_a_corpus_of_nothing_else_is_refused(layout: Layout) -> None:
    entry = ReleaseEntry(repo_id="me/a", datasets=["gone"])
    with pytest.raises(MissingInputError, match="all datasets of the release were withdrawn"):
        find_parts(layout, DatasetsFile(), entry)


def test_an_atlas_of_it_is_refused(layout: Layout) -> None:
    entry = ReleaseEntry(repo_id="me/a", kind="atlas", datasets=["gone"])
    with pytest.raises(MissingInputError, match="gone was withdrawn"):
        tables_of_atlas(layout, DatasetsFile(), entry)
