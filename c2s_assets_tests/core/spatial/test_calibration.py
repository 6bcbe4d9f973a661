"""Tests of how many microns a pixel is."""

import numpy as np
import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.calibration import by_lattice, by_spot_diameter, calibrate, ways_agree

ROW, COLUMN = (axis.ravel() for axis in np.mgrid[0:6, 0:12:2])


@pytest.mark.parametrize("degrees", [0, 1.5, 90, 200])
@pytest.mark.parametrize("mirror", [1, -1])
def test_the_lattice_of_visium_says_it_however_the_slide_was_turned(degrees: float, mirror: int) -> None:
    on_slide_um = np.column_stack([COLUMN * 50.0, ROW * 86.60254])
    turn = np.deg2rad(degrees)
    turned = on_slide_um @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    xy_px = turned * (1, mirror) / 0.7267 + (3000, 900)
    assert by_lattice(xy_px, column=COLUMN, row=ROW) == pytest.approx(0.7267, rel=1e-6)
    assert by_lattice(np.round(xy_px), column=COLUMN, row=ROW) == pytest.approx(0.7267, rel=2e-3)


@pytest.mark.parametrize("n_spots", [3, 6])
def test_few_spots_and_spots_on_a_line_say_nothing(n_spots: int) -> None:
    xy_px = np.column_stack([np.arange(n_spots) * 137.0, np.zeros(n_spots)])
    assert by_lattice(xy_px, column=2 * np.arange(n_spots), row=np.zeros(n_spots, int)) is None


def test_bins_are_not_taken_for_spots() -> None:
    row, column = (axis.ravel() for axis in np.mgrid[0:6, 0:12])
    bins_px = np.column_stack([column, row]) * 16.0
    assert by_lattice(bins_px, column=column, row=row) is None
    assert by_lattice(bins_px, column=column, row=row, steps_um=(8, 8)) == pytest.approx(0.5)


def test_a_spot_of_the_scale_factors_is_65_um() -> None:
    assert by_spot_diameter(89.44476) == pytest.approx(0.7267, rel=1e-4)
    assert by_spot_diameter(None) is None
    assert by_spot_diameter(0) is None


def test_the_way_that_is_trusted_most_is_taken_and_the_others_are_kept() -> None:
    found = calibrate({"um_per_unit": None, "lattice": 0.5, "spot_diameter": 0.51})
    assert (found.um_per_px, found.method) == (0.5, "lattice")
    finding = ways_agree(found)
    assert finding.holds
    assert finding.message == "microns per pixel: 0.5 by lattice, 0.51 by spot_diameter."


def test_ways_that_are_far_apart_are_told() -> None:
    finding = ways_agree(calibrate({"um_per_unit": 0.25, "lattice": 0.5}))
    assert not finding.holds
    assert "0.25 by um_per_unit, 0.5 by lattice. They are 100% apart" in finding.message


def test_what_is_stated_overrules_what_the_image_says_of_itself() -> None:
    said = {"lattice": 0.5, "image": 0.25}
    refused = ways_agree(calibrate({"um_per_unit": None, **said}))
    assert not refused.holds
    assert "50% apart" in refused.message
    assert "state the right one as um_per_unit" in refused.message
    assert ways_agree(calibrate({"um_per_unit": 0.5, **said})).holds
    assert not ways_agree(calibrate({"um_per_unit": 0.25, **said})).holds


def test_without_any_way_the_setting_is_asked_for() -> None:
    with pytest.raises(SourceError, match=r"nothing says .* \(um_per_unit, lattice were looked for\)"):
        calibrate({"um_per_unit": None, "lattice": None})


@pytest.mark.parametrize("um_per_px", [0.0, -1.0, float("nan"), float("inf")])
def test_a_size_that_is_none_is_refused(um_per_px: float) -> None:
    with pytest.raises(SourceError, match="spot_diameter says that a pixel is"):
        calibrate({"spot_diameter": um_per_px})
