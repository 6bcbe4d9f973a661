"""Pages that cost something to write, and that everybody may ask for as often as he likes."""

import threading
import time
from collections.abc import Callable

# Pages take a tenth of a processor at most, each. That on the health of 2,200 datasets takes 8 s of it, and
# is kept for 80 s while somebody asks; that of a few datasets is always as they stand. On a machine that is
# busy it takes longer to write, and is not kept for longer.
_KEPT_PER_SECOND = 10.0


class KeptPage:
    """A page that is kept for ten times the processor time that it took to write it.

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
        if self._page is None or time.monotonic() >= self._until:
            began = time.thread_time()
            self._page = self._write()
            self._until = time.monotonic() + _KEPT_PER_SECOND * (time.thread_time() - began)
        return self._page
