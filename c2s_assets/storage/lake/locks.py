"""Locks of files: one process at a time does it, and one that ends frees it.

They count on all machines that share the folder, if it is one that has them see each other's locks: `probing`
and `presence` find out.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from c2s_assets.storage.lake.layout import Layout


def lock_file(path: Path, *, mode: str = "w", flags: int = 0) -> IO[str]:
    """Open and lock a file; closing it, or the end of the process, frees it.

    Raises
    ------
    BlockingIOError
        If somebody else has it, and `flags` say not to wait.
    """
    file: IO[str] = path.open(mode)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | flags)
    except BlockingIOError:
        file.close()
        raise
    return file


@contextmanager
def one_at_a_time(layout: Layout, what: str = "lock") -> Iterator[None]:
    """Wait until nobody else does it who sees the same locks, and keep others waiting."""
    layout.staging.mkdir(parents=True, exist_ok=True)
    with lock_file(layout.staging / what):
        yield
