import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.expression.sampling import draw, draw_balanced, in_train, windows


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [
        (0, []),
        (1, [(0, 1)]),
        (30, [(0, 30)]),
        (31, [(0, 10), (10, 20), (21, 31)]),
        (100, [(0, 10), (45, 55), (90, 100)]),
    ],
)
def test_head_middle_and_tail_are_chosen(n_rows, expected):
    assert windows(n_rows, size=10, n_vars=30_000) == expected


@settings(derandomize=True, max_examples=100)
@given(st.integers(0, 500), st.integers(1, 60))
def test_windows_lie_within_the_rows_and_never_overlap(n_rows, size):
    edges = [edge for window in windows(n_rows, size=size, n_vars=30_000) for edge in window]
    assert edges == sorted(edges)
    assert all(0 <= edge <= n_rows for edge in edges)
    n_chosen = sum(stop - start for start, stop in windows(n_rows, size=size, n_vars=30_000))
    assert n_chosen == min(n_rows, 3 * size)


# --- samples of cells


def cells(*n_of_each):
    donors = [f"d{number}" for number, n in enumerate(n_of_each) for _ in range(n)]
    return pl.Series([f"cell{row}" for row in range(len(donors))]), pl.Series("donor_uid", donors, pl.String)


def test_no_donor_outweighs_the_others():
    names, donors = cells(1000, 50, 3)
    drawn = draw_balanced(names, donors, n=100, seed=0)
    assert len(drawn) == 100
    assert (np.diff(drawn) > 0).all()
    assert donors.gather(drawn).value_counts().sort("donor_uid")["count"].to_list() == [49, 48, 3]


def test_a_sample_does_not_depend_on_the_order_of_the_cells():
    names, donors = cells(40, 30, 20)
    order = np.random.default_rng(0).permutation(len(names))
    drawn = draw_balanced(names, donors, n=30, seed=0)
    again = draw_balanced(names.gather(order), donors.gather(order), n=30, seed=0)
    assert set(names.gather(drawn)) == set(names.gather(order).gather(again))
    other = draw_balanced(names, donors, n=30, seed=1)
    assert set(names.gather(drawn)) != set(names.gather(other))


def test_cells_without_donor_stand_for_one():
    names, _ = cells(90)
    donors = pl.Series("donor_uid", ["a"] * 30 + [None] * 60, pl.String)
    drawn = draw_balanced(names, donors, n=20, seed=0)
    assert donors.gather(drawn).null_count() == 10
    nobody = pl.Series("donor_uid", [None] * 90, pl.String)
    assert len(draw_balanced(names, nobody, n=20, seed=0)) == 20


def test_all_are_drawn_if_there_are_no_more():
    names, donors = cells(3, 2)
    assert draw_balanced(names, donors, n=5, seed=0).tolist() == [0, 1, 2, 3, 4]
    assert draw(names, n=9, seed=0).tolist() == [0, 1, 2, 3, 4]


def test_a_plain_sample_is_ascending_and_keyed_by_name():
    names, _ = cells(100)
    drawn = draw(names, n=10, seed=0)
    assert (np.diff(drawn) > 0).all()
    assert set(names.gather(drawn)) == set(names.reverse().gather(draw(names.reverse(), n=10, seed=0)))


def test_cells_in_train_are_told_by_their_donor():
    donors = pl.Series("donor_uid", ["a", "b", None, "a"])
    manifest = pl.DataFrame(
        {"split_level": "donor", "donor_uid": ["b", "a", None], "split": ["test", "train", "train"]}
    )
    assert in_train(donors, manifest).tolist() == [True, False, True, True]


def test_cells_in_train_are_told_one_by_one_where_cells_were_split():
    manifest = pl.DataFrame(
        {"split_level": "cell", "donor_uid": [None, None, None], "split": ["train", "test", "train"]},
        schema_overrides={"donor_uid": pl.String},
    )
    donors = pl.Series("donor_uid", [None] * 3, pl.String)
    assert in_train(donors, manifest).tolist() == [True, False, True]


def test_windows_of_many_features_have_fewer_rows():
    assert windows(1000, size=500, n_vars=10**6) == [(0, 16), (492, 508), (984, 1000)]
