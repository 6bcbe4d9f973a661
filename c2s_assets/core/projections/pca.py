"""Principal components of a matrix that is read in blocks; exact, whatever its number of cells.

Importing this module costs half a second (numba), so only who needs it does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.linalg.blas import dsyrk
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.expression.variability import TARGET_COUNTS, scale_of_row

N_COMPONENTS = 50

# 2,048 cells of 2,000 features are 33 MB. The products of 183,000 cells took 18.1 s in blocks of 1,024, 18.0
# of 2,048, 17.1 of 4,096, on two busy cores; in float32 7 s, but near components need the digits.
_ROWS_PER_BLOCK = 2_048

Blocks = Iterable[tuple[int, csr_array]]


@dataclass(frozen=True)
class Pretreatment:
    """Which features are looked at, and what becomes of their values.

    Attributes
    ----------
    columns
        Positions of the features in the matrix, ascending.
    is_counts
        Counts are scaled to `TARGET_COUNTS` over all features of a cell, then ``log1p`` is taken; other
        values are used as they are.
    """

    columns: NDArray[np.intp]
    is_counts: bool


@dataclass(frozen=True)
class PrincipalComponents:
    """Directions of the largest variance.

    Attributes
    ----------
    mean
        Of each feature over the fitted cells, shape ``(n_features,)``.
    loadings
        Rows of length one, by falling variance, shape ``(n_components, n_features)``. Of each, the loading
        that is largest without its sign is positive.
    explained_variance
        Variance of the fitted cells along each, with ``n - 1``, shape ``(n_components,)``.
    total_variance
        Of all features together.
    n_fitted
        Cells that decided.
    """

    mean: NDArray[np.float64]
    loadings: NDArray[np.float64]
    explained_variance: NDArray[np.float64]
    total_variance: float
    n_fitted: int

    @property
    def explained_variance_ratio(self) -> NDArray[np.float64]:
        """Share of the total variance along each component."""
        return self.explained_variance / (self.total_variance or 1.0)


def fit_components(
    blocks: Blocks, treatment: Pretreatment, *, is_fitted: NDArray[np.bool_]
) -> PrincipalComponents:
    """Find the principal components of the fitted cells from their covariance, in one pass.

    Values are centred and not scaled. Sums are float64 over blocks of a fixed number of cells, so that how
    the matrix was cut when it was read changes nothing.

    Parameters
    ----------
    blocks
        ``(start_row, block)`` in row order, together every cell once, row-compressed.
    is_fitted
        Which cells decide, shape ``(n_obs,)``.

    Returns
    -------
    `N_COMPONENTS`, or as many as there are directions in which the cells differ; none if they are all alike.
    """
    n_features, n_fitted = treatment.columns.size, int(is_fitted.sum())
    sums = np.zeros(n_features)
    products = np.zeros((n_features, n_features), order="F")
    for start, values in _treated(blocks, treatment):
        fitted = values[is_fitted[start : start + len(values)]]
        if fitted.size:
            sums += fitted.sum(axis=0)
            # The upper triangle of fitted.T @ fitted: half the work.
            products = dsyrk(1.0, fitted.T, beta=1.0, c=products, overwrite_c=True)
    mean = sums / max(n_fitted, 1)
    covariance = (products - n_fitted * np.outer(mean, mean)) / max(n_fitted - 1, 1)
    variance, vectors = _largest(covariance, squares=products.diagonal() / max(n_fitted - 1, 1))
    return PrincipalComponents(
        mean=mean,
        loadings=_signed(vectors.T),
        explained_variance=variance,
        total_variance=float(covariance.diagonal().sum()),
        n_fitted=n_fitted,
    )


def project(
    blocks: Blocks, treatment: Pretreatment, components: PrincipalComponents
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield ``(start_row, scores)`` of all cells, ``(n_rows, n_components)``, in blocks of fixed rows."""
    directions = components.loadings.T
    offset = components.mean @ directions
    for start, values in _treated(blocks, treatment):
        yield start, (values @ directions - offset).astype(np.float32)


def _largest(
    covariance: NDArray[np.float64], *, squares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the largest eigenvalues, falling, and their vectors, as columns; those that are rounding left out.

    `squares` are the uncentred variances that the covariance was made of: rounding is measured by them.
    """
    size = len(covariance)
    if size == 0:
        return np.zeros(0), np.zeros((0, 0))
    first = max(size - N_COMPONENTS, 0)
    # Two threads wait for each other by spinning: of 2,000 features, on two cores with much else to do, 41 s
    # (5.5 of processor), where one thread took 3.5 (0.7).
    with threadpool_limits(1, user_api="blas"):
        variance, vectors = eigh(covariance, lower=False, subset_by_index=[first, size - 1])
    is_real = variance[::-1] > size * np.finfo(np.float64).eps * max(float(squares.max()), 0.0)
    return variance[::-1][is_real], vectors[:, ::-1][:, is_real]


def _signed(loadings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each row so that its loading that is largest without its sign is positive."""
    largest = np.abs(loadings).argmax(axis=1) if loadings.size else np.zeros(0, np.intp)
    signs: NDArray[np.float64] = np.sign(loadings[np.arange(len(loadings)), largest])
    return loadings * signs[:, np.newaxis]


def _treated(blocks: Blocks, treatment: Pretreatment) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Cut the cells anew into blocks of fixed rows, dense over the chosen features."""
    target = TARGET_COUNTS if treatment.is_counts else 0
    shape = (_ROWS_PER_BLOCK, treatment.columns.size)
    column_of = None
    dense, first, n_filled = np.zeros(shape), 0, 0
    for _, block in blocks:
        if column_of is None:
            column_of = np.full(block.shape[1], -1, np.int32)
            column_of[treatment.columns] = np.arange(treatment.columns.size)
        rows = csr_of(block)
        start = 0
        while start < block.shape[0]:
            stop = min(start + _ROWS_PER_BLOCK - n_filled, block.shape[0])
            some = rows._replace(indptr=rows.indptr[start : stop + 1])
            _fill(some, column_of=column_of, target=target, dense=dense[n_filled:])
            n_filled += stop - start
            start = stop
            if n_filled == _ROWS_PER_BLOCK:
                yield first, dense
                dense, first, n_filled = np.zeros(shape), first + n_filled, 0
    if n_filled:
        yield first, dense[:n_filled]


@njit(cache=True, nogil=True)
def _fill(
    rows: Csr,
    *,
    column_of: NDArray[np.int32],
    target: int,
    dense: NDArray[np.float64],
) -> None:
    """Write rows into `dense`, which is zero; `target` 0 leaves values as they are."""
    indptr, indices, values = rows
    for row in range(indptr.size - 1):
        scale = scale_of_row(values, indptr[row], indptr[row + 1], target)
        for position in range(indptr[row], indptr[row + 1]):
            column = column_of[indices[position]]
            if column >= 0:
                value = np.float64(values[position])
                dense[row, column] = np.log1p(value * scale) if target > 0 else value
