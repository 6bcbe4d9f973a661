"""One process at a time makes what is made for the whole lake."""

from collections.abc import Iterator
from contextlib import contextmanager

from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locks import one_at_a_time
from c2s_assets.storage.lake.refreshing import refresh


@contextmanager
def alone(layout: Layout, what: str) -> Iterator[None]:
    """Wait until nobody else makes it, and keep others waiting; a process that ends frees it.

    That is so on all machines that share the folder of the lake. Of a lake in a bucket it begins from what is
    published then, and only this machine is kept waiting: of several who is quicker wins, and the other
    commit is refused, see `SentFiles.swap`.

    Parameters
    ----------
    what
        The name of the asset.
    """
    with one_at_a_time(layout, f"{what}.lock"):
        refresh(layout, alone_with=what)
        yield
