"""Draws the cells on which `rank_fidelity` is measured."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from c2s_assets.core.expression.sampling import draw
from c2s_assets.storage.h5ad.canonical import MAX_BLOCK_VALUES
from c2s_assets.storage.h5ad.matrix import MatrixReader

# Cells between two that are drawn that are rather read than passed over: their chunk has them anyway.
_MOST_BETWEEN = 64


def draw_cells(
    matrix: MatrixReader, cell_ids: pl.Series, *, n: int, seed: int, rows_per_block: int
) -> csr_array:
    """Read so many cells, or all if there are no more: the same for the same ids and seed.

    Of a CSR matrix little else is read: 1,024 of 200,000 cells take 0.8 s, and 2.7 s with all others.
    """
    drawn = draw(cell_ids, n=n, seed=seed)
    # Some rows take a pass over a CSC matrix, and may take one over all features of a dense one's chunks.
    read = _only if matrix.info.encoding == "csr" else _among_all
    return csr_array(vstack(list(read(matrix, drawn, rows_per_block)), format="csr"))


def _only(matrix: MatrixReader, drawn: NDArray[np.intp], rows_per_block: int) -> Iterator[csr_array]:
    rows = max(1, min(rows_per_block, MAX_BLOCK_VALUES // matrix.info.shape[1]))  # as no block has more
    is_far = (np.diff(drawn) > _MOST_BETWEEN) | (np.diff(drawn // rows) > 0)
    for near in np.split(drawn, np.flatnonzero(is_far) + 1):
        yield matrix.rows(int(near[0]), int(near[-1]) + 1)[near - near[0]]


def _among_all(matrix: MatrixReader, drawn: NDArray[np.intp], rows_per_block: int) -> Iterator[csr_array]:
    for start, block in matrix.blocks(rows=rows_per_block):
        own = drawn[(drawn >= start) & (drawn < start + block.shape[0])] - start
        if own.size:
            yield block[own]
