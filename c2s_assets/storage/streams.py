"""Work on several blocks at once without losing their order."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Event
from typing import TypeVar

# Ranking and reading share the cores; more threads only hold more blocks in memory.
N_THREADS = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], *, n_threads: int
) -> Generator[Result]:
    """Apply a function to each item in threads, and yield the results in the order of the items.

    The items are taken in a thread of their own, so that reading, working and the consumer's writing
    overlap. At most ``2 * n_threads + 1`` items and results are held, however slow the consumer is. Worth it
    for functions that release Python's global lock. An error is raised where its result would be.
    """
    futures: Queue[Future[Result] | None] = Queue(maxsize=n_threads)
    is_abandoned = Event()
    with ThreadPoolExecutor(n_threads) as workers, ThreadPoolExecutor(1) as feeder:
        feeding = feeder.submit(_feed, function, items, workers, futures, is_abandoned)
        try:
            while (future := futures.get()) is not None:
                yield future.result()
            feeding.result()
        finally:
            is_abandoned.set()
            while not feeding.done():  # it may be waiting for a place in the queue
                with suppress(Empty):
                    futures.get(timeout=0.01)


def _feed(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: ThreadPoolExecutor,
    futures: "Queue[Future[Result] | None]",
    is_abandoned: Event,
) -> None:
    try:
        for item in items:
            if is_abandoned.is_set():
                return
            futures.put(workers.submit(function, item))
    finally:
        futures.put(None)


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
