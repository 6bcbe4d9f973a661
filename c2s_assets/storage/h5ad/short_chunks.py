"""Refuses chunks that hold other than what HDF5 will take from them."""

import bz2
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod

import h5py

from c2s_assets.core.errors import UnsafeFileError
from c2s_assets.storage.h5ad.access import reading
from c2s_assets.storage.h5ad.disk import Disk
from c2s_assets.storage.h5ad.filters import DAMAGED, Buffer, open_pipeline
from c2s_assets.storage.h5ad.plugins import filter_name

_CHECKSUM_BYTES = 4
_SHUFFLE, _FLETCHER32 = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32

# Takes a stored chunk and how many bytes it should inflate to; raises one of `DAMAGED` if it does not.
_Look = Callable[[Buffer, int], object]


@dataclass(frozen=True)
class _Packing:
    """How chunks are stored: the bits are those of a filter mask, and 0 without the filter."""

    n_bytes: int
    look: _Look
    compression_bit: int
    checksum_bit: int

    def check(self, packed: Buffer, *, skipped: int) -> None:
        """Look at a chunk with this filter mask; one of `DAMAGED` if it holds not just its values."""
        if self.checksum_bit & ~skipped:
            if len(packed) < _CHECKSUM_BYTES:
                raise ValueError(f"it has {len(packed)} bytes, which is no checksum")
            packed = packed[:-_CHECKSUM_BYTES]
        if self.compression_bit & ~skipped:
            self.look(packed, self.n_bytes)
        else:
            _look_at_plain(packed, self.n_bytes)


def refuse_short_chunks(dataset: h5py.Dataset, *, place: str) -> None:
    """Inflate every chunk that HDF5 is going to inflate, and see how much comes out.

    HDF5 2.0 does not look. From a chunk that inflates to less than its values it takes what lies behind in
    the memory of the process, so that words of ours become words of a column; from a chunk that is shorter
    than a checksum it takes the checksum off all the same, and ends the process. Of bitshuffle and blosc2 we
    believe what the chunk says that it inflates to.

    Raises
    ------
    UnsafeFileError
        If a chunk does not hold what the shape of chunks says, or its filters do not let us know.
    """
    with reading(place):
        packing = _packing(dataset, place=place)
        chunks = array("Q") if packing is None else _list_chunks(dataset)
    if packing is None:
        return
    disk = Disk(dataset.file)
    for offset, stored, skipped in zip(chunks[::3], chunks[1::3], chunks[2::3], strict=True):
        try:
            if not disk.holds(offset, stored):
                raise ValueError(f"it is said to have {stored:,} bytes, where the file has fewer")
            packing.check(disk.read(offset, stored), skipped=skipped)
        except DAMAGED as error:
            raise UnsafeFileError(
                f"{place}: the chunk at byte {offset:,} of the file does not hold {packing.n_bytes:,} bytes "
                f"of values ({error}). The file is damaged, or made so; fetch it again."
            ) from error


def _packing(dataset: h5py.Dataset, *, place: str) -> _Packing | None:
    """Find how the chunks are stored; None if there are none."""
    properties = dataset.id.get_create_plist()
    if properties.get_layout() != h5py.h5d.CHUNKED:
        return None
    codes = [properties.get_filter(position)[0] for position in range(properties.get_nfilters())]
    # Shuffling leaves the length as it is.
    at = {code: position for position, code in enumerate(codes) if code != _SHUFFLE}
    checksum_at, compressions = at.get(_FLETCHER32), [code for code in at if code != _FLETCHER32]
    is_ours = (
        len(compressions) <= 1
        and set(compressions) <= _LOOKS.keys()
        and checksum_at in {None, len(codes) - 1}
    )
    if not is_ours or len(set(codes)) < len(codes):
        names = ", ".join(filter_name(code) for code in codes)
        raise UnsafeFileError(
            f"{place} is stored with {names}, of which we cannot tell whether its chunks are whole. Write "
            "the file again with compression='gzip'."
        )
    address_bytes, _ = dataset.file.id.get_create_plist().get_sizes()
    return _Packing(
        n_bytes=prod(dataset.chunks) * _stored_bytes(dataset.id.get_type(), address_bytes=address_bytes),
        look=_LOOKS[compressions[0]] if compressions else _look_at_plain,
        compression_bit=1 << at[compressions[0]] if compressions else 0,
        checksum_bit=0 if checksum_at is None else 1 << checksum_at,
    )


def _stored_bytes(kind: h5py.h5t.TypeID, *, address_bytes: int) -> int:
    """Size of a value on disk, where a text of variable length is its length and its place in a heap."""
    if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
        return 4 + address_bytes + 4
    if isinstance(kind, h5py.h5t.TypeArrayID):
        return int(prod(kind.get_array_dims())) * _stored_bytes(kind.get_super(), address_bytes=address_bytes)
    n_bytes = int(kind.get_size())
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        members = [kind.get_member_type(position) for position in range(kind.get_nmembers())]
        n_bytes += sum(_stored_bytes(m, address_bytes=address_bytes) - int(m.get_size()) for m in members)
    return n_bytes


def _list_chunks(dataset: h5py.Dataset) -> "array[int]":
    """List offset, stored bytes and filter mask of each chunk that was written, one after the other."""
    found = array("Q")
    dataset.id.chunk_iter(lambda chunk: found.extend((chunk.byte_offset, chunk.size, chunk.filter_mask)))
    return found


def _look_at_plain(packed: Buffer, n_bytes: int) -> None:
    _require(len(packed), n_bytes)


def _inflate(code: int, packed: Buffer, n_bytes: int) -> None:
    """Look at a chunk by inflating it as `filters` does."""
    pipeline = open_pipeline([(code, ())], itemsize=1)
    if pipeline is not None:
        pipeline.undo(packed, skipped=0, n_bytes=n_bytes)


def _look_at_bzip2(packed: Buffer, n_bytes: int) -> None:
    stream = bz2.BZ2Decompressor()
    n_inflated = len(stream.decompress(packed, n_bytes + 1))
    if not stream.eof:
        raise ValueError(f"its bzip2 stream does not end after {n_bytes:,} bytes")
    _require(n_inflated, n_bytes)


def _look_at_bitshuffle(packed: Buffer, n_bytes: int) -> None:
    # Without a compression behind it, it is as long as its values and has no header.
    if len(packed) != n_bytes:
        _require(struct.unpack_from(">Q", packed)[0], n_bytes)


def _look_at_blosc2(packed: Buffer, n_bytes: int) -> None:
    # In a frame (its README_CFRAME_FORMAT.rst), the size of what it holds.
    _require(struct.unpack_from(">q", packed, 30)[0], n_bytes)


def _require(found: int, n_bytes: int) -> None:
    if found != n_bytes:
        raise ValueError(f"it inflates to {found:,} bytes")


_LOOKS: dict[int, _Look] = {
    **{code: partial(_inflate, code) for code in (h5py.h5z.FILTER_DEFLATE, 32000, 32001, 32004, 32015)},
    307: _look_at_bzip2,
    32008: _look_at_bitshuffle,
    32026: _look_at_blosc2,
}
