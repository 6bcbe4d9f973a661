import re

import polars as pl
import pytest

from c2s_assets.core import claims
from c2s_assets.core.layers import MatrixVerdict
from c2s_assets.core.splits import SplitSpec, SplitSummary, describe_split, split_donors

IN_DATASETS_YAML = "in the dataset's entry of datasets.yaml"


def assert_says(finding, pattern):
    assert re.search(pattern, finding.message), finding.message


def ids(*values, name="cell_id"):
    return pl.Series(name, values, dtype=pl.String)


# --- rows


def test_rows_that_match_are_counted():
    finding = claims.rows_match(
        "rows_match_cells", ids("a", "b"), ids("a", "b", name="x"), of="cell_metadata"
    )
    assert (finding.claim, finding.holds) == ("rows_match_cells", True)
    assert finding.message == "2 rows in the order of cell_metadata."
    assert finding.figures == {"n_rows": 2, "n_differ": 0}
    assert finding.rows is not None
    assert finding.rows.is_empty()


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (ids("a", "c", "b"), ids("a", "b", "c"), "2 of 3 rows are not those of it. Build both again."),
        (ids("a", None), ids("a", "b"), "1 of 2 rows are not those of it. Build both again."),
        (ids("a"), ids("a", "b"), "1 rows, but it has 2. Build both again."),
        (ids(), ids("a"), "0 rows, but it has 1. Build both again."),
    ],
    ids=["another order", "a missing id", "fewer rows", "no rows"],
)
def test_rows_that_do_not_match_are_found(found, expected, message):
    finding = claims.rows_match("rows_match", found, expected, of="it")
    assert (finding.holds, finding.message) == (False, message)


def test_rows_that_do_not_match_are_shown_side_by_side():
    finding = claims.rows_match("rows_match", ids("a", "c"), ids("a", "b"), of="it")
    assert finding.rows is not None
    assert finding.rows.rows(named=True) == [{"found": "c", "expected": "b"}]


# --- cells


def cells(donors=("a", "b"), **columns):
    height = len(donors)
    return pl.DataFrame(
        {
            "cell_id": [f"cell{i}" for i in range(height)],
            "donor_id": donors,
            "age": [30.0] * height,
            "age_low": [30.0] * height,
            "age_high": [31.0] * height,
            "age_method": ["stage_label"] * height,
            "life_stage": ["postnatal"] * height,
            **columns,
        },
        schema_overrides={
            "donor_id": pl.String,
            **dict.fromkeys(("age", "age_low", "age_high"), pl.Float32),
        },
    )


def test_cell_ids_that_differ_are_unique():
    assert claims.cell_ids_are_unique(cells()).holds
    assert claims.cell_ids_are_unique(cells(())).holds


def test_cell_ids_that_repeat_are_named():
    finding = claims.cell_ids_are_unique(cells(["a"] * 5, cell_id=["x", "y", "y", "z", "y"]))
    assert not finding.holds
    assert finding.message.startswith("1 cell ids stand for several cells, the first is 'y'.")
    assert "obs_names_make_unique" in finding.message
    assert finding.rows is not None
    assert finding.rows.rows() == [("y", 3)]


@pytest.mark.parametrize(
    ("donors", "holds", "message", "n_unknown"),
    [
        (["a", "b", "a"], True, "2 donors, every cell has one.", 0),
        (
            ["a", "unknown", None, " Pooled"],
            False,
            "3 of 4 cells have no donor .* They are only used for training",
            3,
        ),
        (["unknown", "unknown"], False, "2 of 2 cells have no donor .* They are only used for training", 2),
        ([None, None], False, "2 of 2 cells have no donor .* single cells are split", 2),
        ([], True, "0 donors", 0),
    ],
    ids=["all known", "some unknown", "all called unknown", "no donor column", "no cells"],
)
def test_donors_are_known(donors, holds, message, n_unknown):
    finding = claims.donors_are_known(cells(donors))
    assert finding.holds == holds
    assert finding.figures["n_cells_without_donor"] == n_unknown
    assert_says(finding, message)
    assert holds or "donor_column " + IN_DATASETS_YAML in finding.message


UNKNOWN = {"age": [None], "age_low": [None], "age_high": [None], "life_stage": ["unknown"]}


@pytest.mark.parametrize(
    ("columns", "holds", "figures"),
    [
        ({}, True, (1, 0, 0, 0)),
        ({"age": [None]}, True, (0, 1, 0, 0)),
        ({"age": [None], "age_low": [None]}, True, (0, 1, 0, 0)),
        ({**UNKNOWN, "life_stage": ["prenatal"]}, True, (0, 0, 1, 0)),
        (UNKNOWN, False, (0, 0, 0, 1)),
    ],
    ids=["an age", "an interval", "an open interval", "before birth", "nothing"],
)
def test_ages_are_known(columns, holds, figures):
    finding = claims.ages_are_known(cells(["a"], **columns))
    names = ("n_with_age", "n_with_interval_only", "n_prenatal", "n_unknown")
    assert (finding.holds, tuple(finding.figures[name] for name in names)) == (holds, figures)
    assert ("age_column or age_group_column " + IN_DATASETS_YAML in finding.message) != holds


