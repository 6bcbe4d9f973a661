import polars as pl
import pytest

from c2s_assets.core.reports.validation import (
    TableAgreement,
    checks_hold,
    compare_cells,
    compare_sides,
    tables_agree_on_cells,
)

CELLS = pl.Series("cell_id", ["a", "b", "c", "d"])


def ids(*values):
    return pl.Series("cell_id", values, dtype=pl.String)


# --- the same cells


@pytest.mark.parametrize(
    ("blocks", "n_rows", "n_differ", "first"),
    [
        ([ids("a", "b", "c", "d")], 4, 0, None),
        ([ids("a"), ids(), ids("b", "c"), ids("d")], 4, 0, None),
        ([ids("a", "b"), ids("d", "c")], 4, 2, "row 2 is 'd', not 'c'"),
        ([ids("a", "b"), ids(None, "d")], 4, 1, "row 2 is None, not 'c'"),
        ([ids("a", "b")], 2, 2, "it has 2 rows, not 4"),
        ([], 0, 4, "it has 0 rows, not 4"),
        ([ids("a", "b", "c"), ids("d", "e"), ids("f")], 6, 2, "it has 6 rows, not 4"),
        ([ids("b", "c", "d")], 3, 4, "row 0 is 'b', not 'a'"),
    ],
    ids=["same", "in other blocks", "swapped", "null", "too few", "none", "too many", "one left out"],
)
def test_compare_cells_finds_every_row_that_differs_and_the_first(blocks, n_rows, n_differ, first):
    found = compare_cells("table", blocks, CELLS, is_current=True)
    assert found == TableAgreement("table", n_rows, n_differ, first, is_current=True)
    assert found.agrees == (n_differ == 0)


@pytest.mark.parametrize(
    ("listed", "n_differ", "first"),
    [
        (ids("d", "a"), 0, None),
        (ids(), 0, None),
        (ids("a", "b", "a", "a"), 2, "'a' is listed twice"),
        (ids("a", "x"), 1, "'x' is no cell of cell_metadata"),
    ],
    ids=["some, in any order", "none", "repeated", "unknown"],
)
def test_compare_sides_allows_some_of_the_cells_each_once(listed, n_differ, first):
    found = compare_sides("train and test", listed, CELLS, is_current=True)
    assert (found.n_rows, found.n_differ, found.first_difference) == (len(listed), n_differ, first)


def test_tables_agree_if_all_do():
    finding = tables_agree_on_cells([TableAgreement("expression", 4, 0, None, is_current=True)], n_obs=4)
    assert finding.holds
    assert finding.message == "1 tables hold the 4 cells of cell_metadata."


def test_tables_that_do_not_agree_are_named_with_their_first_difference():
    agreements = [
        TableAgreement("expression", 4, 0, None, is_current=True),
        TableAgreement("cell_sentences", 4, 2, "row 2 is 'd', not 'c'", is_current=True),
        TableAgreement("projections/X_umap.parquet", 4, 0, None, is_current=False),
    ]
    finding = tables_agree_on_cells(agreements, n_obs=4)
    assert not finding.holds
    assert finding.message == (
        "2 of 3 tables do not go with cell_metadata: in cell_sentences, row 2 is 'd', not 'c' (2 rows "
        "differ); projections/X_umap.parquet was made from an earlier version of the source file. Build the "
        "dataset again."
    )
    assert finding.rows is not None
    assert finding.rows["table"].to_list() == ["cell_sentences", "projections/X_umap.parquet"]


def test_without_cell_metadata_nothing_agrees():
    finding = tables_agree_on_cells(None, n_obs=4)
    assert not finding.holds
    assert "cell_metadata was not built" in finding.message


@pytest.mark.parametrize(
    ("broken", "without_result", "message"),
    [
        ([], [], "All 9 checks hold."),
        (["t/a", "t/b"], [], "2 of 9 checks are broken: t/a, t/b."),
        (["t/a"], ["u/c"], "1 of 9 checks are broken: t/a. 1 have no current result: u/c."),
    ],
    ids=["all hold", "broken", "broken and not made"],
)
def test_checks_hold_names_those_that_do_not(broken, without_result, message):
    finding = checks_hold(broken, without_result, n_checks=9)
    assert (finding.holds, finding.message) == (not broken and not without_result, message)
