import threading

import pytest

from c2s_assets.core.overlap import map_ahead


def test_map_ahead_keeps_the_order_whoever_finishes_first() -> None:
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert later.wait(10)
        if item == 1:
            later.set()
        return item * 10

    assert list(map_ahead(work, range(5), n_threads=2)) == [0, 10, 20, 30, 40]


def test_map_ahead_holds_no_more_items_than_it_says() -> None:
    taken = []

    def items() -> object:
        for item in range(10):
            taken.append(item)
            yield item

    results = map_ahead(lambda item: item, items(), n_threads=2)  # type: ignore[arg-type]

    assert next(results) == 0
    assert taken == [0, 1, 2]
    results.close()  # type: ignore[attr-defined]
    assert taken == [0, 1, 2]


def test_map_ahead_raises_an_error_where_its_result_would_be() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    results = map_ahead(work, range(5), n_threads=2)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
