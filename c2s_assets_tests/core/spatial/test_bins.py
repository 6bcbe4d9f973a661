"""Tests of which cell a bin belongs to."""

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidIdsError
from c2s_assets.core.spatial.bins import own_bins
from c2s_assets.core.spatial.outlines import Outlines

ROW, COLUMN = (axis.ravel().astype(np.int32) for axis in np.mgrid[5:45, 100:160])


def _pixels(column: NDArray[np.number], row: NDArray[np.number]) -> NDArray[np.float64]:
    """Lay bins on a slide that was turned by 2 degrees and mirrored, 4 pixels apart."""
    turn = np.deg2rad(2)
    turned = np.array([[np.cos(turn), np.sin(turn)], [np.sin(turn), -np.cos(turn)]])
    return 4 * np.column_stack([column, row]) @ turned + (3_000, 900)


def _outlines(*rings: NDArray[np.float64]) -> Outlines:
    return Outlines(np.cumsum([0, *map(len, rings)]), np.concatenate(rings))


def _stars(n_stars: int) -> list[NDArray[np.float64]]:
    """Polygons that are not convex, some of them over the edge of the bins."""
    rng = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return [
        rng.uniform((100, 5), (160, 45)) + np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None]
        for radii in rng.uniform(1, 6, (n_stars, 12))
    ]


def test_bins_are_of_the_outline_that_has_their_middle() -> None:
    stars = _stars(40)
    found = own_bins(
        _outlines(*(_pixels(*star.T) for star in stars)), _pixels(COLUMN, ROW), column=COLUMN, row=ROW
    )
    inside = np.array([Polygon(star).contains_points(np.column_stack([COLUMN, ROW])) for star in stars])
    np.testing.assert_array_equal(found.n_claims, inside.sum(axis=0))
    np.testing.assert_array_equal(found.cell >= 0, inside.any(axis=0))
    _, centres = _outlines(*stars).areas_and_centres()
    away = np.linalg.norm(np.column_stack([COLUMN, ROW])[None] - centres[:, None], axis=2)
    nearest = np.where(inside, away, np.inf).argmin(axis=0)
    np.testing.assert_array_equal(found.cell[found.cell >= 0], nearest[found.cell >= 0])
    assert (found.n_claims > 1).any()
    assert found.n_bins.tolist() == [int((found.cell == cell).sum()) for cell in range(len(stars))]


def test_outlines_without_area_have_no_bin() -> None:
    line = np.array([[100.0, 5.0], [140.0, 5.0]])
    nothing = np.empty((0, 2))
    found = own_bins(_outlines(_pixels(*line.T), nothing), _pixels(COLUMN, ROW), column=COLUMN, row=ROW)
    assert found.n_bins.tolist() == [0, 0]


def test_bins_that_do_not_lie_where_they_should_are_refused() -> None:
    moved = _pixels(COLUMN, ROW)
    moved[77] += 8
    twice = COLUMN.copy()
    twice[77] += 1
    ring = _outlines(_pixels(*_stars(1)[0].T))
    for xy_px, column in [(moved, COLUMN), (_pixels(COLUMN, ROW), twice)]:
        with pytest.raises(InvalidIdsError, match="bins do not lie on the lattice"):
            own_bins(ring, xy_px, column=column, row=ROW)
