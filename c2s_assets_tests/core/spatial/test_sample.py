"""Tests of which cells have a place, and where."""

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.sample import cells_have_places, place_cells

HALF = Calibration(0.5, "um_per_unit", {"um_per_unit": 0.5})
POSITIONS = np.array([[10.0, 20.0], [np.nan, 0.0], [30.0, 60.0], [10.0, 20.0]])


def test_cells_are_placed_in_microns_from_the_corner_of_what_there_is() -> None:
    sample = place_cells(POSITIONS, calibration=HALF, unit="cell")
    assert sample.cells.tolist() == [0, 2, 3]
    assert sample.xy_um.tolist() == [[0, 0], [10, 20], [0, 0]]
    assert sample.sections == ["section"]
    assert (sample.reach.radius_um, sample.reach.contact_um) == (200, 10)
    found = cells_have_places(sample)
    assert not found.holds
    assert found.message.startswith("3 of 4 cells lie in 1 sections. 1 have no place")
    assert found.figures == {"n_without": 1, "n_same_place": 1, "unit": "cell"}


def test_what_is_off_the_tissue_and_what_has_no_section_is_left_out() -> None:
    sample = place_cells(
        np.arange(10.0).reshape(5, 2),
        calibration=HALF,
        unit="spot",
        labels=pl.Series(["b", "a", None, "b", "a"]),
        in_tissue=pl.Series([1, 1, 1, 0, 1]),
    )
    assert sample.cells.tolist() == [0, 1, 4]
    assert [sample.sections[number] for number in sample.section] == ["b", "a", "a"]
    assert sample.reach.contact_um == 105
    assert cells_have_places(sample).figures["n_same_place"] == 0


def test_without_any_place_the_array_is_asked_for() -> None:
    with pytest.raises(SourceError, match=r"none of the 2 cells has a place .* Name the array of obsm"):
        place_cells(np.full((2, 2), np.nan), calibration=HALF, unit="cell")
