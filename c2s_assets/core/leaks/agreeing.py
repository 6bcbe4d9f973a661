"""Which cells of two blocks have bands in common.

The hashes of a block are sorted once, and two sorted blocks are merged. Importing this module costs half a
second (numba).
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.leaks.spec import MOST_ALIKE, N_BANDS

_ROW_BITS = 17
_ROW_MASK = np.uint64(2**_ROW_BITS - 1)
_SHIFT = np.uint64(_ROW_BITS)
CELLS_PER_BLOCK = 2**_ROW_BITS


class CellBlock(NamedTuple):
    """The cells of some rows of a dataset that carry evidence.

    Attributes
    ----------
    rows
        The row of each in the dataset, ``(n_cells,)``.
    n_genes, exact
        ``(n_cells,)`` and ``(n_cells, 2)``, see `Fingerprints`.
    keys
        The leading 47 bits of each band, behind them the place of its cell among these; sorted.
    """

    rows: NDArray[np.int64]
    n_genes: NDArray[np.int32]
    exact: NDArray[np.int64]
    keys: NDArray[np.uint64]


class Agreeing(NamedTuple):
    """Pairs of cells of two blocks, by their places in them, and how many bands they have in common."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    n_bands: NDArray[np.int32]

    def where(self, is_kept: NDArray[np.bool_]) -> "Agreeing":
        """Keep some of the pairs."""
        return Agreeing(self.left[is_kept], self.right[is_kept], self.n_bands[is_kept])


def cell_block(
    rows: NDArray[np.int64], n_genes: NDArray[np.int32], exact: NDArray[np.int64], bands: NDArray[np.int64]
) -> CellBlock:
    """Sort the bands of at most `CELLS_PER_BLOCK` cells, ``(n_cells, N_BANDS)``."""
    places = np.repeat(np.arange(len(rows), dtype=np.uint64), N_BANDS)
    keys = (bands.view(np.uint64).ravel() >> _SHIFT << _SHIFT) | places
    keys.sort()
    return CellBlock(rows, n_genes, exact, keys)


def agreeing_cells(left: CellBlock, right: CellBlock) -> Agreeing:
    """Find the pairs of cells that have a band in common; each pair once, in order.

    A band that more than `MOST_ALIKE` cells of either block have is passed over.
    """
    n_pairs = _merge(left.keys, right.keys, np.empty(0, np.uint64))
    pairs = np.empty(n_pairs, np.uint64)
    _merge(left.keys, right.keys, pairs)
    pairs, n_bands = np.unique(pairs, return_counts=True)
    return Agreeing(
        left=(pairs >> _SHIFT).astype(np.int64),
        right=(pairs & _ROW_MASK).astype(np.int64),
        n_bands=n_bands.astype(np.int32),
    )


@njit(cache=True, nogil=True)
def _merge(left: NDArray[np.uint64], right: NDArray[np.uint64], pairs: NDArray[np.uint64]) -> int:
    """Count the pairs with an equal band, and fill `pairs` with them if it has room."""
    i, j, n_pairs = 0, 0, 0
    while i < left.size and j < right.size:
        band, other = left[i] >> _SHIFT, right[j] >> _SHIFT
        if band < other:
            i += 1
        elif band > other:
            j += 1
        else:
            i_end, j_end = _end_of(left, i), _end_of(right, j)
            if i_end - i <= MOST_ALIKE and j_end - j <= MOST_ALIKE:
                if pairs.size:
                    _fill(left[i:i_end], right[j:j_end], pairs[n_pairs:])
                n_pairs += (i_end - i) * (j_end - j)
            i, j = i_end, j_end
    return n_pairs


@njit(cache=True, nogil=True)
def _end_of(keys: NDArray[np.uint64], start: int) -> int:
    end = start + 1
    while end < keys.size and keys[end] >> _SHIFT == keys[start] >> _SHIFT:
        end += 1
    return end


@njit(cache=True, nogil=True)
def _fill(left: NDArray[np.uint64], right: NDArray[np.uint64], pairs: NDArray[np.uint64]) -> None:
    n_pairs = 0
    for one in left:
        for other in right:
            pairs[n_pairs] = ((one & _ROW_MASK) << _SHIFT) | (other & _ROW_MASK)
            n_pairs += 1
