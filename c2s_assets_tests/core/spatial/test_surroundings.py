"""Tests of what lies around a cell."""

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.sample import place_cells
from c2s_assets.core.spatial.surroundings import nearest_types, strongest_pairs


def test_nearest_cells_are_of_the_section_and_within_reach() -> None:
    places = np.array([[0.0, 0], [10, 0], [20, 0], [900, 0], [0, 5]])
    labels = pl.Series(["a", "a", "a", "a", "b"])
    sample = place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell", labels=labels)
    found = nearest_types(sample, pl.Series(["T", "B", "T", "T", "B"]))
    assert found["neighbour_types"].to_list() == [["B", "T"], ["T"], ["B", "T"], [], []]
    assert found["neighbour_fracs"].to_list() == [[0.5, 0.5], [1], [0.5, 0.5], [], []]


def test_types_that_are_not_known_do_not_count() -> None:
    sample = place_cells(
        np.array([[0.0, 0], [10, 0], [20, 0]]), calibration=Calibration(1.0, "um_per_unit", {}), unit="cell"
    )
    found = nearest_types(sample, pl.Series(["T", None, "B"], dtype=pl.String))
    assert found["neighbour_types"].to_list() == [["B"], ["B", "T"], ["T"]]
    assert found["neighbour_fracs"][0].to_list() == pytest.approx([1])


def test_pairs_are_named_by_how_much_is_heard_by_them() -> None:
    heard = pl.DataFrame(
        {
            "received_pair_index": [[0, 1, 2, 3], None, [], [0, 1, 2, 3], [3]],
            "received": [[0.1, 0.4, 0.2, 0.3], None, [], [0.2, 0.2, 0.5, 0.2], [1]],
        },
        schema={"received_pair_index": pl.List(pl.Int32), "received": pl.List(pl.Float32)},
    )
    found = strongest_pairs(heard, ["A-a", "B-b", "C-c", "D-d"]).to_list()
    assert found == [["B-b", "D-d", "C-c"], None, [], ["C-c", "A-a", "B-b"], ["D-d"]]
