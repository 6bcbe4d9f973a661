"""Makes the next item of a generator while the caller works on the present one."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

Item = TypeVar("Item")


def one_ahead(items: Generator[Item]) -> Generator[Item]:
    """Yield what a generator yields, which runs in a thread of its own, one item ahead.

    Two items are alive at most: the caller's, and the next one, which may be in the making. An error comes in
    place of its item. A caller who stops early waits for the next item and no longer, and the generator is
    closed.
    """
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="c2s-ahead") as thread:
        pending = thread.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = thread.submit(next, items, None)
            yield item
