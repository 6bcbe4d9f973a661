"""Opens an HDF5 file, whatever it holds, after checking that it does not lead out of itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import h5py

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad.headers import refuse_large_chunks
from c2s_assets.storage.h5ad.heaps import refuse_endless_heaps
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.h5ad.links import Link, survey_links

# What HDF5 2.0 says of a file whose writer has not closed it.
_STILL_OPEN = "already open for write"


@dataclass(frozen=True)
class Hdf5:
    """An open file and every name in it."""

    file: h5py.File
    links: tuple[Link, ...]


@dataclass(frozen=True)
class _Opened:
    identity: tuple[int, ...]
    limits: Limits
    file: h5py.File = field(compare=False)


@contextmanager
def open_hdf5(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Hdf5]:
    """Open an HDF5 file for reading.

    Raises
    ------
    NotAnH5adError
        If the file is not HDF5, is truncated, or is open elsewhere for writing.
    UnsafeFileError
        If it refers to other files, contains itself, or claims more than `limits`.
    """
    size_bytes = path.stat().st_size
    try:
        file = h5py.File(path, "r", driver="sec2", locking="best-effort")
    except BlockingIOError as error:
        raise _still_open(path) from error
    except OSError as error:
        if _STILL_OPEN in str(error):
            raise _still_open(path) from error
        raise NotAnH5adError(
            f"{path.name} ({size_bytes:,} bytes) is not a complete HDF5 file ({error}). Fetch it again."
        ) from error
    with file:
        yield Hdf5(file, _checked_links(_Opened(_identity(file), limits, file)))


# A build opens its source some seven times, and the checks of 2,500 cells were 0.16 s of each.
@lru_cache(maxsize=1)
def _checked_links(opened: _Opened) -> tuple[Link, ...]:
    links = tuple(survey_links(opened.file, limits=opened.limits))
    refuse_large_chunks(opened.file, links, limits=opened.limits)
    refuse_endless_heaps(opened.file, links)
    return links


def _identity(file: h5py.File) -> tuple[int, ...]:
    """Tell the bytes that are open from all others: by device, inode, size and times of change."""
    found = os.fstat(file.id.get_vfd_handle())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _still_open(path: Path) -> NotAnH5adError:
    return NotAnH5adError(
        f"{path.name} is open elsewhere for writing, or was not closed by whoever wrote it. Close it there "
        f"(in the notebook: file.close(), or end the kernel), then try again."
    )
