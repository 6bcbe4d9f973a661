"""Some bytes of an object, read as those of a file are."""

import io
import os
from collections.abc import Callable

from typing_extensions import Buffer


class ObjectLook(io.RawIOBase):
    """An object of which each read asks for a range.

    Parameters
    ----------
    fetch
        Returns the bytes from a position to another one, without that.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], *, size_bytes: int) -> None:
        super().__init__()
        self._fetch, self._size, self._at = fetch, size_bytes, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any part of it can be read."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a position."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what fits into a buffer, as far as there is any."""
        view = memoryview(buffer)
        stop = min(self._at + len(view), self._size)
        n_bytes = max(stop - self._at, 0)
        if n_bytes:
            view[:n_bytes] = self._fetch(self._at, stop)
        self._at += n_bytes
        return n_bytes
