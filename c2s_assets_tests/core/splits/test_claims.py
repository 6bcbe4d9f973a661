import re

import polars as pl
import pytest

from c2s_assets.core.splits import claims
from c2s_assets.core.splits.manifest import split_donors
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.summary import SplitSummary, describe_split


def assert_says(finding, pattern):
    assert re.search(pattern, finding.message), finding.message


def split(rows):
    """Manifest of cells given as (donor_id, age, is_primary_data)."""
    full = [
        (f"cell{i}", donor, donor and f"ds/{donor}", age, primary)
        for i, (donor, age, primary) in enumerate(rows)
    ]
    schema = dict.fromkeys(("cell_id", "donor_id", "donor_uid"), pl.String)
    schema |= {"age": pl.Float32, "is_primary_data": pl.Boolean}
    cells = pl.DataFrame(full, schema=schema, orient="row")
    is_known = pl.col("donor_id").is_not_null() & (pl.col("donor_id") != "unknown")
    return split_donors(cells.with_columns(has_known_donor=is_known), spec=SplitSpec())


TWO_DONORS = [("a", 30, True), ("a", 30, False), ("b", 40, True), ("b", None, True)]


def sides(*rows, level="donor"):
    schema = dict.fromkeys(("donor_uid", "split"), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(split_level=pl.lit(level))


def summary(**changes):
    figures = {
        "split_level": "donor",
        "n_cells": 100,
        "n_train": 95,
        "n_test": 5,
        "n_validation": 0,
        "n_non_primary": 0,
        "n_copies": 0,
        "n_without_age": 0,
        "n_quarantined": 0,
        "n_indistinct": 0,
        "validation_share": 0.0,
        "test_share": 0.05,
        "n_donors_train": 8,
        "n_donors_validation": 0,
        "n_donors_test": 1,
        "age_mean_train": 40.0,
        "age_mean_validation": None,
        "age_mean_test": 42.0,
        "age_distance": 5.0,
    }
    return SplitSummary(**(figures | changes))


def ages(*values):
    return pl.DataFrame({"age_median": values}, schema={"age_median": pl.Float32})


def test_every_cell_is_used_or_left_out_for_one_reason():
    finding = claims.accounts_for_all_cells(split(TWO_DONORS), n_cells=4)
    assert finding.holds
    assert finding.message == "4 cells: 2 used, 1 left out as not primary, 1 left out without age."


@pytest.mark.parametrize(
    ("change", "n_cells", "message"),
    [
        ({}, 5, "counts 4 cells and 4 that are used or left out, but cell_metadata has 5. Build both again."),
        ({"n_eligible": 0}, 4, "counts 4 cells and 2 that are used or left out, but cell_metadata has 4."),
    ],
    ids=["a cell is missing", "the parts do not add up"],
)
def test_cells_that_are_not_counted_are_found(change, n_cells, message):
    manifest = split(TWO_DONORS).with_columns(**{name: pl.lit(value) for name, value in change.items()})
    finding = claims.accounts_for_all_cells(manifest, n_cells=n_cells)
    assert not finding.holds
    assert message in finding.message


@pytest.mark.parametrize(
    ("rows", "level", "holds", "message"),
    [
        (
            [("d/a", "train"), ("d/a", "train"), ("d/b", "test")],
            "donor",
            True,
            "2 donors, none on two sides.",
        ),
        ([(None, "train"), ("d/b", "test")], "donor", True, "1 donors, none on two sides."),
        ([("d/a", "train"), ("d/a", "test")], "cell", True, "There are no donors to keep apart."),
        ([], "donor", True, "There are no donors to keep apart."),
        (
            [("d/a", "train"), ("d/b", "test"), ("d/a", "test")],
            "donor",
            False,
            "1 of 2 donors .* 'd/a'. Build",
        ),
    ],
    ids=["apart", "a cell without donor", "cells were split", "no cells", "torn"],
)
def test_no_donor_is_in_both_splits(rows, level, holds, message):
    finding = claims.no_donor_in_both_splits(sides(*rows, level=level))
    assert finding.holds == holds
    assert_says(finding, message)


def test_a_manifest_is_made_by_donor_or_says_so():
    assert claims.splits_by_donor(describe_split(split(TWO_DONORS))).holds
    finding = claims.splits_by_donor(describe_split(split([(None, 30, True)] * 3)))
    assert (finding.holds, finding.figures) == (False, {"split_level": "cell"})
    assert "Don't measure generalisation to new donors" in finding.message


def test_of_a_tissue_that_is_divided_the_checks_speak_of_its_blocks():
    cells = split([(None, 30, True)] * 3)
    finding = claims.splits_by_donor(describe_split(cells), tissue_level="block")
    assert not finding.holds
    assert_says(finding, "names no donors, so its tissue was divided: each block is on one side")
    far = summary(split_level="cell", test_share=0.5, n_test=50)
    spec = SplitSpec(test_size=0.05)
    assert_says(claims.test_share_near_target(far, spec=spec, tissue_level="block"), "Each block of the ti")
    none = summary(split_level="donor", test_share=0.0, n_test=0)
    assert_says(
        claims.test_share_near_target(none, spec=spec, tissue_level="section"),
        "one donor is in train; cell_records tests on each section",
    )
    assert_says(claims.test_share_near_target(none, spec=spec, tissue_level="tissue"), "tissue_block_column")


def test_donors_that_cannot_be_read_stop_the_split():
    assert claims.donors_can_be_read(None).holds
    finding = claims.donors_can_be_read("obs/donor_id has 1j. Store it as text.")
    assert not finding.holds
    assert_says(
        finding, r"obs/donor_id has 1j\. Store it as text\. Cells of one donor .* donor_column in the"
    )


@pytest.mark.parametrize(
    ("test_share", "n_test", "holds", "message"),
    [
        (0.05, 5, True, r"Test holds 5.0% of the cells that are used, 5.0% were asked for\.$"),
        (0.026, 3, True, r"Test holds 2.6% "),
        (0.074, 7, True, r"Test holds 7.4% "),
        (0.02, 2, False, "Donors come whole, .* Another size in datasets.yaml"),
        (0.5, 50, False, "Donors come whole, .* Another size in datasets.yaml"),
        (0.0, 0, False, "Test needs two donors that can be told apart"),
        (None, 0, False, "Test holds 0.0% .* Test needs two donors"),
    ],
)
def test_test_holds_about_the_share_that_was_asked_for(test_share, n_test, holds, message):
    found = summary(test_share=test_share, n_test=n_test)
    finding = claims.test_share_near_target(found, spec=SplitSpec(test_size=0.05), tissue_level=None)
    assert finding.holds == holds
    assert_says(finding, message)


@pytest.mark.parametrize(
    ("distance", "span", "holds", "frac"),
    [
        (5.0, (20, None, 70), True, 0.1),
        (17.5, (20, 70), True, 0.35),
        (20.0, (20, 70), False, 0.4),
        (0.0, (30, 30), True, 0.0),
    ],
    ids=["near", "just near", "far", "one age"],
)
def test_ages_are_balanced_where_sides_are_near_in_the_range_of_ages(distance, span, holds, frac):
    finding = claims.ages_are_balanced(ages(*span), summary(age_distance=distance))
    assert finding.holds == holds
    assert finding.figures["frac_of_range"] == pytest.approx(frac)
    assert ("Another seed in datasets.yaml" in finding.message) != holds


@pytest.mark.parametrize(
    ("n_donors_test", "message"),
    [(1, "Test is one donor, .* drawn whatever the age"), (2, "no nearer choice was found")],
)
def test_ages_far_apart_are_no_fault_of_a_draw_of_one_donor(n_donors_test, message):
    found = summary(age_distance=20.0, n_donors_test=n_donors_test)
    assert_says(claims.ages_are_balanced(ages(20, 70), found), message)


def test_ages_that_are_not_known_cannot_be_balanced():
    finding = claims.ages_are_balanced(ages(None), summary(age_distance=None))
    assert not finding.holds
    assert "age_column or age_group_column" in finding.message


def test_a_cell_that_is_listed_twice_is_named():
    assert claims.no_cell_in_both_splits(pl.DataFrame({"cell_id": ["a", "b"]})).holds
    finding = claims.no_cell_in_both_splits(pl.DataFrame({"cell_id": ["a", "b", "b", "b"]}))
    assert not finding.holds
    assert finding.message == "1 cells are listed twice, the first is 'b'. Build train_test again."


@pytest.mark.parametrize(
    ("listed", "holds"),
    [
        (["train"] * 3 + ["test"], True),
        (["train"] * 4, False),
        (["train"] * 3 + ["test"] * 2, False),
        ([], False),
    ],
    ids=["as the manifest says", "on the wrong side", "too many", "none"],
)
def test_rows_match_the_manifest(listed, holds):
    cells = pl.DataFrame({"split": pl.Series(listed, dtype=pl.String)})
    finding = claims.rows_match_manifest(cells, summary(n_train=3, n_test=1))
    assert finding.holds == holds
    assert holds or "split_manifest says 3 in train, 0 in validation, 1 in test. Build" in finding.message


@pytest.mark.parametrize(
    ("n_train", "n_test", "holds", "message"),
    [
        (3, 1, True, "3 cells in train, 1 in test."),
        (3, 0, False, "Without a second donor there is nothing to test on"),
        (0, 0, False, "No cell is eligible"),
    ],
)
def test_both_splits_hold_cells(n_train, n_test, holds, message):
    finding = claims.has_both_splits(summary(n_train=n_train, n_test=n_test))
    assert finding.holds == holds
    assert message in finding.message


@pytest.mark.parametrize(
    ("n_with_age", "n_cells", "missing_age", "holds", "message"),
    [
        (5, 5, "drop", True, r"^5 of 5 cells have an age\.$"),
        (0, 5, "drop", False, "None of the 5 cells has an age, .* age_column"),
        (4, 5, "drop", False, "Build split_manifest and train_test again"),
        (4, 5, "keep", True, r"^4 of 5 cells have an age\. The others are kept without one, as"),
        (0, 5, "keep", False, "None of the 5 cells has an age"),
        (0, 0, "drop", False, "None of the 0 cells"),
    ],
    ids=["all", "a dataset without ages", "some, which should not be", "some, as asked", "none", "no cells"],
)
def test_cells_that_are_used_have_ages(n_with_age, n_cells, missing_age, holds, message):
    finding = claims.cells_have_ages(n_with_age, n_cells=n_cells, missing_age=missing_age)
    assert finding.holds == holds
    assert_says(finding, message)


def test_cells_left_out_for_want_of_an_age_are_counted_by_donor():
    manifest = split([("a", 20.0, True), ("a", None, True), ("b", None, False), ("b", None, True)])
    finding = claims.no_cell_is_left_out_for_its_age(manifest)
    assert (finding.holds, finding.figures) == (False, {"n_without_age": 2, "n_cells": 3})
    assert_says(finding, "^2 of 3 cells have no age while others have one, .* {missing_age: keep}")
    assert finding.rows is not None
    assert finding.rows.rows() == [("ds/a", 2, 1), ("ds/b", 2, 1)]


def test_no_cell_is_left_out_for_its_age_where_none_or_all_have_one():
    for rows in ([("a", None, True)], [("a", 20.0, True)]):
        assert claims.no_cell_is_left_out_for_its_age(split(rows)).holds
