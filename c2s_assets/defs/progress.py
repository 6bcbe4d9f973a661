"""Progress of long steps: in the run's log or, where somebody watches, as it happens."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from scipy.sparse import csr_array

from c2s_assets.storage.h5ad.matrix import MatrixReader

_EVERY_SECONDS = 5.0


class Watcher(Protocol):
    """Somebody at a terminal who sees, rather than reads in a log, how far a run in this process is."""

    def begin(self, subject: str, /) -> None:
        """See a step begin."""

    def bytes(self, n_done: int, n_all: int | None, /) -> None:
        """See how many bytes have arrived."""

    def cells(self, n_done: int, n_all: int, /) -> None:
        """See how many cells are done."""


_watchers: list[Watcher] = []


@contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Let somebody watch what runs in this process within the block; nobody if None."""
    _watchers[:] = [] if watcher is None else [watcher]
    try:
        yield
    finally:
        _watchers.clear()


def step_begins(name: str) -> None:
    """Tell who watches that a step begins."""
    for watcher in _watchers:
        watcher.begin(name)


def download_progress(log: logging.Logger) -> Callable[[int, int | None], None]:
    """Return what shows how much of a file has arrived; a log is told every few seconds, and how fast."""
    if _watchers:
        return _watchers[0].bytes
    started = logged = time.monotonic()
    first: int | None = None

    def arrived(n_bytes: int, total: int | None) -> None:
        nonlocal logged, first
        first = n_bytes if first is None else first  # a download that goes on has bytes before we look
        now = time.monotonic()
        if now - logged >= _EVERY_SECONDS or n_bytes == total:
            rate = (n_bytes - first) / max(now - started, 1e-9)
            of = f" of {total / 1e6:,.1f}" if total is not None else ""
            log.info(f"{n_bytes / 1e6:,.1f}{of} MB have arrived, {rate / 1e6:,.1f} MB/s")
            logged = now

    return arrived


def read_blocks(matrix: MatrixReader, *, rows: int, log: logging.Logger) -> Iterator[tuple[int, csr_array]]:
    """Read a matrix in blocks of cells and show how many are done; a log is told every few seconds."""
    n_obs, show = matrix.info.shape[0], cells_progress(log)
    for start, block in matrix.blocks(rows=rows):
        yield start, block
        show(start + block.shape[0], n_obs)


def cells_progress(log: logging.Logger) -> Callable[[int, int], None]:
    """Return what shows how many cells are done; a log is told every few seconds, and how fast."""
    return _watchers[0].cells if _watchers else _cells_logged(log)


def _cells_logged(log: logging.Logger) -> Callable[[int, int], None]:
    started = logged = time.monotonic()

    def done(n_done: int, n_obs: int) -> None:
        nonlocal logged
        now = time.monotonic()
        if now - logged >= _EVERY_SECONDS or n_done == n_obs:
            rate = n_done / max(now - started, 1e-9)
            left = (n_obs - n_done) / rate
            log.info(f"{n_done:,} of {n_obs:,} cells, {rate:,.0f} cells/s, {left:,.0f} s left")
            logged = now

    return done
