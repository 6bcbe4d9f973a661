from datetime import date

import pytest

from c2s_assets.core.discover.listing import add_events, refresh_listing
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.sources.listing import (
    known_etag,
    listing_state,
    read_collections,
    read_history,
    read_listing,
    stage_listing,
    withdrawn_datasets,
)
from c2s_assets_tests.listing import list_collections, list_datasets
from c2s_assets_tests.toy import make_lake

ORIGIN = {"url": "http://127.0.0.1", "read_by": "1"}
COLLECTIONS = list_collections([{"collection_id": "c", "name": "C"}]).rows


@pytest.fixture
def layout(tmp_path):
    return make_lake(tmp_path)


def take(layout, *ids, gone=()):
    """Write the listing of some datasets, as the asset does."""
    records = [{"dataset_id": name, "dataset_version_id": "1", "collection_id": "c"} for name in ids]
    refreshed = refresh_listing(
        read_listing(layout), list_datasets(records), gone=gone, today=date(2025, 1, 1)
    )
    targets = (layout.listing, layout.collections, layout.listing_history)
    with stage(layout, "cellxgene_listing") as staged:
        history = add_events(read_history(layout), refreshed.events)
        stage_listing(
            staged,
            layout,
            listing=refreshed.rows,
            collections=COLLECTIONS,
            history=history,
            origin=ORIGIN,
            etags={layout.listing: '"one"'},
        )
        staged.commit(*targets)
    return [path.read_bytes() for path in targets]


def test_without_a_listing_there_is_none(layout):
    assert read_listing(layout) is None
    assert read_collections(layout) is None
    assert read_history(layout) is None
    assert withdrawn_datasets(layout) == frozenset()


def test_what_is_written_is_read_again(layout):
    take(layout, "a", "b")
    take(layout, "b", gone=["a"])
    assert read_listing(layout)["dataset_id"].to_list() == ["b"]
    assert read_collections(layout).equals(COLLECTIONS)
    assert read_history(layout).select("dataset_id", "event").rows() == [
        ("a", "added"),
        ("b", "added"),
        ("a", "withdrawn"),
    ]
    assert withdrawn_datasets(layout) == {"a"}


def test_an_unchanged_listing_is_the_same_bytes(layout):
    assert take(layout, "a", "b") == take(layout, "b", "a")


def test_an_etag_is_known_of_the_same_server_and_rules(layout):
    assert known_etag(layout.listing, origin=ORIGIN) is None
    take(layout, "a")
    assert known_etag(layout.listing, origin=ORIGIN) == '"one"'
    assert known_etag(layout.collections, origin=ORIGIN) is None
    assert known_etag(layout.listing, origin=ORIGIN | {"url": "http://127.0.0.2"}) is None
    assert known_etag(layout.listing, origin=ORIGIN | {"read_by": "2"}) is None


def test_the_state_changes_with_listing_settings_and_source_files(layout):
    states = [listing_state(layout)]
    take(layout, "a")
    states.append(listing_state(layout))
    layout.settings.write_text("cellxgene: {tissue: [blood]}")
    states.append(listing_state(layout))
    layout.raw_provenance("a").parent.mkdir()
    layout.raw_provenance("a").write_text("{}")
    states.append(listing_state(layout))
    assert len(set(states)) == 4
    assert listing_state(layout) == states[-1]
