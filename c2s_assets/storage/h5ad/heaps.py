"""Refuses a file with a damaged heap of strings that HDF5 would read for ever."""

from array import array
from collections.abc import Iterable, Iterator

import h5py
import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad.access import reading
from c2s_assets.storage.h5ad.disk import Disk
from c2s_assets.storage.h5ad.links import Link

_SIGNATURE = b"GCOL\x01"
_HEADER_BYTES = 16
_OBJECT_HEADER_BYTES = 16
_PIECE_BYTES = 4 * 2**20
# Where a dataset of this size keeps its values is not searched, or we would read the whole file twice.
_MIN_BULK_BYTES = 2**20


def refuse_endless_heaps(file: h5py.File, links: Iterable[Link]) -> None:
    """Walk the heaps that hold strings of variable length as HDF5 does, before it does.

    HDF5 (2.0, and see https://github.com/HDFGroup/hdf5/issues/1707) goes to the next object of a heap by the
    size of the present one, and stays where it is if that is zero; once that is mended, this can go. Heaps
    are found by their signature, because h5py does not say which of them an attribute needs.

    Raises
    ------
    NotAnH5adError
        If an object of a heap has no size.
    """
    disk = Disk(file)
    for start, stop in _between(_bulk(file, links), end=disk.n_bytes):
        for address in _find_heaps(disk, start, stop):
            _refuse_endless(disk, address)


def _bulk(file: h5py.File, links: Iterable[Link]) -> NDArray[np.int64]:
    """List where the values of large datasets are: ascending starts and ends, shape ``(n, 2)``."""
    extents = array("q")

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        if chunk.byte_offset < 2**62:
            extents.extend((chunk.byte_offset, chunk.byte_offset + chunk.size))

    for link in links:
        with reading(link.path):
            element = file[link.path] if link.same_as is None else None
            if not isinstance(element, h5py.Dataset) or element.id.get_storage_size() < _MIN_BULK_BYTES:
                continue
            offset = element.id.get_offset()
            if element.chunks is not None:
                element.id.chunk_iter(note)
            elif offset is not None:
                extents.extend((offset, offset + element.id.get_storage_size()))
    pairs = np.array(extents, dtype=np.int64).reshape(-1, 2)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def _between(extents: NDArray[np.int64], *, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of the file that no extent covers."""
    covered = np.maximum.accumulate(extents[:, 1]) if len(extents) else extents[:, 1]
    starts = np.concatenate([[0], covered])
    stops = np.concatenate([extents[:, 0], [end]])
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if start + _HEADER_BYTES <= stop:
            yield start, stop


def _find_heaps(disk: Disk, start: int, stop: int) -> Iterator[int]:
    for first in range(start, stop, _PIECE_BYTES):
        # With the beginning of the next piece, for a signature that lies across.
        piece = disk.read(first, min(_PIECE_BYTES + len(_SIGNATURE) - 1, stop - first))
        at = piece.find(_SIGNATURE)
        while at >= 0:
            yield first + at
            at = piece.find(_SIGNATURE, at + 1)


def _refuse_endless(disk: Disk, address: int) -> None:
    size = int.from_bytes(disk.read(address + 8, 8), "little")
    if size > disk.n_bytes - address:
        return  # HDF5 sees that
    heap = disk.read(address, size)
    at = _HEADER_BYTES
    while at + _OBJECT_HEADER_BYTES <= size:
        number = int.from_bytes(heap[at : at + 2], "little")
        n_bytes = int.from_bytes(heap[at + 8 : at + 16], "little")
        # Number 0 is free space, whose size includes its header. HDF5 adds in 64 bits, which wrap around.
        step = n_bytes if number == 0 else (_OBJECT_HEADER_BYTES + -(-n_bytes // 8) * 8) % 2**64
        if step == 0:
            raise NotAnH5adError(
                f"the heap of strings at byte {address:,} of the file has an object without size at byte "
                f"{address + at:,}. The file is damaged or incomplete; fetch it again."
            )
        at += step
