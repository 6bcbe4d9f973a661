"""Files of a lake in a bucket that were not read on this machine yet: shapes, whose bytes are fetched then.

A shape is an empty file of the right size, dated to the first second of 1970: it is listed and has its size,
and `present` fetches its bytes before anybody opens it. In a lake that is of this machine alone there is
none, and nothing of buckets is loaded.
"""

import os
import secrets
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from c2s_assets.storage.lake.working_copy import WorkingCopy

# Says of which bucket a folder is a copy.
BINDING = ".bucket.json"
_NOTED_SECONDS = 300
_SECOND = 10**9


def present(path: Path) -> Path:
    """Return a path after seeing that the bytes of the file are here, or of all files of the folder.

    Raises
    ------
    BucketError, BusyServerError
        If they are in a bucket, and it does not give them.
    """
    present_all(_files_below(path))
    return path


def present_all(files: Iterable[Path]) -> list[Path]:
    """Return files after seeing that their bytes are here, see `present`."""
    files = list(files)
    copy = copy_around(files[0]) if files else None
    if copy is not None:
        copy.fetch(file for file in files if is_shape(file))
        for file in files:
            with suppress(OSError), file.open("rb") as opened:
                note_read(opened)
    return files


def peek(path: Path) -> IO[bytes]:
    """Open a file for a look at some of its bytes, such as a footer; one in a bucket is not fetched."""
    copy = copy_around(path) if is_shape(path) else None
    return path.open("rb") if copy is None else copy.open(path)


def is_shape(path: Path) -> bool:
    """Whether a file has a size and no bytes yet; one of another origin is never as old as that."""
    with suppress(FileNotFoundError):
        return is_of_shape(path.stat())
    return False


def is_of_shape(found: os.stat_result) -> bool:
    """Whether that is what a disk says of a shape."""
    return found.st_mtime_ns < _SECOND


def copy_around(path: Path) -> "WorkingCopy | None":
    """Return the working copy in which a file lies, if it lies in one."""
    for folder in path.parents:
        if (folder / BINDING).exists():
            from c2s_assets.storage.lake.layout import Layout  # noqa: PLC0415
            from c2s_assets.storage.lake.working_copy import working_copy_of  # noqa: PLC0415

            return working_copy_of(Layout(folder))
    return None


def note_read(file: IO[bytes]) -> None:
    """Let a file say that it was read now: most disks note that once a day, and what was read stays."""
    with suppress(OSError):
        seen = os.fstat(file.fileno())
        if time.time() - seen.st_atime > _NOTED_SECONDS:
            os.utime(file.fileno(), ns=(time.time_ns(), seen.st_mtime_ns))


def _files_below(path: Path) -> Iterator[Path]:
    """Give a file, or the files below a folder, also of one that is replaced meanwhile."""
    if path.is_file():
        yield path
    for folder, _, names in os.walk(path):
        yield from (Path(folder, name) for name in names)


def put_shape(path: Path, size_bytes: int, *, version: str = "") -> None:
    """Let a file be a shape of its size, whose bytes are fetched when it is read.

    Parameters
    ----------
    version
        Decides when in the first second it is dated, so that a disk tells one version from another.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with partial.open("wb") as file:
        file.truncate(size_bytes)
    dated = zlib.crc32(version.encode()) % _SECOND if version else 0
    os.utime(partial, ns=(dated, dated))
    partial.replace(path)
