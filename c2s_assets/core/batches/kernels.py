"""The compiled kernels that take cells out of blocks, and put them together to batches.

They run outside Python's global lock. Importing this module costs half a second (numba).
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr

# The position of a single bit by the top six bits of its product with a de Bruijn sequence.
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_BIT_AT = np.zeros(64, np.int64)
for _bit in range(64):
    _BIT_AT[(int(_SEQUENCE) << _bit) % 2**64 >> 58] = _bit


class Window(NamedTuple):
    """Rows with room between them: where each begins and ends, and the columns and values of all.

    Columns are uint16 where they fit, and int32.
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    indices: NDArray[Any]
    values: NDArray[np.float32]


@njit(cache=True, nogil=True)
def pick_rows(
    block: Csr,
    rows: NDArray[np.int32],
    *,
    columns: NDArray[np.int32],
    n_columns: int,
    is_ascending: bool,
    window: Window,
    row: int,
    start: int,
) -> int:
    """Copy rows of a block into a window, with other columns.

    Parameters
    ----------
    rows
        Which rows, in the order they are wanted.
    columns
        Column of each feature, ``(n_vars,)``, all different; negative: none, its values are left out.
    is_ascending
        Whether the columns that there are ascend. If not, the values of each row are sorted by theirs.
    row, start
        Which row of the window the first one becomes, and from where on there is room for all.

    Returns
    -------
    The first position in the block whose feature does not exist, or -1.
    """
    indptr, indices, values = block
    starts, stops, to_indices, to_values = window
    row_values = np.zeros(0 if is_ascending else n_columns, np.float32)
    marks = np.zeros(0 if is_ascending else (n_columns + 63) // 64, np.uint64)
    n = start
    for position in range(rows.size):
        starts[row + position] = n
        for at in range(indptr[rows[position]], indptr[rows[position] + 1]):
            feature = indices[at]
            if feature < 0 or feature >= columns.size:
                return at
            column = columns[feature]
            if column < 0:
                continue
            if is_ascending:
                to_indices[n], to_values[n] = column, values[at]
                n += 1
            else:
                row_values[column] = values[at]
                marks[column >> 6] |= np.uint64(1) << np.uint64(column & 63)
        if not is_ascending:
            n = _take_marked(marks, row_values, to_indices, to_values, n)
        stops[row + position] = n
    return -1


@njit(cache=True, nogil=True)
def gather_rows(window: Window, rows: NDArray[np.int64], batch: Csr) -> None:
    """Copy rows of a window to where `batch.indptr`, which is filled already, says."""
    starts, stops, indices, values = window
    for position in range(rows.size):
        to = batch.indptr[position]
        for at in range(starts[rows[position]], stops[rows[position]]):
            batch.indices[to] = indices[at]
            batch.values[to] = values[at]
            to += 1


@njit(cache=True, nogil=True)
def _take_marked(
    marks: NDArray[np.uint64],
    row_values: NDArray[np.float32],
    to_indices: NDArray[Any],
    to_values: NDArray[np.float32],
    n: int,
) -> int:
    """Write the marked columns in order, and take the marks away."""
    one = np.uint64(1)
    for word in range(marks.size):
        bits = marks[word]
        while bits:
            lowest = bits & (~bits + one)
            column = word * 64 + _BIT_AT[(lowest * _SEQUENCE) >> np.uint64(58)]
            to_indices[n], to_values[n] = column, row_values[column]
            n += 1
            bits ^= lowest
        marks[word] = np.uint64(0)
    return n
