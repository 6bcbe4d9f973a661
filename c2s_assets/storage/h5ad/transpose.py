"""Streams the rows of a matrix that is stored by column (CSC), by sorting it on disk into ranges of rows."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidMatrixError
from c2s_assets.storage.h5ad import canonical
from c2s_assets.storage.h5ad.matrix import MatrixInfo, SparseMatrix

if TYPE_CHECKING:  # a fifth of a second to import, and a survey reads no rows
    from scipy.sparse import csr_array

# Values per read, of 12 bytes each once they are records.
STREAM_VALUES = 4 * 2**20
# Values per range of rows, unless one row has more. Sorting 7 M of them at once took 315 MB.
RANGE_VALUES = 4 * 2**20

# `source` refuses obs and var that are longer than an int32 can count.
_RECORD = np.dtype([("row", np.int32), ("feature", np.int32), ("value", np.float32)])


@dataclass(frozen=True)
class CscReader:
    """Reads a CSC matrix; see `MatrixReader`.

    One pass over the indices counts the values of each cell, so that ranges of rows can be cut that fit into
    memory; a second pass appends each value to the file of its range, in `scratch` (the system's temporary
    folder if None). Besides a block this holds two integers per cell and one per feature.
    """

    matrix: SparseMatrix
    scratch: Path | None

    @property
    def info(self) -> MatrixInfo:
        """What the headers say."""
        return self.matrix.info

    def blocks(self, *, rows: int) -> Iterator[tuple[int, "csr_array"]]:
        """Yield ``(start_row, block)`` in row order."""
        canonical.require_positive(rows)
        edges = _cut(self._count_per_row(), n_values=min(RANGE_VALUES, canonical.MAX_BLOCK_VALUES))
        with tempfile.TemporaryDirectory(prefix="c2s-transpose-", dir=self.scratch) as folder:
            files = [Path(folder) / f"{start}.records" for start in edges[:-1].tolist()]
            self._scatter(edges, files)
            for start, stop, file in zip(edges[:-1].tolist(), edges[1:].tolist(), files, strict=True):
                records = np.fromfile(file, dtype=_RECORD) if file.exists() else np.empty(0, _RECORD)
                file.unlink(missing_ok=True)
                bucket = self._assemble(records, start, stop)
                for first in range(0, stop - start, rows):
                    yield start + first, bucket[first : first + rows]

    def rows(self, start: int, stop: int) -> "csr_array":
        """Read the rows ``[start, stop)``, which takes a pass over the whole matrix."""
        canonical.require_rows(start, stop, n_obs=self.info.shape[0])
        wanted = [np.empty(0, _RECORD)]
        n_left = (stop - start) * self.info.shape[1]
        for records in self._records():
            wanted.append(records[(records["row"] >= start) & (records["row"] < stop)])
            n_left -= len(wanted[-1])
            if n_left < 0:
                raise self._repeats(f"cells {start} to {stop} list more values than they have features")
        return self._assemble(np.concatenate(wanted), start, stop)

    def _count_per_row(self) -> NDArray[np.int64]:
        counts = np.zeros(self.info.shape[0], dtype=np.int64)
        for first in range(0, self.info.n_stored, STREAM_VALUES):
            rows = self._rows_of_values(first)
            # Not bincount, which would make an array of all rows for every read.
            np.add.at(counts, rows, 1)
        row = int(counts.argmax())
        if counts[row] > self.info.shape[1]:
            raise self._repeats(f"cell {row} lists {counts[row]} values")
        return counts

    def _scatter(self, edges: NDArray[np.int64], files: list[Path]) -> None:
        for records in self._records():
            bucket_of = np.searchsorted(edges, records["row"], side="right") - 1
            order = np.argsort(bucket_of, kind="stable")
            ends = np.searchsorted(bucket_of[order], np.arange(len(files) + 1))
            for bucket in np.flatnonzero(np.diff(ends)).tolist():
                with files[bucket].open("ab") as file:
                    records[order[ends[bucket] : ends[bucket + 1]]].tofile(file)

    def _records(self) -> Iterator[NDArray[Any]]:
        """Yield the values in stored order, feature after feature, with the cell and feature of each."""
        bounds = self._column_bounds()
        for first in range(0, self.info.n_stored, STREAM_VALUES):
            rows = self._rows_of_values(first)
            records = np.empty(len(rows), dtype=_RECORD)
            records["row"] = rows
            records["feature"] = _columns_of(first, len(rows), bounds)
            values = self.matrix.data.read(first, first + len(rows))
            records["value"] = canonical.to_float32(values)
            wrong = canonical.first_not_finite(records["value"])
            if wrong is not None:
                raise canonical.not_finite(
                    values[wrong],
                    matrix=self.info.name,
                    row=int(records["row"][wrong]),
                    feature=int(records["feature"][wrong]),
                )
            yield records

    def _rows_of_values(self, first: int) -> NDArray[Any]:
        rows = self.matrix.indices.read(first, min(first + STREAM_VALUES, self.info.n_stored))
        outside = (rows < 0) | (rows >= self.info.shape[0])
        if outside.any():
            wrong = int(outside.argmax())
            feature = _columns_of(first, len(rows), self._column_bounds())[wrong]
            raise InvalidMatrixError(
                f"{self.info.name}: feature {feature} lists cell {rows[wrong]}, but there are "
                f"{self.info.shape[0]} cells. The file is damaged."
            )
        return rows

    def _column_bounds(self) -> NDArray[np.int64]:
        n_obs, n_vars = self.info.shape
        bounds = self.matrix.bounds(0, n_vars + 1)
        canonical.check_bounds(
            bounds, matrix=self.info.name, first=0, n_stored=self.info.n_stored, longest=n_obs, unit="feature"
        )
        return bounds

    def _repeats(self, found: str) -> InvalidMatrixError:
        return InvalidMatrixError(
            f"{self.info.name}: {found}, but there are {self.info.shape[1]} features: some are listed twice. "
            "Sum or remove the repeats (scipy: matrix.sum_duplicates()) and write the file again."
        )

    def _assemble(self, records: NDArray[Any], start: int, stop: int) -> "csr_array":
        """Sort records, which come feature after feature, into rows."""
        from scipy.sparse import csc_array  # noqa: PLC0415  a survey makes no rows

        n_vars = self.info.shape[1]
        bounds = np.searchsorted(records["feature"], np.arange(n_vars + 1))
        by_feature = csc_array(
            (records["value"], records["row"] - start, bounds), shape=(stop - start, n_vars)
        )
        by_row = by_feature.tocsr()
        return canonical.canonical_rows(
            by_row.data,
            by_row.indices,
            by_row.indptr.astype(np.int64),
            matrix=self.info.name,
            first_row=start,
            n_vars=n_vars,
        )


def _cut(counts: NDArray[np.int64], *, n_values: int) -> NDArray[np.int64]:
    """Cut the rows into ranges that hold at most `n_values` each, or one row; the edges, from 0 to n_obs."""
    ends = np.concatenate([[0], np.cumsum(counts)])
    edges = [0]
    while edges[-1] < len(counts):
        within = int(np.searchsorted(ends, ends[edges[-1]] + n_values, side="right")) - 1
        edges.append(max(edges[-1] + 1, within))
    return np.array(edges)


def _columns_of(first: int, n_values: int, bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(bounds, np.arange(first, first + n_values), side="right") - 1
