"""Decides which datasets are read past HDF5, and finds where their values are."""

from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad.chunks import ChunkedValues, ChunkLayout, Grid, index_chunks
from c2s_assets.storage.h5ad.disk import Disk
from c2s_assets.storage.h5ad.filters import open_pipeline

# How HDF5 keeps a text of variable length: its length, and where it is in a heap.
REFERENCE = np.dtype([("n_bytes", "<u4"), ("heap", "<u8"), ("number", "<u4")])

# Chunks are numbered in an int64.
_MAX_CHUNKS = 2**62


class Stored(Protocol):
    """Values that are read past HDF5, by several threads at once if need be."""

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read the rows ``[start, stop)``, at least one and all within the dataset.

        Raises
        ------
        NotAnH5adError
            If what is stored is not what the header says.
        """


class ContiguousValues:
    """The values of a dataset that lie in the file as they do in memory; see `Stored`."""

    def __init__(
        self, disk: Disk, dataset: h5py.Dataset, *, dtype: np.dtype[Any], offset: int, place: str
    ) -> None:
        self._disk = disk
        self._offset = offset
        self._place = place
        self._row_shape = dataset.shape[1:]
        self._dtype = dtype

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read the rows ``[start, stop)``."""
        values = np.empty((stop - start, *self._row_shape), dtype=self._dtype)
        offset = self._offset + start * values[0].nbytes
        is_inside = self._disk.holds(offset, values.nbytes)
        if not is_inside or self._disk.read_into(values, offset) < values.nbytes:
            raise NotAnH5adError(
                f"{self._place} should have {values.nbytes:,} bytes at {offset:,}, where the file has fewer. "
                "The file is damaged or incomplete; fetch it again."
            )
        return values


def open_stored(dataset: h5py.Dataset, *, place: str) -> Stored | None:
    """Find where the values of a dataset are; None if it is left to HDF5.

    Ours are lists and tables of numbers in a type of this machine, contiguous or in chunks under the filters
    of `filters.open_pipeline`, of a file that is open for reading: of others, HDF5 has values in memory.

    Raises
    ------
    NotAnH5adError
        If the values are not where the header says.
    """
    shape, dtype = dataset.shape, dataset.dtype
    if (dataset.file.mode, dataset.file.driver) != ("r", "sec2"):
        return None
    if len(shape) not in (1, 2) or 0 in shape or dtype.kind not in "iuf" or dtype.itemsize > 8:
        return None
    # HDF5 also has numbers that use some of the bits of their bytes, and both orders of bytes.
    if not dataset.id.get_type().equal(h5py.h5t.py_create(dtype.newbyteorder("="))):
        return None
    return _open_values(dataset, dtype, place=place)


def open_references(dataset: h5py.Dataset, *, place: str) -> Stored | None:
    """Find where the references of a list of texts of variable length are, each a `REFERENCE`; see above."""
    is_list = len(dataset.shape) == 1 and dataset.shape[0] > 0
    if not is_list or (dataset.file.mode, dataset.file.driver) != ("r", "sec2"):
        return None
    if dataset.file.id.get_create_plist().get_sizes()[0] != REFERENCE["heap"].itemsize:
        return None
    return _open_values(dataset, REFERENCE, place=place)


def _open_values(dataset: h5py.Dataset, dtype: np.dtype[Any], *, place: str) -> Stored | None:
    properties = dataset.id.get_create_plist()
    if properties.get_layout() == h5py.h5d.CHUNKED:
        return _open_chunked(dataset, properties, dtype, place=place)
    if properties.get_layout() == h5py.h5d.CONTIGUOUS:
        return _open_contiguous(dataset, dtype, place=place)
    return None


def _open_contiguous(dataset: h5py.Dataset, dtype: np.dtype[Any], *, place: str) -> ContiguousValues | None:
    offset = dataset.id.get_offset()
    if offset is None:
        return None  # never written
    return ContiguousValues(Disk(dataset.file), dataset, dtype=dtype, offset=offset, place=place)


def _open_chunked(
    dataset: h5py.Dataset, properties: Any, dtype: np.dtype[Any], *, place: str
) -> ChunkedValues | None:
    filters = [properties.get_filter(position)[::2] for position in range(properties.get_nfilters())]
    pipeline = open_pipeline(filters, itemsize=dtype.itemsize)
    grid = Grid(*(*dataset.shape, 1)[:2], *(*dataset.chunks, 1)[:2])
    if pipeline is None or grid.n_chunks > _MAX_CHUNKS:
        return None
    is_undefined = properties.fill_value_defined() == h5py.h5d.FILL_VALUE_UNDEFINED
    layout = ChunkLayout(
        shape=dataset.shape,
        dtype=dtype,
        grid=grid,
        pipeline=pipeline,
        fill_value=np.zeros((), dtype) if is_undefined or dtype == REFERENCE else dataset.fillvalue,
    )
    disk = Disk(dataset.file)
    return ChunkedValues(disk, layout, index_chunks(dataset, layout, disk=disk, place=place), place=place)
