"""Tests of what sections hear."""

import polars as pl

from c2s_assets.core.spatial.claims import sums_match_cells
from c2s_assets.core.spatial.section_sums import sum_sections

HEARD = pl.DataFrame(
    {
        "section": ["b", None, "a", "b"],
        "received_pair_index": [[0, 1], None, [], [1]],
        "received": [[0.5, 1.0], None, [], [2.0]],
    },
    schema_overrides={"received_pair_index": pl.List(pl.Int32), "received": pl.List(pl.Float32)},
)
PAIRS = pl.DataFrame(
    {"pair_index": [0, 1], "ligand": ["L", "M"], "receptor": ["R", "S"]},
    schema_overrides={"pair_index": pl.Int32},
)


def test_sums_are_by_section_and_pair_over_cells_and_contacts() -> None:
    rows = sum_sections([HEARD[:1], HEARD[1:]], PAIRS, {"a": [0, 0], "b": [1, 6]})
    assert rows.drop("ligand", "receptor").rows() == [
        ("a", 0, 0, 0, 0, 0, None),
        ("a", 1, 0, 0, 0, 0, None),
        ("b", 0, 0.5, 1, 1, 0.25, 0.5),
        ("b", 1, 3, 2, 6, 1.5, 0.5),
    ]
    assert rows["receptor"].to_list() == ["R", "S", "R", "S"]
    assert sums_match_cells(rows, pl.Series([1.5, None, 0, 2])).holds
    assert not sums_match_cells(rows, pl.Series([1.5, None, 0, 2.1])).holds
