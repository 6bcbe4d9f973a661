"""Digests of files and folders."""

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from c2s_assets.storage.lake.shapes import peek, present
from c2s_assets.storage.streams import N_THREADS, map_ahead
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store

# From the first bytes to the last ones, 256 kB: 0.3 ms of a file that is in memory.
_N_SAMPLES = 64
_SAMPLE_BYTES = 4_096
# What a zarr store says of itself: how its image lies, too.
_DESCRIBING = (".zarray", ".zattrs", ".zgroup", "zarr.json")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with present(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sampled_digest(path: Path) -> str:
    """Return a SHA-256 of a file's length and of some of its bytes, so that one of any size is told at once.

    An image that is written anew differs in most of its bytes: it is compressed. Of an image in the chunks of
    a zarr store it is one of the names of all files, and of such digests of some of them and of all that say
    what it is. Empty if there is nothing.
    """
    if is_zarr_store(path):
        return _sampled_store(path)
    if not path.is_file():
        return ""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with peek(path) as file:
        for sample in range(_N_SAMPLES):
            file.seek(max(0, (size - _SAMPLE_BYTES) * sample // (_N_SAMPLES - 1)))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def known_digest(path: Path) -> str:
    """Return the digest of a file, which is read once as long as it stays as it is; empty if it is gone."""
    try:
        found = path.stat()
        return _digest(path, found.st_ino, found.st_size, found.st_mtime_ns)
    except FileNotFoundError:
        return ""


def tree_digest(*paths: Path) -> str:
    """Return one SHA-256 of files and folders: of the names and contents of all their files, in order.

    A path that does not exist counts as empty.
    """
    files = {file: file.relative_to(path.parent).as_posix() for path in paths for file in files_of_tree(path)}
    digest = hashlib.sha256()
    for name, of_file in zip(files.values(), map_ahead(file_digest, files, n_threads=N_THREADS), strict=True):
        digest.update(f"{name}\0{of_file}\n".encode())
    return digest.hexdigest()


def files_of_tree(path: Path) -> Iterator[Path]:
    """Give the files below a folder, in order; of a file itself; of what does not exist none."""
    places = sorted(path.rglob("*")) if path.is_dir() else [path]
    yield from (place for place in places if place.is_file())


def _sampled_store(path: Path) -> str:
    n_above = len(str(path)) + 1
    names = sorted(f"{place}/{name}"[n_above:] for place, _, found in os.walk(path) for name in found)
    if not names:
        return ""
    digest = hashlib.sha256("\0".join(names).encode())
    sampled = {names[(len(names) - 1) * sample // (_N_SAMPLES - 1)] for sample in range(_N_SAMPLES)}
    for name in sorted(sampled.union(name for name in names if name.endswith(_DESCRIBING))):
        digest.update(sampled_digest(path / name).encode())
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _digest(path: Path, _inode: int, _size: int, _mtime_ns: int) -> str:
    return file_digest(path)
