"""Work on several blocks at once without losing their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

# Ranking and reading share the cores; more threads only hold more blocks in memory.
N_THREADS = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], *, n_threads: int
) -> Iterator[Result]:
    """Apply a function to each item in threads, and yield the results in the order of the items.

    At most `n_threads + 1` items are held at a time, so memory stays bounded however slow the consumer is.
    Worth it for functions that release Python's global lock. An error is raised where its result would be.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > n_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
