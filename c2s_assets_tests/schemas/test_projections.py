import polars as pl
import pytest

from c2s_assets.schemas.projections import keeps_schema


def block(**columns):
    return pl.DataFrame({"cell_id": ["a", "b"], **columns})


def floats(*values):
    return pl.Series(values, dtype=pl.Float32)


def test_axes_of_any_name_are_finite_or_null():
    tables = {"X_a": [block(A1=floats(0, None), A2=floats(1, 2))], "X_b": [block(B1=floats(3, 4))] * 2}
    finding = keeps_schema(tables.items())
    assert finding.holds
    assert finding.figures == {"n_tables": 2, "n_rows": 6, "n_violations": 0}


def test_no_tables_keep_the_schema():
    assert keeps_schema([]).holds


@pytest.mark.parametrize(
    ("broken", "rule", "column"),
    [
        (block(A1=floats(0, float("nan"))), "is_finite", "A1"),
        (block(A1=floats(float("inf"), 0)), "is_finite", "A1"),
        (block(A1=[1.0, 2.0]), "dtype('Float32')", "A1"),
        (block(), "has_axes", "*"),
        (pl.DataFrame({"A1": floats(1)}), "column_in_dataframe", "cell_id"),
    ],
    ids=["NaN", "infinite", "float64", "no axes", "no cells"],
)
def test_what_breaks_it_is_told_with_table_column_and_row(broken, rule, column):
    finding = keeps_schema([("X_a", [block(A1=floats(1, 2)), broken])])
    assert not finding.holds
    assert finding.rows.select("table", "column", "rule").row(0) == ("X_a", column, rule)
    if rule == "is_finite":
        assert finding.rows["row"][0] in (2, 3)


def test_columns_of_the_source_need_be_no_axes():
    tables = {"X_a": [block(A1=floats(0, None))], "X_b": [block(lane=["x", None], n=[1, 2])]}
    assert keeps_schema(tables.items(), of_source=["X_b"]).holds
    assert not keeps_schema(tables.items()).holds
    without_cells = {"X_b": [pl.DataFrame({"n": [1]})]}
    assert not keeps_schema(without_cells.items(), of_source=["X_b"]).holds
