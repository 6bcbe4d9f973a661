import threading
from collections.abc import Generator

import pytest

from c2s_assets.storage.h5ad.ahead import one_ahead


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


def test_all_items_come_in_order() -> None:
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
