"""Streams the rows of matrices that are stored by row: CSR and dense."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.storage.h5ad import canonical
from c2s_assets.storage.h5ad.matrix import DenseMatrix, MatrixInfo, SparseMatrix
from c2s_assets.storage.streams import one_ahead

if TYPE_CHECKING:  # a fifth of a second to import, and a survey reads no rows
    from scipy.sparse import csr_array

# Values of a dense matrix that are read at once, zeros too: 64 MB of float32.
_SLAB_VALUES = 16 * 2**20


@dataclass(frozen=True)
class CsrReader:
    """Reads a CSR matrix; see `MatrixReader`.

    While the caller works on a block, the next one is checked and the one after it is inflated, so that three
    are in memory.
    """

    matrix: SparseMatrix

    @property
    def info(self) -> MatrixInfo:
        """What the headers say."""
        return self.matrix.info

    def blocks(self, *, rows: int) -> Iterator[tuple[int, "csr_array"]]:
        """Yield ``(start_row, block)`` in row order."""
        canonical.require_positive(rows)
        return one_ahead(self._blocks(rows))

    def _blocks(self, rows: int) -> Generator[tuple[int, "csr_array"]]:
        with closing(one_ahead(self._inflate(rows))) as inflated:
            for stretch in inflated:
                yield stretch.start, self._check(stretch)

    def _inflate(self, rows: int) -> Generator["_Stretch"]:
        n_obs = self.info.shape[0]
        start = 0
        while start < n_obs:
            bounds = self._bounds(start, min(start + rows, n_obs))
            n_rows = _n_rows_within(bounds, n_values=canonical.MAX_BLOCK_VALUES)
            yield self._read(start, bounds[: n_rows + 1])
            start += n_rows

    def rows(self, start: int, stop: int) -> "csr_array":
        """Read the rows ``[start, stop)``."""
        canonical.require_rows(start, stop, n_obs=self.info.shape[0])
        return self._check(self._read(start, self._bounds(start, stop)))

    def _bounds(self, start: int, stop: int) -> NDArray[np.int64]:
        bounds = self.matrix.bounds(start, stop + 1)
        canonical.check_bounds(
            bounds,
            matrix=self.info.name,
            first=start,
            n_stored=self.info.n_stored,
            longest=self.info.shape[1],
            unit="cell",
        )
        return bounds

    def _read(self, start: int, bounds: NDArray[np.int64]) -> "_Stretch":
        first, last = int(bounds[0]), int(bounds[-1])
        data, indices = self.matrix.data.read(first, last), self.matrix.indices.read(first, last)
        return _Stretch(start, bounds - first, data, indices)

    def _check(self, stretch: "_Stretch") -> "csr_array":
        return canonical.canonical_rows(
            stretch.data,
            stretch.indices,
            stretch.bounds,
            matrix=self.info.name,
            first_row=stretch.start,
            n_vars=self.info.shape[1],
        )


@dataclass(frozen=True)
class _Stretch:
    """Rows of a CSR matrix as they stand in the file, from row `start` on; `bounds` begin at 0."""

    start: int
    bounds: NDArray[np.int64]
    data: NDArray[Any]
    indices: NDArray[Any]


@dataclass(frozen=True)
class DenseReader:
    """Reads a dense matrix; see `MatrixReader`.

    The next block is read while the caller works on the present one, so that two are in memory.
    """

    matrix: DenseMatrix

    @property
    def info(self) -> MatrixInfo:
        """What the headers say."""
        return self.matrix.info

    def blocks(self, *, rows: int) -> Iterator[tuple[int, "csr_array"]]:
        """Yield ``(start_row, block)`` in row order."""
        canonical.require_positive(rows)
        return one_ahead(self._blocks(rows))

    def rows(self, start: int, stop: int) -> "csr_array":
        """Read the rows ``[start, stop)``."""
        canonical.require_rows(start, stop, n_obs=self.info.shape[0])
        return self._to_rows(self._read_slab(start, stop), start)

    def _blocks(self, rows: int) -> Generator[tuple[int, "csr_array"]]:
        n_obs = self.info.shape[0]
        slab_rows = self._slab_rows(rows)
        for start in range(0, n_obs, slab_rows):
            slab = self._read_slab(start, min(start + slab_rows, n_obs))
            for first in range(0, len(slab), rows):
                yield from self._pieces(slab[first : first + rows], start + first)

    def _pieces(self, slab: NDArray[Any], start: int) -> Iterator[tuple[int, "csr_array"]]:
        """Halve what has too many values for a block, until it has not."""
        if len(slab) > 1 and np.count_nonzero(slab) > canonical.MAX_BLOCK_VALUES:
            half = len(slab) // 2
            yield from self._pieces(slab[:half], start)
            yield from self._pieces(slab[half:], start + half)
        else:
            yield start, self._to_rows(slab, start)

    def _slab_rows(self, rows: int) -> int:
        """Find how many rows to read at once so that no chunk is read twice, if that fits into memory."""
        most = max(1, _SLAB_VALUES // self.info.shape[1])
        chunk_rows = self.info.chunks[0] if self.info.chunks is not None else 1
        aligned = max(1, min(rows, most) // chunk_rows) * chunk_rows
        return aligned if aligned <= most else min(rows, most)

    def _read_slab(self, start: int, stop: int) -> NDArray[Any]:
        return self.matrix.values.read(start, stop).reshape(stop - start, self.info.shape[1])

    def _to_rows(self, table: NDArray[Any], start: int) -> "csr_array":
        n_rows, n_vars = table.shape
        slab = table.reshape(-1)
        # NaN differs from zero too, so it stays and is refused with the cell it belongs to. Without the
        # comparison, flatnonzero took 66 ms and not 20 on 17 M values, of which one in twenty is not zero.
        positions = np.flatnonzero(slab != 0)
        bounds = np.searchsorted(positions, np.arange(n_rows + 1) * n_vars).astype(np.int64)
        return canonical.canonical_rows(
            slab[positions],
            positions % n_vars,
            bounds,
            matrix=self.info.name,
            first_row=start,
            n_vars=n_vars,
        )


def _n_rows_within(bounds: NDArray[np.int64], *, n_values: int) -> int:
    """Count the rows from the first on that together hold at most `n_values`, but at least one."""
    return max(1, int(np.searchsorted(bounds, bounds[0] + n_values, side="right")) - 1)