def test_ages_are_counted_by_method():
    finding = claims.ages_are_known(cells(["a"] * 3, age_method=["x", "y", "x"]))
    assert finding.rows is not None
    assert finding.rows.rows() == [("x", 2), ("y", 1)]
    assert finding.figures["frac_with_age"] == 1.0


def test_ages_of_no_cells_are_known():
    assert claims.ages_are_known(cells(())).holds


# --- the source


def test_columns_that_can_be_read_are_fine():
    assert claims.reads_every_column({}).holds


def test_columns_that_cannot_be_read_are_named_with_the_reason():
    finding = claims.reads_every_column({"obs/a": "has 2 dimensions. Split it.", "var/b": "is a group."})
    assert not finding.holds
    assert (
        "2 cannot be read and are left out, the first is obs/a: has 2 dimensions. Split it."
        in finding.message
    )
    assert finding.rows is not None
    assert finding.rows.height == 2


def test_feature_ids_of_the_source_are_unique():
    assert claims.feature_ids_are_unique(ids("a", "b", name="feature_id")).holds
    assert claims.feature_ids_are_unique(ids(name="feature_id")).holds


def test_feature_ids_that_were_made_unique_are_named():
    finding = claims.feature_ids_are_unique(ids("b", "a", "a", "b", "a", name="feature_id"))
    assert (finding.holds, finding.figures) == (False, {"n_made_unique": 3})
    assert_says(
        finding, "^3 of 5 features have the id of another, the first is 'b'; they got -1, .* make the index"
    )
    assert finding.rows is not None
    assert finding.rows.rows() == [("b", 2), ("a", 3)]


