"""Tests of numbers of things in a sentence."""

import pytest

from c2s_assets.core.reports.counts import counted


@pytest.mark.parametrize(("n", "said"), [(0, "0 donors"), (1, "1 donor"), (1_200, "1,200 donors")])
def test_one_is_not_many(n: int, said: str) -> None:
    assert counted(n, "donor") == said
