import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.leaks.agreeing import agreeing_cells, cell_block
from c2s_assets.core.leaks.spec import MOST_ALIKE, N_BANDS


def _block(bands):
    n_cells = len(bands)
    rows, n_genes = np.arange(n_cells), np.full(n_cells, 500, np.int32)
    return cell_block(rows, n_genes, np.zeros((n_cells, 2), np.int64), np.asarray(bands, np.int64))


def _bands(names):
    """Make the hashes of bands: whole numbers far apart, of which some are below zero."""
    return np.asarray(names, np.int64) * np.int64(0x5851F42D4C957F2D)


def _found(left, right):
    found = agreeing_cells(_block(left), _block(right))
    return list(zip(*(column.tolist() for column in found), strict=True))


cells = st.lists(st.lists(st.integers(1, 40), min_size=N_BANDS, max_size=N_BANDS, unique=True), max_size=8)


@given(left=cells, right=cells)
@settings(max_examples=100, deadline=None)
def test_pairs_are_those_that_a_comparison_of_all_with_all_finds(left, right):
    expected = [
        (i, j, len(set(one) & set(other)))
        for i, one in enumerate(left)
        for j, other in enumerate(right)
        if set(one) & set(other)
    ]
    shape = (-1, N_BANDS)
    assert _found(_bands(left).reshape(shape), _bands(right).reshape(shape)) == expected


@pytest.mark.parametrize(("n_alike", "is_found"), [(MOST_ALIKE, True), (MOST_ALIKE + 1, False)])
def test_a_band_that_many_cells_have_is_passed_over(n_alike, is_found):
    own = np.arange(1000, 1000 + n_alike * N_BANDS).reshape(-1, N_BANDS)
    own[:, 3] = 7
    other = np.arange(1, N_BANDS + 1)[np.newaxis]
    found = _found(_bands(own), _bands(other))
    assert found == ([(row, 0, 1) for row in range(n_alike)] if is_found else [])
