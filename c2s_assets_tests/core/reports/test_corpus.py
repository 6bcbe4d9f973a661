import polars as pl
import pytest

from c2s_assets.core.reports.corpus import (
    accounts_for_cells,
    donors_are_on_one_side,
    keeps_columns,
    reads_every_dataset,
    rows_match_lake,
)

EXPECTED = {"cells": {"cell_id": "VARCHAR", "age": "FLOAT"}}


def found(*columns: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(columns), schema=["table", "column", "type"], orient="row")


def test_declared_columns_are_there_and_other_tables_do_not_matter() -> None:
    columns = found(("cells", "cell_id", "VARCHAR"), ("cells", "age", "FLOAT"), ("own", "x", "INTEGER"))
    assert keeps_columns(columns, expected=EXPECTED).holds


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ([("cells", "cell_id", "VARCHAR")], "cells.age of type FLOAT: missing"),
        ([("cells", "cell_id", "VARCHAR"), ("cells", "age", "DOUBLE")], "cells.age of type FLOAT: missing"),
        (
            [("cells", "cell_id", "VARCHAR"), ("cells", "age", "FLOAT"), ("cells", "x", "BLOB")],
            "cells.x of type BLOB: not expected",
        ),
        ([], "2 columns differ"),
    ],
    ids=["a column less", "another type", "a column more", "no table"],
)
def test_a_column_that_differs_is_named(columns: list[tuple[str, str, str]], problem: str) -> None:
    finding = keeps_columns(found(*columns), expected=EXPECTED)
    assert not finding.holds
    assert problem in finding.message


def test_columns_in_another_order_break_the_schema() -> None:
    columns = found(("cells", "age", "FLOAT"), ("cells", "cell_id", "VARCHAR"))
    assert not keeps_columns(columns, expected=EXPECTED).holds


def test_datasets_that_are_left_out_are_named_with_the_reason() -> None:
    assert reads_every_dataset(2, {}).holds
    finding = reads_every_dataset(2, {"b": "broken.", "a": "empty."})
    assert not finding.holds
    assert "2 of 4 datasets are left out, the first is a: empty." in finding.message
    assert finding.rows is not None
    assert finding.rows.rows() == [("a", "empty."), ("b", "broken.")]


def test_cells_are_as_many_as_the_files_hold() -> None:
    counted = pl.DataFrame({"dataset_id": ["a", "b"], "n_cells": [3, 5]})
    assert rows_match_lake(counted, {"a": 3, "b": 5}).holds
    assert not rows_match_lake(counted, {"a": 3}).holds
    finding = rows_match_lake(counted, {"a": 3, "b": 5, "c": 1})
    assert not finding.holds
    assert "of c the catalogue shows 0, the file says 1" in finding.message


def test_every_property_accounts_for_all_cells() -> None:
    groups = pl.DataFrame(
        {"property": ["sex", "sex", "tissue"], "value": ["f", None, "lung"], "n_cells": [2, 1, 3]}
    )
    assert accounts_for_cells(groups, n_cells=3, n_further={}).holds
    finding = accounts_for_cells(groups.head(2).vstack(groups.head(1)), n_cells=3, n_further={})
    assert not finding.holds
    assert "Cells by sex add up to 5, but there are 3" in finding.message


def test_a_cell_counts_for_each_of_its_diseases_and_the_check_says_so() -> None:
    groups = pl.DataFrame({"property": ["disease"] * 2, "value": ["a", "b"], "n_cells": [3, 2]})
    finding = accounts_for_cells(groups, n_cells=3, n_further={"disease": 2})
    assert finding.holds
    assert "all 3 cells; by disease they add up to 5" in finding.message
    assert not accounts_for_cells(groups, n_cells=3, n_further={"disease": 1}).holds
    assert not accounts_for_cells(groups, n_cells=3, n_further={}).holds


def test_donors_in_train_of_one_dataset_and_in_test_of_another_are_named_with_the_way_out() -> None:
    on_both = pl.DataFrame(
        {
            "donor_uid": ["c/ann", "c/bob"],
            "in_train_of": [["a", "b"], ["a", "d", "e", "f", "g"]],
            "in_test_of": [["c"], ["b"]],
            "n_cells_in_train": [10, 20],
            "n_cells_in_test": [1_500, 4],
        }
    )
    assert donors_are_on_one_side(on_both.clear(), n_donors=3).holds
    finding = donors_are_on_one_side(on_both, n_donors=3)
    assert not finding.holds
    assert "2 of 3 donors are in train of one dataset and in test of another" in finding.message
    assert "they have 1,504 cells; the first is c/ann, in train of a, b and in test of c" in finding.message
    assert "Give each donor one side again: c2s audit" in finding.message
    assert finding.figures == {"n_donors_on_both_sides": 2, "n_cells_in_test": 1_504}
    assert finding.rows is not None
    assert finding.rows["in_train_of"].to_list() == ["a, b", "a, d, e and 2 more"]
