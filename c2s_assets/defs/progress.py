"""Progress of long steps, in the run's log."""

import logging
import time
from collections.abc import Iterable, Iterator

from scipy.sparse import csr_array

_EVERY_SECONDS = 5.0


def with_progress(
    blocks: Iterable[tuple[int, csr_array]], *, n_obs: int, log: logging.Logger
) -> Iterator[tuple[int, csr_array]]:
    """Pass blocks of cells through and log, every few seconds, how many are done and how long is left."""
    started = logged = time.monotonic()
    for start, block in blocks:
        yield start, block
        now = time.monotonic()
        n_done = start + block.shape[0]
        if now - logged >= _EVERY_SECONDS or n_done == n_obs:
            rate = n_done / max(now - started, 1e-9)
            left = (n_obs - n_done) / rate
            log.info(f"{n_done:,} of {n_obs:,} cells, {rate:,.0f} cells/s, {left:,.0f} s left")
            logged = now
