"""How much of a cell's expression its ranking keeps, as Cell2Sentence measures it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

# Of Cell2Sentence: counts of a cell are scaled to so many, and the line is fitted to log ranks below so much,
# of so many cells drawn.
TARGET_SUM, THRESHOLD = 10_000, 3.0
N_CELLS, SEED = 1_024, 0


@dataclass(frozen=True)
class Fidelity:
    """The line from ranks to expression, and how well it recovers it.

    Attributes
    ----------
    log_rank, expression
        Of each value above zero: ``log10(1 + rank)`` in its cell, ranks from 0, and
        ``log10(1 + normalised)``.
    """

    slope: float
    intercept: float
    r_squared: float
    pearson_r: float
    spearman_r: float
    log_rank: NDArray[np.float64]
    expression: NDArray[np.float64]


def measure_fidelity(matrix: csr_array, *, is_counts: bool, seed: int) -> Fidelity | None:
    """Recover the expression of cells from the ranks of their features; None where there is nothing to tell.

    Counts are normalised to `TARGET_SUM` a cell and become ``log10(1 + x)``; other values stay as they are.
    Equals are ranked by chance. A line is fitted to the ranks below ``10 ** THRESHOLD``, and judged on all
    values above zero.

    Parameters
    ----------
    matrix
        Shape ``(n_obs, n_vars)``, row-compressed, without values below zero.

    References
    ----------
    Levine et al. (2024), Cell2Sentence. doi:10.1101/2023.09.11.557287, `benchmark_expression_conversion`
    of its package.
    """
    values = matrix.data.astype(np.float64)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    if is_counts:
        sums = np.bincount(rows, values, minlength=matrix.shape[0])
        values = np.log10(1 + values / sums[rows] * TARGET_SUM)
    chance = np.random.default_rng(seed).random(values.size)
    # NumPy's lexsort took four times as long.
    keys = pl.DataFrame({"row": rows, "value": values, "chance": chance})
    order = keys.select(pl.arg_sort_by(keys.columns, descending=[False, True, False])).to_series().to_numpy()
    ranks = np.empty(values.size)
    ranks[order] = np.arange(values.size) - matrix.indptr[rows]
    log_rank = np.log10(1 + ranks)
    fitted = log_rank < THRESHOLD
    if values.size < 2 or np.ptp(log_rank[fitted]) == 0 or np.ptp(values) == 0:
        return None
    slope, intercept = np.polyfit(log_rank[fitted], values[fitted], 1)
    recovered = intercept + slope * log_rank
    residual, total = ((values - recovered) ** 2).sum(), ((values - values.mean()) ** 2).sum()
    return Fidelity(
        slope=float(slope),
        intercept=float(intercept),
        r_squared=float(1 - residual / total),
        pearson_r=_correlation(values, recovered, method="pearson"),
        spearman_r=_correlation(values, recovered, method="spearman"),
        log_rank=log_rank,
        expression=values,
    )


def as_row(fidelity: Fidelity | None, *, n_cells: int) -> pl.DataFrame:
    """Put figures into the one row of `rank_fidelity`; there is none without them."""
    figures = ("slope", "intercept", "r_squared", "pearson_r", "spearman_r")
    schema = {"n_cells": pl.Int32, "n_values": pl.Int64, **dict.fromkeys(figures, pl.Float32)}
    if fidelity is None:
        return pl.DataFrame(schema=schema)
    counted = {"n_cells": n_cells, "n_values": fidelity.expression.size}
    return pl.DataFrame(counted | {name: getattr(fidelity, name) for name in figures}, schema=schema)


def _correlation(
    one: NDArray[np.float64], other: NDArray[np.float64], *, method: Literal["pearson", "spearman"]
) -> float:
    # Not of scipy.stats, whose import takes half a second of every process that loads the assets.
    return float(pl.select(pl.corr(pl.Series(one), pl.Series(other), method=method)).item())
