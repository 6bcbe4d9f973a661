"""Keeping the working copy of a lake in a bucket within bounds: what was read long ago is fetched again."""

import os
import time
from collections.abc import Iterator

from c2s_assets.storage.lake.locks import one_at_a_time
from c2s_assets.storage.lake.shapes import is_shape, put_shape
from c2s_assets.storage.lake.working_copy import WorkingCopy

# What somebody here may be about to open.
_KEPT_SECONDS = 3600


def evict(copy: WorkingCopy, *, most_bytes: int) -> None:
    """Let files be shapes again, those first that were read longest ago, until what is left is small enough.

    Whatever was read within the last hour stays, even if that is more.
    """
    found = sorted(_fetched(copy))
    left, now = sum(size for _, size, _ in found), time.time()
    with one_at_a_time(copy.layout, "fetch.lock"):
        for last_read, size, name in found:
            if left <= most_bytes or now - last_read < _KEPT_SECONDS:
                return
            put_shape(copy.layout.root / name, size)
            left -= size


def _fetched(copy: WorkingCopy) -> Iterator[tuple[float, int, str]]:
    """Give when each published file that is here was last read or written, its size, and its name."""
    for held in copy.held_units().values():
        for name, kept in held.published.files.items():
            path = copy.layout.root / name
            if path.exists() and not is_shape(path):
                seen: os.stat_result = path.stat()
                yield max(seen.st_atime, seen.st_mtime), kept.size_bytes, name
