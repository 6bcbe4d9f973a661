from datetime import date

import polars as pl
import pytest

from c2s_assets.core.discover.listing import (
    listing_did_not_shrink,
    missing_datasets,
    records_are_well_formed,
    refresh_collections,
    refresh_listing,
    withdrawals,
)
from c2s_assets.core.discover.records import Listed
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.discover import Listing, ListingHistory
from c2s_assets.schemas.violations import violations
from c2s_assets_tests.listing import list_collections, list_datasets

DAY = date(2025, 1, 1)


def listed(*datasets, malformed=()):
    """Datasets named by id and version, as a1; malformed ones by id."""
    records = [
        {"dataset_id": name[0], "dataset_version_id": name, "collection_id": "c", "cell_count": int(name[1:])}
        for name in datasets
    ]
    return list_datasets([*records, *({"dataset_id": name} for name in malformed)])


def look(*listings, gone=()):
    """What is kept and what happened after several listings, each a day after the one before."""
    rows, events = None, []
    for one in listings:
        refreshed = refresh_listing(rows, one, gone=gone, today=DAY)
        rows = refreshed.rows
        events.append(refreshed.events.select("dataset_id", "event").rows())
    return rows.select("dataset_version_id", "n_absent").rows(), events


def test_the_first_listing_adds_everything():
    rows, events = look(listed("b1", "a1"))
    assert rows == [("a1", 0), ("b1", 0)]
    assert events == [[("a", "added"), ("b", "added")]]


def test_the_same_listing_again_changes_nothing():
    first = refresh_listing(None, listed("a1", "b1"), gone=[], today=DAY)
    again = refresh_listing(first.rows, listed("b1", "a1"), gone=[], today=date(2026, 1, 1))
    assert again.rows.equals(first.rows)
    assert again.events.is_empty()


def test_a_revision_says_what_is_different():
    before = refresh_listing(None, listed("a1", "b1"), gone=[], today=DAY).rows
    events = refresh_listing(before, listed("a20", "b1", "c1"), gone=[], today=DAY).events
    assert events.rows() == [
        ("c", "added", None, "c1", None, DAY),
        ("a", "revised", "cells: 1 to 20; version: a1 to a20", "a20", None, DAY),
    ]


def test_of_a_row_that_stays_a_column_that_is_new_since_is_null():
    before = refresh_listing(None, listed("a1", "b1"), gone=[], today=DAY).rows.drop("explorer_url")
    rows = refresh_listing(before, listed("a1"), gone=[], today=DAY).rows
    assert rows.select("dataset_id", "explorer_url").rows() == [("a", None), ("b", None)]
    assert violations(rows, Listing).is_empty()


def test_another_count_without_another_version_is_no_revision():
    before = refresh_listing(None, listed("a1"), gone=[], today=DAY).rows
    now = before.with_columns(cell_count=pl.lit(5, pl.Int64))
    refreshed = refresh_listing(before, Listed(now, listed().quarantined), gone=[], today=DAY)
    assert refreshed.events.is_empty()
    assert refreshed.rows["cell_count"].to_list() == [5]


@pytest.mark.parametrize(
    ("listings", "kept", "last_events"),
    [
        (["a1 b1", "a1"], [("a1", 0), ("b1", 1)], []),
        (["a1 b1", "a1", "a1"], [("a1", 0)], [("b", "withdrawn")]),
        (["a1 b1", "a1", "a1 b1"], [("a1", 0), ("b1", 0)], []),
        (["a1 b1", "a1", "a1 b1", "a1"], [("a1", 0), ("b1", 1)], []),
        (["a1 b1", "a1", "a1 b2"], [("a1", 0), ("b2", 0)], [("b", "revised")]),
        (["a1 b1", "a1", "a1", "a1 b1"], [("a1", 0), ("b1", 0)], [("b", "added")]),
    ],
    ids=[
        "missing once it stays",
        "missing twice it is withdrawn",
        "back again nothing happened",
        "only listings running count",
        "back in another version it is revised",
        "back after it was withdrawn it is added",
    ],
)
def test_a_dataset_that_is_missing(listings, kept, last_events):
    rows, events = look(*(listed(*names.split()) for names in listings))
    assert rows == kept
    assert events[-1] == last_events


def test_one_that_discover_says_is_gone_is_withdrawn_at_once():
    rows, events = look(listed("a1", "b1"), listed("a1"), gone=["b"])
    assert (rows, events[-1]) == ([("a1", 0)], [("b", "withdrawn")])


