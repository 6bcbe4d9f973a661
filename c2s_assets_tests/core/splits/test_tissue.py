"""Tests of what a split by donors leaves of a tissue of one person."""

import polars as pl

from c2s_assets.core.splits.manifest import assign_cells, split_donors
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.tissue import can_be_divided, hold_out, sides_of_records

SIDES = pl.Series("split", ["train", "test", None, "train"], dtype=pl.String)


def _cells(donors: list[str | None], primary: list[bool] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cell_id": list("abcd"),
            "donor_id": pl.Series(donors, dtype=pl.String),
            "donor_uid": pl.Series([donor and f"toy/{donor}" for donor in donors], dtype=pl.String),
            "has_known_donor": [donor is not None for donor in donors],
            "age": pl.Series([None] * 4, dtype=pl.Float32),
            "is_primary_data": primary or [True] * 4,
        }
    )


def test_one_donor_stays_in_train_without_what_is_held_out() -> None:
    cells = _cells(["one"] * 4, primary=[False, True, True, True])
    manifest = split_donors(cells, spec=SplitSpec())
    assert can_be_divided(manifest)
    divided = hold_out(manifest, cells, SIDES)
    row = divided.row(0, named=True)
    assert (row["split"], row["n_non_primary"], row["n_copies"], row["n_eligible"]) == ("train", 1, 2, 1)
    assert row["copy_index"] == [1, 2]
    assert assign_cells(cells, divided)["split"].to_list() == [None, None, None, "train"]
    eligible = cells["is_primary_data"]
    records = sides_of_records(cells, divided, is_eligible=eligible, sides=SIDES)
    assert records.to_list() == [None, "test", None, "train"]


def test_cells_of_no_known_donor_are_on_the_side_of_their_block() -> None:
    cells = _cells([None] * 4)
    divided = hold_out(split_donors(cells, spec=SplitSpec()), cells, SIDES)
    assert assign_cells(cells, divided)["split"].to_list() == ["train", "test", None, "train"]
    assert divided["n_copies"].to_list() == [0, 0, 1, 0]
    assert (divided["n_cells"] == divided["n_copies"] + divided["n_eligible"]).all()
    assert divided["reason"][2].startswith("on no side: near cells of another side")


def test_donors_that_can_be_split_are_split_whole() -> None:
    cells = _cells(["one", "one", "two", "two"])
    manifest = split_donors(cells, spec=SplitSpec())
    assert not can_be_divided(manifest)
    records = sides_of_records(cells, manifest, is_eligible=pl.Series([True] * 4), sides=None)
    assert set(records) == {"train", "test"}
