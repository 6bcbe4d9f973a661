"""The search of the whole lake: it may find too much, never too little of what it reads."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from c2s_assets.core.leaks.spec import MOST_ALIKE
from c2s_assets.storage.leaks import search
from c2s_assets.storage.leaks.search import datasets_in_common


@dataclass(frozen=True)
class Hashes:
    """Stands in for a table of fingerprints: all that is asked of it."""

    values: NDArray[np.uint64]

    @property
    def n_cells(self) -> int:
        return len(self.values)

    def search_hashes(self) -> NDArray[np.uint64]:
        return self.values


def _lake(*datasets: list[int]) -> list[Hashes]:
    """Hashes far apart, over the whole range of 64 bits."""
    return [Hashes(np.array(names, np.uint64) * np.uint64(0x9E3779B97F4A7C15)) for names in datasets]


@pytest.mark.parametrize("n_at_once", [2, 8, 2**25], ids=["in many parts", "in some", "at once"])
def test_datasets_that_share_a_hash_are_found(monkeypatch: pytest.MonkeyPatch, n_at_once: int) -> None:
    monkeypatch.setattr(search, "_HASHES_AT_ONCE", n_at_once)
    lake = _lake([1, 2, 3], [3, 4], [5, 6, 6], [1, 4, 9], [])
    assert datasets_in_common(lake) == [(0, 1), (0, 3), (1, 3), (2, 2)]


def test_a_hash_of_many_cells_says_nothing_of_their_dataset() -> None:
    assert datasets_in_common(_lake([7] * (MOST_ALIKE + 1), [7], [7])) == [(1, 2)]


def test_an_empty_lake_has_nothing_in_common() -> None:
    assert datasets_in_common([]) == []