def test_a_withdrawal_says_what_it_is_concluded_from():
    rows = None
    for _ in range(2):
        rows = refresh_listing(rows, listed("a1", "b1", "c1"), gone=[], today=DAY).rows
    first = refresh_listing(rows, listed("a1"), gone=["b"], today=DAY)
    second = refresh_listing(first.rows, listed("a1"), gone=[], today=DAY)
    assert first.events.select("dataset_id", "changed").rows() == [("b", "Discover says so (410)")]
    assert second.events.select("dataset_id", "changed").rows() == [("c", "absent from two listings")]


def test_a_malformed_record_keeps_the_last_state_and_is_not_missing():
    rows, events = look(listed("a1", "b1"), listed("a1"), *[listed("a1", malformed="b")] * 3)
    assert rows == [("a1", 0), ("b1", 0)]
    assert events[1:] == [[], [], [], []]


def test_missing_are_those_that_are_not_even_malformed():
    before = refresh_listing(None, listed("a1", "b1", "c1"), gone=[], today=DAY).rows
    assert missing_datasets(before, listed("a1", malformed="c")) == ["b"]
    assert missing_datasets(None, listed("a1")) == []


def test_what_is_kept_and_what_happened_keep_their_schemas():
    first = refresh_listing(None, listed("a1", "b1"), gone=[], today=DAY)
    second = refresh_listing(first.rows, listed("a2"), gone=["b"], today=DAY)
    for refreshed in (first, second, refresh_listing(None, listed(), gone=[], today=DAY)):
        assert violations(refreshed.rows, Listing).is_empty()
        assert violations(refreshed.events, ListingHistory).is_empty()


@pytest.mark.parametrize(
    ("n_last", "n_now", "n_malformed", "holds"),
    [
        (10, 9, 0, True),
        (10, 8, 0, False),
        (10, 8, 2, False),
        (10, 20, 0, True),
        (0, 1, 0, True),
        (0, 0, 0, False),
    ],
    ids=["a tenth", "more", "malformed count as lost", "growth", "the first", "empty"],
)
def test_a_listing_that_shrinks_too_much_is_refused(n_last, n_now, n_malformed, holds):
    last = listed(*(f"{chr(97 + number)}1" for number in range(n_last))).rows if n_last else None
    now = listed(*(f"{chr(97 + number)}1" for number in range(n_now)), malformed="z" * n_malformed)
    found = listing_did_not_shrink(last, now, of="datasets", largest_loss=0.1)
    assert found.holds == holds
    if not holds:
        assert f"lists {n_now} datasets that can be read and {n_malformed} that cannot" in found.message
        assert "the last one stays" in found.message


def test_an_empty_listing_is_refused_whatever_loss_is_allowed():
    assert not listing_did_not_shrink(listed("a1").rows, listed(), of="datasets", largest_loss=1.0).holds


def test_what_is_set_aside_is_shown():
    found = records_are_well_formed(listed("a1", malformed="b"), list_collections([{"collection_id": 7}]))
    assert not found.holds
    assert found.message.startswith("2 of 3 records are set aside")
    assert "at position 1 of datasets: it has no dataset_version_id" in found.message
    assert found.rows["of"].to_list() == ["datasets", "collections"]
    assert records_are_well_formed(listed("a1"), list_collections([])).holds


def test_a_malformed_collection_keeps_its_last_state():
    last = list_collections([{"collection_id": "a", "name": "A"}, {"collection_id": "b", "name": "B"}]).rows
    now = list_collections([{"collection_id": "c"}, {"collection_id": "a", "name": 7}])
    assert refresh_collections(last, now).select("collection_id", "name").rows() == [("a", "A"), ("c", None)]


def test_withdrawn_are_those_that_did_not_come_back():
    days = [
        ("a", "added", 1),
        ("b", "added", 1),
        ("a", "withdrawn", 2),
        ("b", "withdrawn", 3),
        ("b", "added", 4),
    ]
    history = pl.DataFrame(
        [(name, event, None, "v", None, date(2025, 1, day)) for name, event, day in days],
        schema=frame_schema(ListingHistory),
        orient="row",
    )
    assert withdrawals(history) == {"a": date(2025, 1, 2)}
    assert withdrawals(history.clear()) == {}
