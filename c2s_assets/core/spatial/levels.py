"""Levels from 0 to 1 of the genes that speak and listen, made of a dataset's expression."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.expression.layers import Kind

# Counts are scaled to as many in each cell before their logarithm is taken.
TARGET_COUNTS = 10_000
# Of the values above zero, so many are below the scale; a maximum would be that of one cell.
_QUANTILE = 0.999


class GeneLevels:
    """Takes the columns of some genes out of blocks of expression, as ``log(1 + counts per 10,000)``.

    Values that are normalised already are taken as they are.

    Parameters
    ----------
    genes
        Symbols, one for each column of what is returned.
    symbols
        Of the features. Counts of several features with one symbol are added; of normalised values, which
        cannot be, the first feature's are taken.
    """

    def __init__(self, genes: Sequence[str], symbols: pl.Series, *, kind: Kind) -> None:
        column = {gene: number for number, gene in enumerate(genes)}
        features, columns = [], []
        for feature, symbol in enumerate(symbols):
            if symbol in column:
                features.append(feature)
                columns.append(column[symbol])
                if kind != "counts":
                    del column[symbol]
        ones = np.ones(len(features), np.float32)
        self._choice = csr_array((ones, (features, columns)), shape=(len(symbols), len(genes)))
        self._kind = kind

    def of(self, block: csr_array) -> Csr:
        """Return the levels of a block's cells, not yet scaled."""
        levels = csr_array(block @ self._choice)
        if self._kind == "counts":
            totals = np.asarray(block.sum(axis=1, dtype=np.float64)).ravel()
            per_cell = np.divide(TARGET_COUNTS, totals, out=np.zeros_like(totals), where=totals > 0)
            levels.data = np.log1p(levels.data * np.repeat(per_cell, np.diff(levels.indptr))).astype(
                np.float32
            )
        levels.eliminate_zeros()
        levels.sort_indices()
        return csr_of(levels)


def scale_of(values: NDArray[np.float32]) -> float:
    """Return the level that counts as 1: the 99.9th percentile of those above zero; 1 if there is none."""
    return float(np.quantile(values, _QUANTILE)) if values.size else 1.0


def scaled(levels: Csr, scale: float) -> Csr:
    """Divide levels by their scale, and cut off what is above 1."""
    return levels._replace(values=np.minimum(levels.values / np.float32(scale), np.float32(1)))
