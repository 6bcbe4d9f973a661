"""Adds up the counts of cells. Importing this module costs half a second (numba)."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.errors import LakeError
from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.expression.tables import OUR_FAULT, expression_rows


class Sums(NamedTuple):
    """Of each row the features that any of its cells has, ascending.

    `indptr` is where each row begins, ``(n_rows + 1,)``. `indices` are the features, `values` the sums of
    their counts, and `n_detected` the cells that have them, ``(n_values,)`` each; it is empty where cells are
    not counted.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    n_detected: NDArray[np.int32]


class Adder:
    """Adds up the counts of the cells of each row, whose pieces come one after the other.

    Sums are made in float64, and rounded once: those up to 2^24 are exact.

    Parameters
    ----------
    is_counted
        Whether the cells that have a feature are counted, which takes half as long again.
    """

    def __init__(self, n_vars: int, *, is_counted: bool) -> None:
        self._sums = np.zeros(n_vars)
        self._n_detected = np.zeros(n_vars if is_counted else 0, np.int32)

    def add(
        self,
        counts: Csr,
        places: NDArray[np.int64],
        bounds: NDArray[np.int64],
        *,
        ends_row: NDArray[np.bool_],
    ) -> Sums:
        """Add further pieces, and return the rows that are whole with them.

        Parameters
        ----------
        counts
            Cells; no value is zero or below.
        places, bounds
            Which of these cells each piece has: those of the first first, and where each begins.
        ends_row
            Whether a piece is the last of its row.
        """
        n_most = self._capacity(counts, places, bounds)
        n_rows = int(ends_row.sum())
        found = Sums(
            indptr=np.zeros(n_rows + 1, np.int64),
            indices=np.empty(n_most, np.int32),
            values=np.empty(n_most, np.float32),
            n_detected=np.empty(n_most if self._n_detected.size else 0, np.int32),
        )
        _add_pieces(
            counts,
            places,
            bounds,
            ends_row=ends_row,
            sums=self._sums,
            n_detected=self._n_detected,
            found=found,
        )
        n_values = int(found.indptr[-1])
        return Sums(
            indptr=found.indptr,
            indices=found.indices[:n_values].copy(),
            values=found.values[:n_values].copy(),
            n_detected=found.n_detected[:n_values].copy(),
        )

    def _capacity(self, counts: Csr, places: NDArray[np.int64], bounds: NDArray[np.int64]) -> int:
        """How many values the rows have at most, and one; memory is taken only where values are written."""
        until = np.concatenate([[0], np.cumsum(np.diff(counts.indptr)[places])])
        pending = int(np.count_nonzero(self._sums))
        return int(np.minimum(np.diff(until[bounds]), self._sums.size).sum()) + pending + 1


class Totals:
    """What rows sum up to, row by row, and feature by feature over all rows.

    Attributes
    ----------
    of_features
        Of each feature, ``(n_vars,)``.
    """

    def __init__(self, n_vars: int) -> None:
        self.of_features = np.zeros(n_vars)
        self._of_rows = [np.zeros(0)]

    @property
    def of_rows(self) -> NDArray[np.float64]:
        """Of each row, ``(n_rows,)``."""
        return np.concatenate(self._of_rows)

    def add_rows(self, of_rows: NDArray[np.float64]) -> None:
        """Go on with what further rows sum up to."""
        self._of_rows.append(of_rows)

    def add_cells(self, counts: Csr, *, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Go on with cells that are in so many rows each; return the sum of each, ``(n_cells,)``.

        A million cells took 12 s of processor time by a matrix product and a cumulated sum, 4 s in one pass.
        """
        of_cells = np.zeros(times.size)
        _add_totals(counts, times=times, of_rows=of_cells, of_features=self.of_features)
        return of_cells

    def add(self, table: pl.DataFrame) -> None:
        """Go on with further rows of a table.

        Raises
        ------
        LakeError
            If a feature is none of the dataset's, so that the file is not what was written.
        """
        n_vars = self.of_features.size
        sums = expression_rows(table, n_vars=n_vars)
        if not 0 <= sums.indices.min(initial=0) <= sums.indices.max(initial=0) < n_vars:
            raise LakeError(f"a row has a feature beyond the {n_vars:,} there are. {OUR_FAULT}")
        of_rows = np.zeros(table.height)
        # With NumPy, its arrays of a float64 for each value took as long as reading the table.
        once = np.ones(table.height)
        _add_totals(csr_of(sums), times=once, of_rows=of_rows, of_features=self.of_features)
        self.add_rows(of_rows)


@njit(cache=True, nogil=True)
def _add_pieces(
    counts: Csr,
    places: NDArray[np.int64],
    bounds: NDArray[np.int64],
    *,
    ends_row: NDArray[np.bool_],
    sums: NDArray[np.float64],
    n_detected: NDArray[np.int32],
    found: Sums,
) -> None:
    is_counted = n_detected.size > 0
    n_rows, n_values = 0, 0
    for piece in range(ends_row.size):
        for place in places[bounds[piece] : bounds[piece + 1]]:
            for position in range(counts.indptr[place], counts.indptr[place + 1]):
                feature = counts.indices[position]
                sums[feature] += counts.values[position]
                if is_counted:
                    n_detected[feature] += 1
        if not ends_row[piece]:
            continue
        # Each feature is written, and the next one over it if it is not there: which are is hard to predict.
        for feature in range(sums.size):
            found.indices[n_values] = feature
            found.values[n_values] = sums[feature]
            if is_counted:
                found.n_detected[n_values] = n_detected[feature]
            n_values += sums[feature] != 0
        sums[:] = 0
        n_detected[:] = 0
        n_rows += 1
        found.indptr[n_rows] = n_values


@njit(cache=True, nogil=True)
def _add_totals(
    counts: Csr,
    *,
    times: NDArray[np.float64],
    of_rows: NDArray[np.float64],
    of_features: NDArray[np.float64],
) -> None:
    for row in range(of_rows.size):
        for position in range(counts.indptr[row], counts.indptr[row + 1]):
            value = np.float64(counts.values[position])
            of_rows[row] += value
            of_features[counts.indices[position]] += times[row] * value
