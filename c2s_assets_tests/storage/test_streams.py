import threading
import time
from collections.abc import Generator, Iterator

import pytest

from c2s_assets.storage.streams import map_ahead, one_ahead


def test_map_ahead_keeps_the_order_whoever_finishes_first() -> None:
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert later.wait(10)
        if item == 1:
            later.set()
        return item * 10

    assert list(map_ahead(work, range(5), n_threads=2)) == [0, 10, 20, 30, 40]


def test_map_ahead_holds_no_more_items_than_it_says_and_stops_when_it_is_left() -> None:
    taken = []
    n_threads = threading.active_count()

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = map_ahead(lambda item: item, items(), n_threads=2)

    assert next(results) == 0
    time.sleep(0.2)
    assert len(taken) <= 5
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 7
    assert threading.active_count() == n_threads


def test_map_ahead_raises_an_error_of_the_work_where_its_result_would_be() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    results = map_ahead(work, range(50), n_threads=2)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_map_ahead_raises_an_error_of_the_items_behind_the_results_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("torn off")

    results = map_ahead(lambda item: item, items(), n_threads=2)

    assert next(results) == 1
    with pytest.raises(OSError, match="torn off"):
        next(results)


class _Counting:
    """Counts what was made, and whether the maker was closed."""

    def __init__(self) -> None:
        self.n_made = 0
        self.is_closed = False
        self.made = threading.Semaphore(0)

    def items(self) -> Generator[int]:
        try:
            for item in range(5):
                self.n_made += 1
                self.made.release()
                yield item
        finally:
            self.is_closed = True


def _n_threads() -> int:
    return sum(thread.name.startswith("c2s-ahead") for thread in threading.enumerate())


def test_one_ahead_yields_all_items_in_order() -> None:
    counting = _Counting()
    assert list(one_ahead(counting.items())) == [0, 1, 2, 3, 4]
    assert counting.is_closed
    assert _n_threads() == 0


def test_one_more_item_is_made_while_the_caller_has_one_and_no_second() -> None:
    counting = _Counting()
    ahead = one_ahead(counting.items())
    assert next(ahead) == 0
    assert counting.made.acquire(timeout=10)
    assert counting.made.acquire(timeout=10)
    assert not counting.made.acquire(timeout=0.05)
    ahead.close()


def test_nothing_is_made_before_the_first_item_is_asked_for() -> None:
    counting = _Counting()
    one_ahead(counting.items())
    assert counting.n_made == 0


def test_a_caller_who_stops_early_leaves_no_thread() -> None:
    counting = _Counting()
    ahead = one_ahead(counting.items())
    next(ahead)
    ahead.close()
    assert counting.is_closed
    assert counting.n_made == 2
    assert _n_threads() == 0


def test_an_error_comes_in_place_of_its_item() -> None:
    def failing() -> Generator[int]:
        yield 1
        raise ValueError("item 2")

    ahead = one_ahead(failing())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="item 2"):
        next(ahead)
    assert _n_threads() == 0
