"""Rows of a matrix put aside on disk, bucket by bucket, until all of a bucket are there.

A matrix has its cells in any order. To have those of one group together takes either as much memory as the
matrix, or a pass over it for each few groups, or this.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numcodecs.blosc import Blosc
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from c2s_assets.core.expression.csr import Csr, csr_of

# About as many values are in a bucket: 64 MB. As many as a block may have are sorted into buckets at once:
# arrays above 32 MB are given back to the system each time, which took as long again as the sorting.
VALUES_PER_BUCKET = 8 * 2**20
_VALUES_AT_ONCE = 4 * 2**20

_HEADER = np.dtype(np.int64)
# Of a part of a bucket: cells, how many values each has, their features, and the values.
_TYPES: tuple[np.dtype[Any], ...] = (
    np.dtype(np.int32),
    np.dtype(np.int64),
    np.dtype(np.int32),
    np.dtype(np.float32),
)


class Buckets:
    """Cells of a matrix, sorted into files of a folder.

    Parameters
    ----------
    bucket_of_cell
        The bucket of each cell, ``(n_obs,)``; a cell at -1 is left out.
    """

    def __init__(self, folder: Path, bucket_of_cell: NDArray[np.int32]) -> None:
        self._folder = folder
        self._bucket_of_cell = bucket_of_cell
        self._n_cells: Counter[int] = Counter()
        self._n_values: Counter[int] = Counter()
        self._pending: list[tuple[int, csr_array]] = []
        self._n_pending = 0
        # Counts and indices of sorted features have bytes that are zero or alike: lz4 finds them if each
        # byte of a number stands with its like, and takes less time than writing what it spares.
        self._codec = Blosc(cname="lz4", clevel=1, shuffle=Blosc.SHUFFLE)

    def add(self, start: int, block: csr_array) -> None:
        """Put the cells from `start` on aside; blocks come in the order of the cells."""
        self._pending.append((start, block))
        self._n_pending += block.nnz
        if self._n_pending >= _VALUES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is still in memory; to be called after the last block."""
        if not self._pending:
            return
        first = self._pending[0][0]
        rows = vstack([block for _, block in self._pending], format="csr")
        self._pending, self._n_pending = [], 0
        bucket = self._bucket_of_cell[first : first + rows.shape[0]]
        order = np.argsort(bucket, kind="stable")
        order = order[np.searchsorted(bucket[order], 0) :]
        found, begins = np.unique(bucket[order], return_index=True)
        for number, cells in zip(found.tolist(), np.split(order, begins[1:]), strict=True):
            self._append(number, (cells + first).astype(np.int32), csr_of(rows[cells]))

    def take(self, bucket: int) -> tuple[NDArray[np.int32], Csr]:
        """Read all cells of a bucket, ascending, and their rows; its file is removed."""
        n_cells, n_values = self._n_cells[bucket], self._n_values[bucket]
        read = [
            np.empty(n, kind) for n, kind in zip((n_cells, n_cells, n_values, n_values), _TYPES, strict=True)
        ]
        if n_cells:
            with self._path(bucket).open("rb") as file:
                self._read_into(read, file)
            self._path(bucket).unlink()
        cells, lengths, indices, values = read
        return cells, Csr(np.concatenate([[0], np.cumsum(lengths)]), indices, values)

    def _append(self, bucket: int, cells: NDArray[np.int32], rows: Csr) -> None:
        self._n_cells[bucket] += cells.size
        self._n_values[bucket] += rows.values.size
        with self._path(bucket).open("ab") as file:
            for array in (cells, np.diff(rows.indptr), rows.indices, rows.values):
                packed = self._codec.encode(np.ascontiguousarray(array)) if array.size else b""
                file.write(np.array([array.size, len(packed)], _HEADER).tobytes())
                file.write(packed)

    def _read_into(self, read: Sequence[NDArray[Any]], file: BinaryIO) -> None:
        """Read the parts of a bucket one behind the other into arrays that are as long as all of them."""
        n_read = [0] * len(read)
        for column in itertools.cycle(range(len(read))):
            header = file.read(2 * _HEADER.itemsize)
            if not header:
                return
            size, n_packed = np.frombuffer(header, _HEADER).tolist()
            if size:
                part = read[column][n_read[column] : n_read[column] + size]
                self._codec.decode(file.read(n_packed), out=part)
                n_read[column] += size

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket:06d}.rows"
