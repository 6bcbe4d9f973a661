"""Pseudocells: who is drawn follows from the ids of the cells of a group, and from nothing else."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.hashes import keys_of
from c2s_assets.core.tabular.draws import draw_cells
from c2s_assets.core.tabular.members import Members
from c2s_assets.core.tabular.spec import PseudocellSettings

SPEC = PseudocellSettings(n_cells=5, n_draws=20)


def drawn(*groups: list[str], spec: PseudocellSettings = SPEC) -> list[set[str]]:
    """Draw from groups of cells, given by their ids; return the ids of each draw."""
    ids = [cell for group in groups for cell in group]
    sizes = [len(group) for group in groups]
    members = Members(
        rows=pl.DataFrame({"n_cells": sizes}, schema={"n_cells": pl.Int32}),
        group=np.arange(len(groups)),
        cells=np.arange(len(ids), dtype=np.int32),
        bounds=np.concatenate([[0], np.cumsum(sizes)]),
    )
    found = draw_cells(members, keys_of(ids, seed=spec.seed), spec)
    assert found.rows["n_cells"].to_list() == found.n_cells.tolist()
    return [{ids[cell] for cell in found.cells[begin:end]} for begin, end in pairwise(found.bounds)]


def named(prefix: str, n: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(n)]


def test_every_draw_is_of_different_cells_of_its_group() -> None:
    draws = drawn(named("a", 30), named("b", 6))
    assert len(draws) == 40
    assert {len(draw) for draw in draws} == {5}
    assert all(draw <= set(named("a", 30)) for draw in draws[:20])
    assert all(draw <= set(named("b", 6)) for draw in draws[20:])
    assert len(set(map(frozenset, draws[:20]))) == 20


@pytest.mark.parametrize("n", [1, 4, 5])
def test_a_group_that_is_drawn_whole_is_drawn_once(n: int) -> None:
    assert drawn(named("a", n)) == [set(named("a", n))]


def test_a_refresh_reshuffles_nothing() -> None:
    before = drawn(named("a", 30))
    assert drawn(named("a", 30)[::-1]) == before  # another order of the file
    assert drawn(named("b", 9), named("a", 30))[20:] == before  # another group
    after = drawn([*named("a", 30), "new"])
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert 0 < len(changed) < 10
    assert all(new - old == {"new"} and len(old - new) == 1 for old, new in changed)
    without = drawn([cell for cell in named("a", 30) if cell != "a7"])
    for old, new in zip(before, without, strict=True):
        assert old - new <= {"a7"}


def test_more_cells_and_more_draws_add_to_those_there_are() -> None:
    before = drawn(named("a", 30))
    larger = drawn(named("a", 30), spec=PseudocellSettings(n_cells=6, n_draws=25))
    assert all(small < large for small, large in zip(before, larger[:20], strict=True))
    assert len(larger) == 25


def test_another_seed_draws_others() -> None:
    assert drawn(named("a", 30), spec=SPEC.model_copy(update={"seed": 1})) != drawn(named("a", 30))


def test_all_cells_are_drawn_equally_often() -> None:
    spec = PseudocellSettings(n_cells=5, n_draws=1_000)
    times = pl.Series([cell for draw in drawn(named("a", 20), spec=spec) for cell in draw]).value_counts()
    # 250 are expected of each; five standard deviations of a binomial are 68.
    assert times.height == 20
    assert times["count"].is_between(182, 318).all()
