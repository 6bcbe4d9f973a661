"""The order of an epoch, in numbers alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.batches.order import Blocks, Epoch, Share, next_turns
from c2s_assets.core.errors import C2SError


def blocks_of(sizes: list[int]) -> Blocks:
    n_cells = np.array(sizes, np.int64)
    zeros = np.zeros(len(sizes), np.int64)
    return Blocks(zeros, np.arange(len(sizes)), np.cumsum(n_cells) - n_cells, n_cells, n_cells, n_cells * 10)


@given(
    st.lists(st.integers(1, 9), max_size=40),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 200),
    st.integers(0, 5),
)
def test_shares_of_shares_have_every_block_once(
    sizes: list[int], n_ranks: int, n_workers: int, n_bytes: int, number: int
) -> None:
    seen = []
    for rank in range(n_ranks):
        for worker in range(n_workers):
            epoch = Epoch(3, number, (Share(rank, n_ranks), Share(worker, n_workers)))
            for window in epoch.windows(blocks_of(sizes), n_bytes=n_bytes):
                assert len(window)
                assert len(window) == 1 or sum(sizes[block] * 10 for block in window) <= n_bytes
                seen += window.tolist()
    assert sorted(seen) == list(range(len(sizes)))


def test_a_seed_and_an_epoch_have_an_order_of_their_own_that_is_always_the_same() -> None:
    def order(seed: int, number: int) -> list[list[int]]:
        epoch = Epoch(seed, number)
        windows = epoch.windows(blocks_of([4] * 50), n_bytes=400)
        return [*(window.tolist() for window in windows), epoch.draw(40, window=0).tolist()]

    assert order(0, 0) == order(0, 0)
    assert len({str(order(seed, number)) for seed in (0, 1) for number in (0, 1)}) == 4


def test_windows_are_drawn_from_in_different_orders() -> None:
    drawn = [Epoch(0, 0, (Share(worker, 2),)).draw(30, window=w) for worker in (0, 1) for w in (0, 1)]
    assert len({tuple(order) for order in drawn}) == 4
    assert all(sorted(order) == list(range(30)) for order in drawn)


@pytest.mark.parametrize(
    ("n_batches", "turns"),
    [
        (0, [(0, 0), (1, 0), (2, 0)]),
        (2, [(2, 0), (0, 1), (1, 1)]),
        (5, [(0, 2), (1, 1), (2, 2)]),
        (6, [(0, 2), (1, 1), (2, 3)]),
        (99, [(0, 2), (1, 1), (2, 3)]),
    ],
    ids=["none", "not all workers", "one had only one", "all", "more than there are"],
)
def test_workers_take_turns_until_they_have_no_more(n_batches: int, turns: list[tuple[int, int]]) -> None:
    assert next_turns(n_batches, n_per_worker=[2, 1, 3]) == turns


def test_cells_are_those_of_the_blocks_in_their_order() -> None:
    assert blocks_of([2, 3, 1]).take(np.array([2, 0])).cells.tolist() == [5, 0, 1]


def test_a_share_that_does_not_exist_is_refused() -> None:
    with pytest.raises(C2SError, match="no share 2 of 2: they are 0 to 1"):
        Share(2, 2)
