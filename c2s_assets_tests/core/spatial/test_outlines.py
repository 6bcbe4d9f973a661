"""Tests of outlines: areas, centres, and taking some of them."""

import numpy as np
import pytest

from c2s_assets.core.spatial.outlines import Outlines

# A square, nothing, an L of three squares drawn the other way round, and a line; far away from the corner.
AWAY = 1e7
CORNERS = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0], [0, 2], [1, 2], [1, 1], [2, 1], [2, 0], [5, 5], [6, 6]]
OUTLINES = Outlines(np.array([0, 4, 4, 10, 12]), np.array(CORNERS, float) + AWAY)


def test_areas_and_centres_are_those_of_polygons() -> None:
    areas, centres = OUTLINES.areas_and_centres()
    assert areas.tolist() == [4, 0, 3, 0]
    assert centres[0].tolist() == [AWAY + 1, AWAY + 1]
    assert centres[2].tolist() == pytest.approx([AWAY + 5 / 6, AWAY + 5 / 6], abs=1e-8)
    assert np.isnan(centres[[1, 3]]).all()


def test_some_are_taken_in_another_order() -> None:
    taken = OUTLINES.taken(np.array([3, -1, 0]))
    assert taken.begins.tolist() == [0, 2, 2, 6]
    np.testing.assert_array_equal(taken.xy, OUTLINES.xy[[10, 11, 0, 1, 2, 3]])


def test_several_are_put_one_after_the_other() -> None:
    nothing = Outlines(np.zeros(3, np.int64), np.empty((0, 2)))
    joined = Outlines.joined([OUTLINES, nothing, OUTLINES])
    assert joined.begins.tolist() == [0, 4, 4, 10, 12, 12, 12, 16, 16, 22, 24]
    np.testing.assert_array_equal(joined.taken(np.arange(6, 10)).xy, OUTLINES.xy)
