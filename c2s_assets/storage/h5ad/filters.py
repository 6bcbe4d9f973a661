"""Undoes the filters of HDF5 chunks without HDF5, whose one lock would let only one thread do so.

Every inflater is told how many bytes must come out, and allocates no more whatever the chunk says.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import h5py
import numpy as np
from isal import isal_zlib

# Bytes, or what numpy sees as such; `len` is their number.
Buffer: TypeAlias = Any

# What the inflaters raise on damaged bytes, and we with them; Any, because isal's stubs mistype its error.
DAMAGED: tuple[Any, ...] = (ValueError, OSError, RuntimeError, struct.error, isal_zlib.error)

_BLOSC_HEADER = struct.Struct("<4B3I")
_LZ4_HEADER = struct.Struct(">QI")
_LZ4_BLOCK_HEADER = struct.Struct(">I")


@dataclass(frozen=True)
class Pipeline:
    """How to undo each filter of a dataset, in the order in which they were applied."""

    steps: tuple[Callable[[Buffer, int], Buffer], ...]

    def undo(self, packed: Buffer, *, skipped: int, n_bytes: int) -> Buffer:
        """Turn a stored chunk into its `n_bytes` of values; one of `DAMAGED` if it holds more or less.

        `skipped` is HDF5's filter mask: a bit for each filter that was not applied to this chunk.
        """
        for position in reversed(range(len(self.steps))):
            if not skipped >> position & 1:
                packed = self.steps[position](packed, n_bytes)
        _require_length(packed, n_bytes)
        return packed


def open_pipeline(filters: Sequence[tuple[int, tuple[int, ...]]], *, itemsize: int) -> Pipeline | None:
    """Find how to undo filters, given by code and parameters, or None if that is left to HDF5.

    Ours are no filter, shuffle, one compression, and shuffle before one compression. fletcher32 is left to
    HDF5, which checks its sums.
    """
    codes = [code for code, _ in filters]
    is_shuffled = codes[:1] == [h5py.h5z.FILTER_SHUFFLE]
    compressions = codes[1:] if is_shuffled else codes
    if len(compressions) > 1 or not set(compressions) <= set(_INFLATERS):
        return None
    steps = [_INFLATERS[code] for code in compressions]
    if is_shuffled and filters[0][1] != (itemsize,):
        return None
    if is_shuffled:
        steps.insert(0, partial(_unshuffle, itemsize=itemsize))
    return Pipeline(tuple(steps))


def _unshuffle(packed: Buffer, n_bytes: int, *, itemsize: int) -> Buffer:
    """Put the first bytes of all values, then all second ones ..., back together to values."""
    _require_length(packed, n_bytes)
    inflated = np.empty(n_bytes, dtype=np.uint8)
    # Copies of one byte of all values take a third of the time of one transposed copy.
    for position, bytes_of_all in enumerate(np.frombuffer(packed, dtype=np.uint8).reshape(itemsize, -1)):
        inflated[position::itemsize] = bytes_of_all
    return inflated


def _inflate_gzip(packed: Buffer, n_bytes: int) -> Buffer:
    # Measured on 4,096 chunks of an h5ad as anndata writes it (66 MB, inflated 230 MB) with two threads, in
    # one run: h5py 1.26 s, zlib 0.33 s, zlib-ng 0.21 s, ISA-L (isal) 0.158 s, libdeflate (deflate) 0.153 s.
    # Of the last two, isal is the one that also says whether the stream ended.
    stream = isal_zlib.decompressobj()
    inflated = stream.decompress(packed, n_bytes + 1)
    if not stream.eof:
        raise ValueError(f"its gzip stream does not end after {n_bytes:,} bytes")
    return inflated


def _inflate_lzf(packed: Buffer, n_bytes: int) -> Buffer:
    # numba takes half a second to import, and few files are compressed with lzf.
    from c2s_assets.storage.h5ad.lzf import inflate_lzf  # noqa: PLC0415

    inflated = np.empty(n_bytes, dtype=np.uint8)
    n_inflated = inflate_lzf(np.frombuffer(packed, dtype=np.uint8), inflated)
    if n_inflated != n_bytes:
        raise ValueError(f"its lzf stream does not end after {n_bytes:,} bytes")
    return inflated


def _inflate_zstd(packed: Buffer, n_bytes: int) -> Buffer:
    import pyarrow as pa  # noqa: PLC0415  0.1 s, and few files are compressed so; as of numcodecs below

    # pyarrow's, because that of numcodecs takes the size from the stream, or has no bound if it tells none.
    return pa.decompress(packed, decompressed_size=n_bytes, codec="zstd")


def _inflate_blosc(packed: Buffer, n_bytes: int) -> Buffer:
    from numcodecs import blosc  # noqa: PLC0415

    *_, n_inflated, _, n_packed = _BLOSC_HEADER.unpack_from(packed)
    # Blosc believes its header, so that it would read and write beyond the ends.
    if n_inflated != n_bytes or n_packed != len(packed):
        raise ValueError(
            f"its blosc header says {n_packed:,} bytes that inflate to {n_inflated:,}, "
            f"not {len(packed):,} and {n_bytes:,}"
        )
    return blosc.decompress(packed)


def _inflate_lz4(packed: Buffer, n_bytes: int) -> Buffer:
    """Inflate what HDF5's LZ4 filter writes: total size, size of a block, and each block behind its size.

    A block is stored as it is if its stored size is its size.
    """
    from numcodecs import lz4  # noqa: PLC0415

    total, block_size = _LZ4_HEADER.unpack_from(packed)
    if total != n_bytes or block_size == 0:
        raise ValueError(f"its LZ4 header says {total:,} bytes in blocks of {block_size:,}, not {n_bytes:,}")
    blocks = []
    at = _LZ4_HEADER.size
    for n_left in range(n_bytes, 0, -block_size):
        (n_stored,) = _LZ4_BLOCK_HEADER.unpack_from(packed, at)
        at += _LZ4_BLOCK_HEADER.size
        stored = packed[at : at + n_stored]
        at += n_stored
        n_inflated = min(block_size, n_left)
        # numcodecs expects the size in front of a block, and refuses a block that inflates to another.
        is_raw = n_stored == n_inflated
        blocks.append(stored if is_raw else lz4.decompress(struct.pack("<I", n_inflated) + stored))
    return b"".join(blocks)


def _require_length(buffer: Buffer, n_bytes: int) -> None:
    if len(buffer) != n_bytes:
        raise ValueError(f"it holds {len(buffer):,} bytes, not {n_bytes:,}")


_INFLATERS: dict[int, Callable[[Buffer, int], Buffer]] = {
    h5py.h5z.FILTER_DEFLATE: _inflate_gzip,
    32000: _inflate_lzf,
    32001: _inflate_blosc,
    32004: _inflate_lz4,
    32015: _inflate_zstd,
}
