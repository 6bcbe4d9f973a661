"""One process at a time makes what is made for the whole lake."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from c2s_assets.storage.lake.layout import Layout


@contextmanager
def alone(layout: Layout, what: str) -> Iterator[None]:
    """Wait until nobody else on this machine makes it, and keep others waiting; a process that ends frees it.

    Parameters
    ----------
    what
        The name of the asset.
    """
    layout.staging.mkdir(parents=True, exist_ok=True)
    with (layout.staging / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