def features(*symbols):
    rows = [
        (f"id{i}", symbol, symbol is not None and symbols.count(symbol) > 1, f"name{i}")
        for i, symbol in enumerate(symbols)
    ]
    schema = {
        "feature_id": pl.String,
        "symbol": pl.String,
        "is_duplicated_symbol": pl.Boolean,
        "var_name": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(
    ("symbols", "holds"),
    [(("A", None), True), (("A", "A", "B"), True), (("A", None, None), False), ((None,), False), ((), False)],
    ids=["half", "all", "a third", "none", "no features"],
)
def test_at_least_half_of_the_features_have_a_symbol(symbols, holds):
    finding = claims.symbols_are_known(features(*symbols))
    assert finding.holds == holds
    assert ("symbol_column " + IN_DATASETS_YAML in finding.message) != holds


def test_symbols_are_counted_once_each():
    finding = claims.symbols_are_known(features("A", "A", "B", None))
    assert finding.figures == {"frac_with_symbol": 0.75, "n_symbols": 2, "n_features_sharing_a_symbol": 2}
    assert finding.rows is not None
    assert finding.rows.rows() == [("id3", "name3")]


@pytest.mark.parametrize(("symbols", "holds"), [((None, "A"), True), ((None, None), False)])
def test_one_feature_with_a_symbol_is_enough_for_sentences(symbols, holds):
    finding = claims.features_have_symbols(features(*symbols))
    assert finding.holds == holds
    assert ("symbol_column " + IN_DATASETS_YAML in finding.message) != holds


@pytest.mark.parametrize(
    ("kind", "low", "holds", "message"),
    [
        ("counts", 1.0, True, "raw.X holds counts: 1,500 values between 1 and 7, all whole."),
        ("normalised", 0.5, True, "raw.X holds normalised values: 1,500 values between 0.5 and 7."),
        ("scaled", -2.5, False, "raw.X was scaled: 1,500 values between -2.5 and 7."),
        ("unknown", 0.0, False, "raw.X holds nothing but zeros in the 300 cells looked at."),
    ],
)
def test_a_matrix_can_be_ranked_if_it_was_not_scaled(kind, low, holds, message):
    verdict = MatrixVerdict(kind, 300, 1500, low, 7.0, 1.0)
    finding = claims.matrix_can_be_ranked(verdict, layer="raw.X")
    assert finding.holds == holds
    assert finding.message.startswith(message)
    assert ("as layer " + IN_DATASETS_YAML in finding.message) != holds


# --- sentences


def test_ensembl_ids_in_sentences_are_named():
    none = pl.DataFrame(schema={"cell_id": pl.String, "found": pl.String})
    assert claims.names_no_ensembl_id(none, n_cells=5).holds
    found = pl.DataFrame({"cell_id": ["c7"], "found": ["ENSG00000141510"]})
    finding = claims.names_no_ensembl_id(found, n_cells=5)
    assert not finding.holds
    assert "the first is 'ENSG00000141510' of cell 'c7'" in finding.message
    assert "please report it" in finding.message


def test_broken_rules_of_sentences_are_named():
    none = pl.DataFrame(schema=dict.fromkeys(("cell_id", "rule", "found"), pl.String))
    assert claims.sentences_match_source(none, n_cells=5).holds
    broken = pl.DataFrame({"cell_id": ["c7"], "rule": ["names a symbol once"], "found": ["'A' is repeated"]})
    finding = claims.sentences_match_source(broken, n_cells=5)
    assert not finding.holds
    assert_says(finding, "the first is 'names a symbol once' of cell 'c7': 'A' is repeated. .* Build again.")


@pytest.mark.parametrize(
    ("n_expressed", "holds", "figures"),
    [
        ([3, 1, 8], True, {"n_empty": 0, "median_n_expressed": 3.0}),
        ([0, 1, 0, 8], False, {"n_empty": 2, "median_n_expressed": 0.5}),
        ([], True, {"n_empty": 0, "median_n_expressed": 0.0}),
    ],
    ids=["all", "two empty", "no cells"],
)
def test_cells_express_genes(n_expressed, holds, figures):
    finding = claims.cells_express_genes(pl.Series(n_expressed, dtype=pl.Int32))
    assert (finding.holds, finding.figures) == (holds, figures)
    assert ("n_expressed is 0" in finding.message) != holds


# --- the split


def split(rows):
    """Manifest of cells given as (donor_id, age, is_primary_data)."""
    full = [
        (f"cell{i}", donor, donor and f"ds/{donor}", age, primary)
        for i, (donor, age, primary) in enumerate(rows)
    ]
    schema = dict.fromkeys(("cell_id", "donor_id", "donor_uid"), pl.String)
    schema |= {"age": pl.Float32, "is_primary_data": pl.Boolean}
    return split_donors(pl.DataFrame(full, schema=schema, orient="row"), spec=SplitSpec())


TWO_DONORS = [("a", 30, True), ("a", 30, False), ("b", 40, True), ("b", None, True)]


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


def sides(*rows, level="donor"):
    schema = dict.fromkeys(("donor_uid", "split"), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(split_level=pl.lit(level))


@pytest.mark.parametrize(
    ("rows", "level", "holds", "message"),
    [
        (
            [("d/a", "train"), ("d/a", "train"), ("d/b", "test")],
            "donor",
            True,
            "2 donors, none on both sides.",
        ),
        ([(None, "train"), ("d/b", "test")], "donor", True, "1 donors, none on both sides."),
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


def summary(**changes):
    figures = {
        "split_level": "donor",
        "n_cells": 100,
        "n_train": 95,
        "n_test": 5,
        "n_non_primary": 0,
        "n_without_age": 0,
        "n_indistinct": 0,
        "test_share": 0.05,
        "n_donors_train": 9,
        "n_donors_test": 1,
        "age_mean_train": 40.0,
        "age_mean_test": 42.0,
        "age_distance": 5.0,
    }
    return SplitSummary(**(figures | changes))


@pytest.mark.parametrize(
    ("test_share", "n_test", "holds", "message"),
    [
        (0.05, 5, True, r"Test holds 5.0% of the cells that are used, 5.0% were asked for\.$"),
        (0.026, 3, True, r"Test holds 2.6% "),
        (0.074, 7, True, r"Test holds 7.4% "),
        (0.02, 2, False, "Donors come whole: .* Another test_size in datasets.yaml"),
        (0.5, 50, False, "Donors come whole: .* Another test_size in datasets.yaml"),
        (0.0, 0, False, "Test needs two donors that can be told apart"),
        (None, 0, False, "Test holds 0.0% .* Test needs two donors"),
    ],
)
def test_test_holds_about_the_share_that_was_asked_for(test_share, n_test, holds, message):
    found = summary(test_share=test_share, n_test=n_test)
    finding = claims.test_share_near_target(found, spec=SplitSpec(test_size=0.05))
    assert finding.holds == holds
    assert_says(finding, message)


def ages(*values):
    return pl.DataFrame({"age_median": values}, schema={"age_median": pl.Float32})


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
    assert holds or "split_manifest says 3 and 1. Build" in finding.message


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
    ("n_with_age", "n_cells", "holds", "message"),
    [
        (5, 5, True, r"^5 of 5 cells have an age\.$"),
        (0, 5, False, "None of the 5 cells has an age, .* age_column"),
        (4, 5, False, "Build split_manifest and train_test again"),
        (0, 0, False, "None of the 0 cells"),
    ],
    ids=["all", "a dataset without ages", "some, which should not be", "no cells"],
)
def test_cells_that_are_used_have_ages(n_with_age, n_cells, holds, message):
    finding = claims.cells_have_ages(n_with_age, n_cells=n_cells)
    assert finding.holds == holds
    assert_says(finding, message)
