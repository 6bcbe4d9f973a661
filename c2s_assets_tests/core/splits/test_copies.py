import polars as pl
import pytest
from polars.testing import assert_frame_equal

from c2s_assets.core.splits.copies import choose_copies

SCHEMA = {
    "dataset_id": pl.String,
    "cell_id": pl.String,
    "copy_group": pl.Int64,
    "split": pl.String,
    "is_primary_data": pl.Boolean,
    "published": pl.UInt32,
}


def left_out(*rows, keeps_unique=False):
    """The cells that are left out, of some given as (dataset/cell, group, side, primary, published)."""
    full = [(*name.split("/"), *rest) for name, *rest in rows]
    cells = pl.DataFrame(full, schema=SCHEMA, orient="row")
    chosen = choose_copies(cells, keeps_unique=keeps_unique)
    assert_frame_equal(choose_copies(cells.reverse(), keeps_unique=keeps_unique), chosen)
    return {f"{dataset}/{cell}": by for dataset, cell, *by in chosen.iter_rows()}


def test_copies_on_one_side_are_all_used():
    assert left_out(("a/1", 7, "train", True, 0), ("b/1", 7, "train", True, 1)) == {}


@pytest.mark.parametrize("first", ["train", "test"])
def test_the_copy_whose_donor_was_published_first_stays(first):
    other = {"train": "test", "test": "train"}[first]
    found = left_out(("a/1", 7, other, True, 5), ("b/1", 7, first, True, 2), ("c/1", 7, first, True, 9))
    assert found == {"a/1": [False, True, "b", "1"]}


def test_a_copy_that_is_on_no_side_takes_nobody_s_place():
    assert left_out(("a/1", 7, None, True, 0), ("b/1", 7, "train", True, 1)) == {}


def test_without_a_known_donor_a_copy_is_used_once_and_stays_left_out():
    rows = [("a/1", 7, "train", True, None), ("b/1", 7, "train", True, None)]
    assert set(left_out(*rows)) == {"b/1"}
    assert set(left_out(rows[0], ("b/1", 7, None, True, None))) == {"b/1"}
    assert set(left_out(*rows, ("c/1", 7, "test", True, 3))) == {"a/1", "b/1"}


def test_cells_that_are_not_primary_are_used_once_where_none_is():
    rows = [("a/1", 7, "train", False, 1), ("b/1", 7, "train", False, 0), ("c/1", 8, "train", False, 2)]
    assert left_out(*rows, keeps_unique=True) == {"a/1": [True, False, "b", "1"]}
    primary = ("d/1", 7, "train", True, 9)
    assert set(left_out(*rows, primary, keeps_unique=True)) == {"a/1", "b/1"}


def test_without_copies_nothing_is_left_out():
    assert left_out() == {}
