"""Tests of who is near whom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.neighbours import count_neighbours, lay_out


@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.floats(0.5, 300))
def test_neighbours_are_those_that_a_comparison_of_all_with_all_finds(
    seed: int, n_cells: int, radius_um: float
) -> None:
    rng = np.random.default_rng(seed)
    xy_um = np.round(rng.uniform(-500, 500, (n_cells, 2)))
    section = rng.integers(0, 3, n_cells).astype(np.int32)
    places = lay_out(xy_um, section, radius_um=radius_um)
    counts = np.empty(n_cells, np.int64)
    counts[places.cell] = count_neighbours(places, 0, n_cells, radius_um)
    distance = np.sqrt(((xy_um[:, None] - xy_um[None]) ** 2).sum(axis=-1))
    is_near = (distance <= radius_um) & (section[:, None] == section[None])
    np.testing.assert_array_equal(counts, is_near.sum(axis=1) - 1)


def test_a_cell_on_the_circle_is_a_neighbour_and_one_at_the_same_place_too() -> None:
    xy_um = np.array([[0, 0], [200, 0], [0, 0], [0, -200.001]])
    places = lay_out(xy_um, np.zeros(4, np.int32), radius_um=200)
    counts = count_neighbours(places, 0, 4, 200.0)
    assert dict(zip(places.cell.tolist(), counts.tolist(), strict=True)) == {0: 2, 1: 2, 2: 2, 3: 0}


def test_coordinates_of_no_tissue_are_refused() -> None:
    xy_um = np.array([[0, 0], [1e300, 0]])
    with pytest.raises(SourceError, match=r"up to 1e\+300 um apart, which is no tissue"):
        lay_out(xy_um, np.zeros(2, np.int32), radius_um=200)
