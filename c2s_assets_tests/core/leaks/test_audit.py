import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.leaks.audit import (
    are_among,
    hashes_on_sides,
    hashes_on_two_sides,
    leaks_of_cells,
    leaks_of_donors,
)
from c2s_assets.core.splits.plan import PLAN_SCHEMA
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.leaks import Leaks


def plan(*rows: tuple[list[str], str | None, str | None]) -> pl.DataFrame:
    """A plan of components given as (donor_uids, side, quarantined for)."""
    full = [
        {"component_id": uids[0], "donor_uids": uids, "split": s, "quarantined_for": q} for uids, s, q in rows
    ]
    return pl.DataFrame(full, schema=PLAN_SCHEMA)


def written(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Ten cells each of a donor on a side of a dataset."""
    cells = pl.DataFrame(list(rows), ["donor_uid", "split", "dataset_id"], orient="row")
    return cells.with_columns(n_cells=pl.lit(10, pl.Int64))


def found(leaks: pl.DataFrame) -> list[tuple[str, str, int]]:
    assert leaks.schema == frame_schema(Leaks)
    return leaks.select("kind", "what", "n_cells").rows()


def test_a_donor_on_one_side_of_two_datasets_is_no_leak():
    sides = written(("c/a", "train", "one"), ("c/a", "train", "two"))
    assert found(leaks_of_donors(sides, plan((["c/a"], "train", None)))) == []


def test_a_donor_on_two_sides_is_one():
    sides = written(("c/a", "train", "one"), ("c/a", "test", "two"))
    leaks = leaks_of_donors(sides, plan((["c/a"], "train", None)))
    assert found(leaks) == [("donor", "c/a", 20), ("person", "c/a", 20), ("not as planned", "c/a", 10)]
    assert leaks["datasets"][0].to_list() == ["one", "two"]


def test_a_person_on_two_sides_under_two_names_is_one():
    sides = written(("c/a", "train", "one"), ("d/b", "test", "two"))
    leaks = leaks_of_donors(sides, plan((["c/a", "d/b"], "train", None)))
    assert ("person", "c/a", 20) in found(leaks)


def test_who_is_in_quarantine_must_be_on_no_side():
    sides = written(("d/b", "test", "two"))
    leaks = leaks_of_donors(sides, plan((["c/a"], "train", None), (["d/b"], None, "c/a")))
    assert found(leaks) == [("quarantine", "d/b", 10)]


def test_donors_that_no_plan_knows_are_compared_with_each_other_alone():
    sides = written(("c/a", "train", "one"), ("c/a", "validation", "one"))
    assert found(leaks_of_donors(sides, plan())) == [("donor", "c/a", 20)]


cells = st.lists(
    st.tuples(st.sampled_from([-(2**63), -9, -1, 0, 4, 5, 2**62]), st.integers(0, 2)), max_size=30
)


@given(cells=cells, cut=st.integers(0, 30))
def test_hashes_on_two_sides_are_those_of_a_slow_reference(cells, cut):
    hashes = np.array([value for value, _ in cells], np.int64)
    sides = np.array([side for _, side in cells], np.int8)
    packed = hashes_on_sides(hashes, sides)
    torn = hashes_on_two_sides([packed[:cut], packed[cut:]])
    of_hash: dict[int, set[int]] = {}
    for value, side in cells:
        of_hash.setdefault((value % 2**64) >> 2, set()).add(side)
    assert {int(value) >> 2 for value in torn} == {value for value, on in of_hash.items() if len(on) > 1}
    assert are_among(packed, torn).tolist() == [len(of_hash[(value % 2**64) >> 2]) > 1 for value, _ in cells]


@pytest.mark.parametrize("side", ["train", "test"])
def test_cells_are_told_by_datasets_and_sides_if_they_are_on_two(side):
    schema = ["hash", "dataset_id", "split", "cell_id"]
    rows = [(1, "a", "train", "x"), (1, "b", side, "y"), (2, "a", "train", "z"), (2, "b", "test", "w")]
    leaks = leaks_of_cells(pl.DataFrame(rows, schema, orient="row"), kind="exact copy")
    n_cells = 4 if side == "test" else 2
    assert leaks.select("what", "n_cells").rows() == [("x of a" if side == "test" else "z of a", n_cells)]
