import polars as pl
import pytest

from c2s_assets.core.leaks.people import count_shared, expect_by_chance, judge

DONORS = pl.Enum(["Ann", "Bob", "Eve"])


def _pairs(*rows):
    names = ("cell", "donor", "dataset", "other_cell", "other_donor", "other_dataset", "is_exact")
    pairs = pl.DataFrame(rows, schema=names, orient="row")
    return pairs.with_columns(pl.col("donor", "other_donor").cast(DONORS))


def test_cells_are_those_of_the_first_donor_each_counted_once():
    counted = count_shared(
        _pairs(
            (1, "Ann", 0, 11, "Bob", 1, True),
            (1, "Ann", 0, 12, "Bob", 2, False),
            (21, "Bob", 1, 2, "Ann", 0, False),
        )
    )
    assert counted.rows() == [("Ann", "Bob", 2, 1, [0, 1, 2])]


@pytest.mark.parametrize("other", ["Ann", None], ids=["the same donor", "nobody known"])
def test_copies_of_one_donor_or_of_nobody_are_of_no_pair(other):
    assert count_shared(_pairs((1, "Ann", 0, 11, other, 1, True))).is_empty()


def test_donors_get_their_share_of_what_chance_gives_their_datasets():
    shared = pl.DataFrame({"donor": ["Ann"], "other_donor": ["Bob"]})
    evidence = pl.DataFrame(
        [(0, "Ann", 10), (0, None, 30), (1, "Bob", 5), (1, "Ann", 5), (2, "Bob", 1)],
        schema=("dataset", "donor", "n_evidence"),
        orient="row",
    )
    compared = pl.DataFrame(
        [(0, 1, 8.0), (1, 1, 2.0), (2, 0, 4.0)],
        schema=("dataset", "other_dataset", "n_expected"),
        orient="row",
    )
    found = expect_by_chance(shared, evidence=evidence, compared=compared)["n_expected_by_chance"].item()
    assert found == 8 * (10 / 40) * (5 / 10) + 2 * 2 * (5 / 10) * (5 / 10) + 4 * 1 * (10 / 40)


@pytest.mark.parametrize(
    ("n_shared", "n_expected", "is_same"),
    [(3, 0.0, True), (2, 0.0, False), (10, 0.009, True), (10, 0.011, False)],
    ids=["three", "two", "far beyond chance", "not far enough"],
)
def test_one_person_shares_far_more_than_chance_allows(n_shared, n_expected, is_same):
    shared = pl.DataFrame({"n_shared_cells": [n_shared], "n_expected_by_chance": [n_expected]})
    assert judge(shared)["is_same_person"].to_list() == [is_same]
