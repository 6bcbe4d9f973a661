"""Reads a chunked dataset past HDF5: finds the stored chunks once, then inflates them on several threads."""

import os
from array import array
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import h5py
import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad.disk import Disk
from c2s_assets.storage.h5ad.filters import DAMAGED, Pipeline

# What is allowed for the header and the growth of values that cannot be compressed; LZF, LZ4, zstd, blosc and
# gzip need less than a hundredth and 64 bytes.
_MAX_GROWTH = 2
_MAX_HEADER_BYTES = 4096
# So that no thread waits long for the last one to finish.
_PARTS_PER_THREAD = 4
# Bytes of values that are inflated at the same time, if that is more than one chunk.
_MAX_INFLATING_BYTES = 256 * 2**20
# Bytes of inflated chunks that all readers keep, so that ten columns of one chunk each are not all in memory:
# enough for the three largest chunks that are read, those of a sparse matrix.
_MAX_KEPT_BYTES = 1024 * 2**20


@dataclass(frozen=True)
class Grid:
    """How a table is cut into chunks; a list is a table of one column."""

    n_rows: int
    n_columns: int
    chunk_rows: int
    chunk_columns: int

    @property
    def n_across(self) -> int:
        """Number of chunks beside each other."""
        return -(-self.n_columns // self.chunk_columns)

    @property
    def n_chunks(self) -> int:
        """Number of chunks, written or not."""
        return -(-self.n_rows // self.chunk_rows) * self.n_across


@dataclass(frozen=True)
class ChunkIndex:
    """Where the chunks are that were written, by ascending `number`: along the rows of the grid.

    `skipped` is the filter mask of each.
    """

    number: NDArray[np.int64]
    offset: NDArray[np.int64]
    n_bytes: NDArray[np.int64]
    skipped: NDArray[np.int64]


@dataclass(frozen=True)
class ChunkLayout:
    """What the header says of a chunked dataset."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    grid: Grid
    pipeline: Pipeline
    fill_value: Any

    @property
    def chunk_bytes(self) -> int:
        """Bytes of the values of a chunk; those at the edges are stored whole too."""
        return self.grid.chunk_rows * self.grid.chunk_columns * self.dtype.itemsize


class KeptChunks:
    """The chunk of each reader of which its last read needed the first rows only: the next may need others.

    Who comes when the bytes are used up inflates its chunk again for every read. A reader that is gone keeps
    nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: WeakKeyDictionary[object, tuple[int, NDArray[Any]]] = WeakKeyDictionary()
        self._lock = Lock()

    def keep(self, reader: object, number: int, values: NDArray[Any]) -> None:
        """Keep a chunk in place of the reader's last one, if there is room for it."""
        with self._lock:
            self._kept.pop(reader, None)
            n_bytes = sum(kept.nbytes for _, kept in self._kept.values())
            if n_bytes + values.nbytes <= self._max_bytes:
                self._kept[reader] = (number, values)

    def drop(self, reader: object) -> None:
        """Keep nothing of a reader any more."""
        with self._lock:
            self._kept.pop(reader, None)

    def find(self, reader: object, number: int) -> NDArray[Any] | None:
        """Return a chunk of a reader if it is kept."""
        with self._lock:
            kept = self._kept.get(reader)
        return kept[1] if kept is not None and kept[0] == number else None


_KEPT = KeptChunks(_MAX_KEPT_BYTES)


class ChunkedValues:
    """The values of a chunked dataset; see `stored.Stored`."""

    def __init__(self, disk: Disk, layout: ChunkLayout, index: ChunkIndex, *, place: str) -> None:
        self._disk = disk
        self._layout = layout
        self._index = index
        self._place = place

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read the rows ``[start, stop)``."""
        grid = self._layout.grid
        first = start // grid.chunk_rows * grid.n_across
        end = -(-stop // grid.chunk_rows) * grid.n_across
        begin, finish = np.searchsorted(self._index.number, [first, end]).tolist()
        size = (stop - start, grid.n_columns)
        if finish - begin == end - first:
            table = np.empty(size, dtype=self._layout.dtype)
        else:
            table = np.full(size, self._layout.fill_value, dtype=self._layout.dtype)
        self._copy_all(range(begin, finish), table, start)
        if stop == grid.n_rows:
            _KEPT.drop(self)
        return table.reshape(stop - start, *self._layout.shape[1:])

    def _copy_all(self, positions: range, table: NDArray[Any], start: int) -> None:
        n_fitting = max(1, _MAX_INFLATING_BYTES // self._layout.chunk_bytes)
        n_parts = min(len(positions), _PARTS_PER_THREAD * _n_threads(), n_fitting)
        if n_parts <= 1:
            self._copy_chunks(positions, table, start)
            return
        parts = [positions[part::n_parts] for part in range(n_parts)]
        # Going through the results raises the first error of a thread, and then cancels what has not begun.
        for _ in _threads(os.getpid()).map(lambda part: self._copy_chunks(part, table, start), parts):
            pass

    def _copy_chunks(self, positions: range, table: NDArray[Any], start: int) -> None:
        """Copy the chunks at these positions of the index into a table whose first row is `start`."""
        grid = self._layout.grid
        stop = start + len(table)
        for position in positions:
            down, across = divmod(int(self._index.number[position]), grid.n_across)
            row, column = down * grid.chunk_rows, across * grid.chunk_columns
            values = self._chunk(position)
            first, end = max(row, start), min(row + grid.chunk_rows, stop)
            columns = min(grid.chunk_columns, grid.n_columns - column)
            table[first - start : end - start, column : column + columns] = values[
                first - row : end - row, :columns
            ]
            if end < min(row + grid.chunk_rows, grid.n_rows) and grid.n_across == 1:
                _KEPT.keep(self, position, values)

    def _chunk(self, position: int) -> NDArray[Any]:
        kept = _KEPT.find(self, position)
        if kept is not None:
            return kept
        layout = self._layout
        offset = int(self._index.offset[position])
        packed = self._disk.read(offset, int(self._index.n_bytes[position]))
        try:
            values = layout.pipeline.undo(
                packed, skipped=int(self._index.skipped[position]), n_bytes=layout.chunk_bytes
            )
        except DAMAGED as error:
            raise NotAnH5adError(
                f"{self._place}: the chunk at byte {offset:,} of the file cannot be inflated ({error}). "
                "The file is damaged or incomplete; fetch it again."
            ) from error
        table: NDArray[Any] = np.frombuffer(values, dtype=layout.dtype)
        return table.reshape(layout.grid.chunk_rows, layout.grid.chunk_columns)


def index_chunks(dataset: h5py.Dataset, layout: ChunkLayout, *, disk: Disk, place: str) -> ChunkIndex:
    """List the chunks that were written.

    Raises
    ------
    NotAnH5adError
        If one is outside the file, larger than its values can be, or listed twice.
    """
    grid = layout.grid
    # Not a list, whose integers would take several times the memory for a matrix of millions of chunks.
    found = array("Q")

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        row, column = (*chunk.chunk_offset, 0)[:2]
        if row < grid.n_rows and column < grid.n_columns:
            number = row // grid.chunk_rows * grid.n_across + column // grid.chunk_columns
            found.extend((number, chunk.byte_offset, chunk.size, chunk.filter_mask))

    dataset.id.chunk_iter(note)
    table = np.array(found, dtype=np.uint64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0], kind="stable")]
    number, offset, n_bytes, _ = table.T
    # First each by itself, because the sum of two that are too large wraps around.
    is_outside = (offset > disk.n_bytes) | (n_bytes > disk.n_bytes) | (offset + n_bytes > disk.n_bytes)
    is_too_large = n_bytes > _MAX_GROWTH * layout.chunk_bytes + _MAX_HEADER_BYTES
    wrong = np.flatnonzero(is_outside | is_too_large)
    if wrong.size:
        raise NotAnH5adError(
            f"{place}: a chunk of {layout.chunk_bytes:,} bytes of values is said to take "
            f"{n_bytes[wrong[0]]:,} bytes at {offset[wrong[0]]:,} of a file of {disk.n_bytes:,}. "
            "The file is damaged or incomplete; fetch it again."
        )
    if (number[1:] == number[:-1]).any():
        raise NotAnH5adError(f"{place}: a chunk is stored twice. The file is damaged; fetch it again.")
    return ChunkIndex(*table.T.astype(np.int64))


def _n_threads() -> int:
    return os.cpu_count() or 1


@lru_cache(maxsize=1)
def _threads(process_id: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a forked process has none of these threads
    return ThreadPoolExecutor(_n_threads(), thread_name_prefix="c2s-inflate")
