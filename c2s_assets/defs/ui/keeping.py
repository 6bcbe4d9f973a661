"""Pages that cost something to write, and that everybody may ask for as often as he likes."""

import threading
import time
from collections.abc import Callable

# A page is written for a tenth of the time at most. That on the health of 2,200 datasets takes 8 s of a
# processor, and is written every 88 s while somebody asks; that of a few datasets is always as they stand.
_KEPT_PER_SECOND = 10.0


class Kept:
    """A page that is kept for ten times as long as it took to write it.

    Whoever asks while it is written gets the last one.
    """

    def __init__(self, write: Callable[[], str]) -> None:
        self._write = write
        self._writing = threading.Lock()
        self._page: str | None = None
        self._until = 0.0

    def __call__(self) -> str:
        """Give the page, and write it before if that is due."""
        if not self._writing.acquire(blocking=self._page is None):
            return self._page or ""
        try:
            return self._renewed()
        finally:
            self._writing.release()

    def _renewed(self) -> str:
        began = time.monotonic()
        if self._page is None or began >= self._until:
            self._page = self._write()
            ended = time.monotonic()
            self._until = ended + _KEPT_PER_SECOND * (ended - began)
        return self._page
