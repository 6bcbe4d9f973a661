"""The last line of a terminal: how far something is. Where no terminal is, nothing is written."""

import shutil
import sys
import time
from types import TracebackType
from typing import Self

from c2s_assets.core.reports.terminal import progress_text
from c2s_assets.core.reports.text import ERASE_LINE, one_line

_EVERY_SECONDS = 0.1


class Bar:
    """A line that is written over and over, and gone with its block.

    It goes to the standard error stream. Whatever else is written there meanwhile erases it first, see
    `defs.console`.

    Parameters
    ----------
    n_steps
        How often `begin` will be called, if that is known.
    """

    def __init__(self, subject: str, *, n_steps: int = 0) -> None:
        self.is_seen = sys.stderr.isatty()
        self._subject, self._n_steps, self._n_begun = subject, n_steps, 0
        self._what = subject
        self._drawn_at = self._begun_at = time.monotonic()

    def __enter__(self) -> Self:
        self._draw(self._what)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("")

    def begin(self, step: str, /) -> None:
        """Go on with the next step."""
        self._n_begun += 1
        self._begun_at = time.monotonic()
        self._what = f"{self._subject}: {self._n_begun} of {self._n_steps}, {step}"
        self._draw(self._what)

    def bytes(self, n_done: int, n_all: int | None, /) -> None:
        """Say how many bytes are done."""
        self._advance(n_done / 1e6, None if n_all is None else n_all / 1e6, unit="MB")

    def cells(self, n_done: int, n_all: int, /) -> None:
        """Say how many cells are done."""
        self._advance(n_done, n_all, unit="cells")

    def _advance(self, n_done: float, n_all: float | None, *, unit: str) -> None:
        now = time.monotonic()
        if now - self._drawn_at >= _EVERY_SECONDS:
            self._drawn_at = now
            seconds = now - self._begun_at
            self._draw(f"{self._what}  {progress_text(n_done, n_all, unit=unit, seconds=seconds)}")

    def _draw(self, text: str) -> None:
        self._write(one_line(text, longest=shutil.get_terminal_size().columns - 1))

    def _write(self, text: str) -> None:
        if self.is_seen:
            sys.stderr.write(f"{ERASE_LINE}{text}")
            sys.stderr.flush()
