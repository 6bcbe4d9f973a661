"""Reads the values of a dataset from the file without HDF5, once HDF5 has said where they are."""

import os
import weakref
from array import array
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad.filters import DAMAGED, Pipeline, open_pipeline

# A compression makes of data that it cannot compress no more than this: blocks of one byte behind their size.
_MAX_GROWTH = 8
_MAX_HEADER_BYTES = 4096
# Chunks are dealt out in as many parts per thread, so that no thread has long to wait for another.
_PARTS_PER_THREAD = 4
_MAX_NUMBER = 2**62


class Stored(Protocol):
    """Values that are read without HDF5."""

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read the rows ``[start, stop)``, which must be within the dataset and at least one.

        Raises
        ------
        NotAnH5adError
            If a chunk does not inflate to the values it should hold.
        """


def open_stored(dataset: h5py.Dataset, *, place: str) -> Stored | None:
    """Find where the values of a dataset are, or give None if they are left to HDF5.

    Ours are lists and tables of numbers in the types of this machine, contiguous or in chunks under the
    filters of `open_pipeline`. Only of a file that is open for reading: while one is written, HDF5 keeps some
    values in memory.

    Raises
    ------
    NotAnH5adError
        If values or chunks are said to be where the file has none.
    """
    shape, dtype = dataset.shape, dataset.dtype
    if dataset.file.mode != "r" or dtype.kind not in "iuf" or len(shape) not in (1, 2) or 0 in shape:
        return None
    # Numbers of fewer bits than their bytes have, or in another order of bytes, are for HDF5 to convert.
    if not dataset.id.get_type().equal(h5py.h5t.py_create(dtype.newbyteorder("="))):
        return None
    properties = dataset.id.get_create_plist()
    if properties.get_layout() == h5py.h5d.CHUNKED:
        return _open_chunked(dataset, properties, place=place)
    offset = dataset.id.get_offset()
    if properties.get_layout() != h5py.h5d.CONTIGUOUS or offset is None:
        return None
    file = _File(dataset.file)
    n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if not file.holds(offset, n_bytes):
        raise _outside(place, offset=offset, n_bytes=n_bytes, file=file)
    return _Contiguous(file, place, offset, shape, dtype)


class _File:
    """A descriptor of our own for an open file, which outlives the h5py object if a thread still reads."""

    def __init__(self, file: h5py.File) -> None:
        self._descriptor = os.dup(file.id.get_vfd_handle())
        self.n_bytes = os.fstat(self._descriptor).st_size
        weakref.finalize(self, os.close, self._descriptor)

    def holds(self, offset: int, n_bytes: int) -> bool:
        return 0 <= offset <= self.n_bytes - n_bytes

    def read(self, offset: int, n_bytes: int) -> bytes:
        return os.pread(self._descriptor, n_bytes, offset)

    def read_into(self, values: NDArray[Any], offset: int) -> int:
        """Fill a contiguous array; the number of bytes read, fewer if the file has become shorter."""
        buffer = memoryview(values.reshape(-1).view(np.uint8))
        n_read = 0
        # One call reads 2 GiB at most.
        while n_new := os.preadv(self._descriptor, [buffer[n_read:]], offset + n_read):
            n_read += n_new
        return n_read


@dataclass(frozen=True)
class _Contiguous:
    file: _File
    place: str
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, start: int, stop: int) -> NDArray[Any]:
        values = np.empty((stop - start, *self.shape[1:]), dtype=self.dtype)
        row_bytes = values[0].nbytes
        if self.file.read_into(values, self.offset + start * row_bytes) != values.nbytes:
            raise _shorter(self.place)
        return values


@dataclass(frozen=True)
class _Index:
    """Where the chunks are that were ever written, in ascending `number`: row by row of the grid of chunks.

    `skipped` is the filter mask of each.
    """

    number: NDArray[np.int64]
    offset: NDArray[np.int64]
    n_bytes: NDArray[np.int64]
    skipped: NDArray[np.int64]


class _Chunked:
    """Values in chunks; a list is a table of one column."""

    def __init__(
        self, dataset: h5py.Dataset, *, place: str, pipeline: Pipeline, grid: "_Grid", fill_value: Any
    ) -> None:
        self._place = place
        self._pipeline = pipeline
        self._grid = grid
        self._shape = dataset.shape
        self._dtype = dataset.dtype
        self._fill_value = fill_value
        self._file = _File(dataset.file)
        self._index = _index_chunks(dataset, grid, place=place, file=self._file)
