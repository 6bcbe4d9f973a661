"""Tests of why a cell has no record."""

import polars as pl

from c2s_assets.core.spatial.accounts import account_for_cells, cells_have_records

MARKED = pl.DataFrame(
    {
        "cell_id": list("abcdef"),
        "n_non_primary": [False, False, False, True, False, False],
        "n_copies": [False, False, False, False, True, False],
        "n_without_age": [False] * 6,
    }
)
SIDES = pl.Series(["train", "test", None, None, None, "train"])
IS_PLACED = pl.Series([True] * 5 + [False])


def test_each_cell_on_no_side_has_its_reason() -> None:
    accounts = account_for_cells(MARKED, SIDES, IS_PLACED, is_divided=True)
    assert accounts["split"].to_list() == ["train", "test", None, None, None, None]
    assert accounts["why_on_no_side"].to_list() == [
        None,
        None,
        "lies nearer to cells of another side than a model may see",
        "is not primary data",
        "is used elsewhere, or a copy of it is",
        "has no place in the tissue",
    ]
    by_donor = account_for_cells(MARKED, SIDES, IS_PLACED, is_divided=False)
    assert by_donor["why_on_no_side"][2] == "its donor is on no side"
    finding = cells_have_records(accounts)
    assert not finding.holds
    assert finding.message.startswith("2 of 6 cells are on a side. The others: 1 of which each ")
    assert cells_have_records(accounts.head(4)).holds
