"""Rows put aside bucket by bucket, and taken up again."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from c2s_assets.storage.tables import buckets
from c2s_assets.storage.tables.buckets import Buckets


@pytest.mark.parametrize("at_once", [1, 10, 10_000])
def test_cells_come_back_with_those_of_their_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(buckets, "_VALUES_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    matrix = rng.poisson(0.5, (50, 8)).astype(np.float32)
    matrix[7] = 0  # a cell without a value
    bucket_of_cell = rng.integers(-1, 4, 50).astype(np.int32)
    bucket_of_cell[bucket_of_cell == 2] = 3  # a bucket without a cell
    filled = Buckets(tmp_path, bucket_of_cell)
    for start in range(0, 50, 6):
        filled.add(start, csr_array(matrix[start : start + 6]))
    filled.flush()
    for bucket in range(4):
        cells, rows = filled.take(bucket)
        assert cells.tolist() == np.flatnonzero(bucket_of_cell == bucket).tolist()
        found = csr_array((rows.values, rows.indices, rows.indptr), (cells.size, 8))
        np.testing.assert_array_equal(found.toarray(), matrix[cells])
    assert not list(tmp_path.iterdir())
