"""Counts of cells added up, compared with NumPy on the dense matrix."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.errors import LakeError
from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.tabular.sums import Adder, Sums, Totals

N_VARS = 5


def dense(sums: Sums, values: NDArray[np.generic]) -> NDArray[np.generic]:
    return csr_array((values, sums.indices, sums.indptr), (sums.indptr.size - 1, N_VARS)).toarray()


@given(
    counts=st.lists(st.lists(st.integers(0, 3), min_size=N_VARS, max_size=N_VARS), min_size=1, max_size=8),
    is_counted=st.booleans(),
    data=st.data(),
)
def test_rows_are_what_numpy_adds_up_however_they_are_cut(
    counts: list[list[int]], is_counted: bool, data: st.DataObject
) -> None:
    matrix = np.array(counts, np.float32)
    of_cells = st.lists(st.integers(0, len(counts) - 1), min_size=1, max_size=6)
    pieces = data.draw(st.lists(of_cells, min_size=1, max_size=8))
    ends_row = np.array(
        [*data.draw(st.lists(st.booleans(), min_size=len(pieces) - 1, max_size=len(pieces) - 1)), True]
    )
    rows, pending = [], []
    for piece, is_end in zip(pieces, ends_row, strict=True):
        pending += piece
        if is_end:
            rows.append(pending)
            pending = []

    half, adder, found = len(pieces) // 2, Adder(N_VARS, is_counted=is_counted), []
    for stretch in (slice(0, half), slice(half, None)):
        places = np.array([place for piece in pieces[stretch] for place in piece], np.int64)
        bounds = np.cumsum([0, *map(len, pieces[stretch])])
        found.append(adder.add(csr_of(csr_array(matrix)), places, bounds, ends_row=ends_row[stretch]))

    values = np.concatenate([dense(sums, sums.values) for sums in found])
    np.testing.assert_array_equal(values, np.stack([matrix[row].sum(axis=0) for row in rows]))
    if not is_counted:
        assert all(sums.n_detected.size == 0 for sums in found)
        return
    detected = np.concatenate([dense(sums, sums.n_detected) for sums in found])
    np.testing.assert_array_equal(detected, np.stack([(matrix[row] > 0).sum(axis=0) for row in rows]))


def test_sums_are_rounded_once() -> None:
    """In float32, 2^24 + 1 is 2^24, however often 1 is added to it."""
    counts = csr_array(np.array([[2.0**24], *[[1.0]] * 8], np.float32))
    adder = Adder(1, is_counted=False)
    sums = adder.add(csr_of(counts), np.arange(9), np.array([0, 9]), ends_row=np.array([True]))
    assert sums.values.tolist() == [2**24 + 8]


def table(*rows: tuple[list[int], list[float]]) -> pl.DataFrame:
    schema = {"feature_index": pl.List(pl.Int32), "value": pl.List(pl.Float32)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_totals_are_of_rows_and_of_features() -> None:
    totals = Totals(3)
    totals.add(table(([0, 2], [1, 2]), ([], [])))
    totals.add(table(([1, 2], [4, 8])).slice(0, 1))
    assert totals.of_rows.tolist() == [3, 0, 12]
    assert totals.of_features.tolist() == [1, 4, 10]


def test_cells_count_in_the_totals_as_often_as_they_are_used() -> None:
    totals = Totals(3)
    counts = csr_of(csr_array(np.array([[1, 0, 2], [0, 4, 8], [16, 0, 0]], np.float32)))
    of_cells = totals.add_cells(counts, times=np.array([1.0, 3.0, 0.0]))
    assert of_cells.tolist() == [3, 12, 16]
    assert totals.of_features.tolist() == [1, 12, 26]


@pytest.mark.parametrize("feature", [-1, 3])
def test_a_feature_that_is_none_is_refused(feature: int) -> None:
    with pytest.raises(LakeError, match="beyond the 3 there are"):
        Totals(3).add(table(([feature], [1])))
