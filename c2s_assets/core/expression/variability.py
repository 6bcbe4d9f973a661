"""How each feature varies over the cells, and which features are highly variable.

Importing this module costs half a second (numba), so only who needs it does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.expression.layers import Kind

TARGET_COUNTS = 10_000
N_HIGHLY_VARIABLE = 2_000

_N_BINS = 20
# What scanpy takes for the mean of a feature that no cell expresses.
_NO_MEAN = 1e-12
# A variance this far below the square of the mean is what rounding leaves of none: sums are float64.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class FeatureSummary:
    """One value per feature, shape ``(n_vars,)``.

    `n_cells` counts the cells whose value is not zero and `mean` averages over all cells, zeros included, in
    the unit of the matrix. `is_highly_variable` is None where that cannot be decided.
    """

    n_cells: NDArray[np.int64]
    mean: NDArray[np.float32]
    is_highly_variable: NDArray[np.bool_] | None


class FeatureTally:
    """Counts, averages and compares the features of a matrix, block by block.

    Counts are scaled to `TARGET_COUNTS` in each cell before their variance is taken; normalised values are
    taken as they are. Sums are made value after value in the order of the cells, in float64, so that they are
    the same to the last bit however the matrix is cut into blocks.

    Parameters
    ----------
    is_fitted
        Which cells decide what is highly variable, shape ``(n_obs,)``. `n_cells` and `mean` are of all.
    """

    def __init__(self, *, kind: Kind, n_vars: int, is_fitted: NDArray[np.bool_]) -> None:
        self._kind: Kind = kind
        self._is_fitted = is_fitted
        # Of each feature what `_add_rows` adds up, side by side: four arrays took a third longer.
        self._sums = np.zeros((n_vars, 4))
        self._lowest = 0.0

    def add(self, start: int, block: csr_array) -> None:
        """Add the cells from `start` on: ``(n_rows, n_vars)``, row-compressed without explicit zeros.

        Blocks come in the order of the cells, together every cell once.
        """
        self._lowest = min(self._lowest, float(block.data.min(initial=0)))
        _add_rows(
            csr_of(block),
            is_fitted=self._is_fitted[start : start + block.shape[0]],
            target=TARGET_COUNTS if self._kind == "counts" else 0,
            sums=self._sums,
        )

    def passing(self, blocks: Iterable[tuple[int, csr_array]]) -> Iterator[tuple[int, csr_array]]:
        """Add each block on its way to whoever reads them."""
        for start, block in blocks:
            self.add(start, block)
            yield start, block

    def summary(self) -> FeatureSummary:
        """Sum up what was added."""
        n_cells, sums, fitted_sums, fitted_squares = self._sums.T
        n_fitted = int(self._is_fitted.sum())
        is_highly_variable = None
        # Below zero, neither a sum of counts nor a ratio of variance to mean means anything.
        if self._kind in ("counts", "normalised") and self._lowest == 0 and n_fitted > 1:
            mean = fitted_sums / n_fitted
            variance = (fitted_squares - fitted_sums * mean) / (n_fitted - 1)
            variance[variance <= _ROUNDING * mean**2] = 0
            is_highly_variable = choose_highly_variable(mean, variance, n_top=N_HIGHLY_VARIABLE)
        n_obs = max(self._is_fitted.size, 1)
        averages = (sums / n_obs).astype(np.float32)
        return FeatureSummary(n_cells.astype(np.int64), averages, is_highly_variable)


def summarise_features(
    blocks: Iterable[tuple[int, csr_array]], *, kind: Kind, n_vars: int, is_fitted: NDArray[np.bool_]
) -> FeatureSummary:
    """Count, average and compare the features of a matrix in one pass, see `FeatureTally`."""
    tally = FeatureTally(kind=kind, n_vars=n_vars, is_fitted=is_fitted)
    for start, block in blocks:
        tally.add(start, block)
    return tally.summary()


def choose_highly_variable(
    mean: NDArray[np.float64], variance: NDArray[np.float64], *, n_top: int
) -> NDArray[np.bool_]:
    """Choose the features whose dispersion stands out most among features of a like mean.

    The dispersion is the logarithm of variance over mean. Features are put into 20 bins of equal width by
    ``log1p(mean)``, and a feature's score is its distance from the mean of its bin in standard deviations; a
    feature alone in its bin scores 1, as in scanpy. Features that do not vary have no dispersion and are
    never chosen. Equals go by position.

    Parameters
    ----------
    mean, variance
        Over cells, shape ``(n_vars,)``; the variance with ``n - 1``.
    n_top
        How many to choose; fewer if fewer vary.

    References
    ----------
    Satija et al. (2015), Spatial reconstruction of single-cell gene expression data. doi:10.1038/nbt.3192;
    scanpy's ``highly_variable_genes(flavor="seurat")``.
    """
    mean = np.where(mean == 0, _NO_MEAN, mean)
    varies = variance > 0
    dispersion = np.log(np.where(varies, variance / mean, 1.0))
    bins = _bin_of(np.log1p(mean))

    n_in_bin = np.bincount(bins[varies], minlength=_N_BINS)
    centre = np.bincount(bins[varies], dispersion[varies], _N_BINS) / np.maximum(n_in_bin, 1)
    squares = np.bincount(bins[varies], (dispersion - centre[bins])[varies] ** 2, _N_BINS)
    spread = np.sqrt(squares / np.maximum(n_in_bin - 1, 1))
    is_scored = varies & (spread[bins] > 0)
    score = np.full(mean.size, -np.inf)
    score[is_scored] = ((dispersion - centre[bins]) / np.where(spread > 0, spread, 1)[bins])[is_scored]
    score[varies & (n_in_bin[bins] == 1)] = 1.0

    order = np.argsort(-score, kind="stable")
    chosen = np.zeros(mean.size, np.bool_)
    chosen[order[:n_top]] = True
    chosen &= np.isfinite(score)
    return chosen


def _bin_of(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find the bin of each value, of equal widths and closed on the right, as pandas.cut makes them."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(values.size, np.intp)
    edges = np.linspace(low, high, _N_BINS + 1)
    return np.maximum(np.searchsorted(edges, values, side="left") - 1, 0)


@njit(cache=True, nogil=True)
def scale_of_row(values: NDArray[np.float32], start: int, stop: int, target: int) -> float:
    """By what a row's values are multiplied so that they sum up to `target`; 1 if that is 0, or their sum."""
    depth = 0.0
    if target > 0:
        for position in range(start, stop):
            depth += np.float64(values[position])
    return target / depth if depth > 0 else 1.0


@njit(cache=True, nogil=True)
def _add_rows(
    rows: Csr,
    *,
    is_fitted: NDArray[np.bool_],
    target: int,
    sums: NDArray[np.float64],
) -> None:
    """Add the rows of a block to the sums of their features; `target` 0 leaves values as they are.

    `sums` has a row per feature: its cells, the sum of its values, and of the fitted cells the sums of its
    scaled values and of their squares.
    """
    indptr, indices, values = rows
    for row in range(is_fitted.size):
        scale = scale_of_row(values, indptr[row], indptr[row + 1], target)
        for position in range(indptr[row], indptr[row + 1]):
            feature, value = indices[position], np.float64(values[position])
            sums[feature, 0] += 1
            sums[feature, 1] += value
            if is_fitted[row]:
                sums[feature, 2] += value * scale
                sums[feature, 3] += (value * scale) ** 2
