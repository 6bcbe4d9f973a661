"""Draws the cells on which `rank_fidelity` is measured."""

import polars as pl
from scipy.sparse import csr_array, vstack

from c2s_assets.core.expression.sampling import draw
from c2s_assets.storage.h5ad.matrix import MatrixReader


def draw_cells(
    matrix: MatrixReader, cell_ids: pl.Series, *, n: int, seed: int, rows_per_block: int
) -> csr_array:
    """Read so many cells, or all if there are no more: the same for the same ids and seed."""
    drawn = draw(cell_ids, n=n, seed=seed)
    parts = []
    for start, block in matrix.blocks(rows=rows_per_block):
        own = drawn[(drawn >= start) & (drawn < start + block.shape[0])] - start
        if own.size:
            parts.append(block[own])
    return csr_array(vstack(parts, format="csr"))
