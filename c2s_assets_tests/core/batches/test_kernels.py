"""The kernels against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

from c2s_assets.core.batches.kernels import Window, gather_rows, pick_rows
from c2s_assets.core.expression.csr import Csr, csr_of

N_VARS = 130


def block_of(n_rows: int, *, seed: int) -> csr_array:
    found = random_array((n_rows, N_VARS), density=0.3, rng=np.random.default_rng(seed), format="csr")
    found.sort_indices()
    return found.astype(np.float32)


def picked_from(block: csr_array, rows: np.ndarray, columns: np.ndarray, dtype: type) -> tuple[Window, int]:
    """Pick rows into a window that has one row and three places before them."""
    ends = (np.zeros(len(rows) + 1, np.int64) for _ in range(2))
    window = Window(*ends, np.empty(block.nnz + 3, dtype), np.empty(block.nnz + 3, np.float32))
    wrong = pick_rows(
        csr_of(block),
        rows,
        columns=columns,
        n_columns=int(columns.max(initial=-1)) + 1,
        is_ascending=bool(np.all(np.diff(columns[columns >= 0]) > 0)),
        window=window,
        row=1,
        start=3,
    )
    return window, wrong


@given(st.integers(0, 2**16), st.booleans(), st.booleans(), st.sampled_from([np.uint16, np.int32]))
def test_rows_are_picked_with_their_columns_in_order(
    seed: int, is_shuffled: bool, are_some_left_out: bool, dtype: type
) -> None:
    rng = np.random.default_rng(seed)
    block = block_of(12, seed=seed)
    columns = np.arange(N_VARS, dtype=np.int32)
    if are_some_left_out:
        columns[rng.random(N_VARS) < 0.7] = -1
        columns[columns >= 0] = np.arange(np.count_nonzero(columns >= 0))
    if is_shuffled:
        kept = columns >= 0
        columns[kept] = rng.permutation(columns[kept])
    rows = np.sort(rng.choice(12, 7, replace=False)).astype(np.int32)

    picked, wrong = picked_from(block, rows, columns, dtype)

    due = np.zeros((7, int(columns.max(initial=-1)) + 1), np.float32)
    due[:, columns[columns >= 0]] = block[rows].toarray()[:, columns >= 0]
    assert wrong == -1
    assert (picked.starts[1], picked.stops[0]) == (3, 0)
    for start, stop, row in zip(picked.starts[1:], picked.stops[1:], due, strict=True):
        assert picked.indices[start:stop].tolist() == np.flatnonzero(row).tolist()
        assert picked.values[start:stop].tolist() == row[row != 0].tolist()


@pytest.mark.parametrize("feature", [-1, N_VARS], ids=["negative", "behind the last"])
def test_a_feature_that_does_not_exist_is_found_before_it_is_used(feature: int) -> None:
    """The kernels are compiled without checks of bounds."""
    block = block_of(3, seed=1)
    block.indices[5] = feature
    _, wrong = picked_from(block, np.arange(3, dtype=np.int32), np.arange(N_VARS, dtype=np.int32), np.uint16)
    assert wrong == 5


def test_rows_are_gathered_in_any_order() -> None:
    block = block_of(9, seed=2)
    window = Window(*(block.indptr[a : a + 9].astype(np.int64) for a in (0, 1)), block.indices, block.data)
    rows = np.array([7, 0, 7, 3])
    lengths = np.diff(block.indptr)[rows]
    batch = Csr(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.empty(lengths.sum(), np.int32),
        np.empty(lengths.sum(), np.float32),
    )
    gather_rows(window, rows, batch)
    found = csr_array((batch.values, batch.indices, batch.indptr), shape=(4, N_VARS))
    assert np.array_equal(found.toarray(), block[rows].toarray())
