"""Progress of long steps, in the run's log."""

import logging
import time
from collections.abc import Callable, Iterator

from scipy.sparse import csr_array

from c2s_assets.storage.h5ad.matrix import MatrixReader

_EVERY_SECONDS = 5.0


def download_progress(log: logging.Logger) -> Callable[[int, int | None], None]:
    """Return what logs, every few seconds, how much of a file has arrived and how fast."""
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
    """Read a matrix in blocks of cells and log, every few seconds, how many are done and how long is left."""
    n_obs = matrix.info.shape[0]
    started = logged = time.monotonic()
    for start, block in matrix.blocks(rows=rows):
        yield start, block
        now = time.monotonic()
        n_done = start + block.shape[0]
        if now - logged >= _EVERY_SECONDS or n_done == n_obs:
            rate = n_done / max(now - started, 1e-9)
            left = (n_obs - n_done) / rate
            log.info(f"{n_done:,} of {n_obs:,} cells, {rate:,.0f} cells/s, {left:,.0f} s left")
            logged = now
