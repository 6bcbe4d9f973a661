"""A row-compressed block as the compiled kernels take it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


class Csr(NamedTuple):
    """Where each row begins, ``(n_obs + 1,)``; the feature and the value of each entry, ``(n_stored,)``."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]


def matrix_of(rows: Csr, *, n_columns: int) -> csr_array:
    """Turn what a kernel has made into a matrix of shape ``(n_rows, n_columns)``."""
    shape = (len(rows.indptr) - 1, n_columns)
    return csr_array((rows.values, rows.indices, rows.indptr), shape=shape)


def csr_of(block: csr_array) -> Csr:
    """Give a block the types that a kernel is compiled for, without a copy where it has them."""
    return Csr(
        indptr=block.indptr.astype(np.int64, copy=False),
        indices=block.indices.astype(np.int32, copy=False),
        values=block.data.astype(np.float32, copy=False),
    )
