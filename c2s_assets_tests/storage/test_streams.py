import threading
import time
from collections.abc import Iterator

import pytest

from c2s_assets.storage.streams import map_ahead


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
