import numpy as np
import pytest

from c2s_assets.core.projections.neighbours import ExactNeighbours


def draw_points(n, n_axes=10, seed=0):
    return np.random.default_rng(seed).normal(size=(n, n_axes)).astype(np.float32)


def distances(points, others):
    return np.linalg.norm(points[:, np.newaxis].astype(np.float64) - others, axis=2)


def test_each_cell_is_the_nearest_to_itself_and_the_next_are_those_of_all_distances():
    points = draw_points(200)
    expected = distances(points, points)
    indices, found = ExactNeighbours(points).of_each(15)

    assert indices.dtype == np.int32
    assert found.dtype == np.float32
    assert indices.tolist() == expected.argsort(axis=1)[:, :15].tolist()
    assert found == pytest.approx(np.sort(expected, axis=1)[:, :15], abs=1e-5)


def test_other_cells_have_their_neighbours_among_the_first():
    points, others = draw_points(200), draw_points(30, seed=1)
    expected = distances(others, points)
    indices, found = ExactNeighbours(points).query(others, 15, epsilon=0.12)

    assert indices.tolist() == expected.argsort(axis=1)[:, :15].tolist()
    assert found == pytest.approx(np.sort(expected, axis=1)[:, :15], abs=1e-5)


def test_equal_cells_are_at_a_distance_of_zero_however_far_from_the_origin():
    """A distance that is nothing but rounding would be taken for that of the nearest neighbour."""
    points = np.tile(draw_points(1) + 1000, (40, 1))
    among = ExactNeighbours(points)

    assert (among.of_each(15)[1] == 0).all()
    assert (among.query(points[:5], 15)[1] == 0).all()
