import polars as pl
import pytest

from c2s_assets.core.reports.columns import ColumnFigures, count_values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["T", "B", None, "B"], ColumnFigures(1, 2, {"B": 2, "T": 1})),
        (["c", "a", "b"], ColumnFigures(0, 3, {"a": 1, "b": 1, "c": 1})),
        ([True, False, True, None], ColumnFigures(1, 2, {"true": 2, "false": 1})),
        ([1, 2, 2, None], ColumnFigures(1, 2, None)),
        ([1.5, None, 1.5], ColumnFigures(1, 1, None)),
        (pl.Series([None, None], dtype=pl.String), ColumnFigures(2, 0, {})),
        (pl.Series([], dtype=pl.String), ColumnFigures(0, 0, {})),
    ],
    ids=[
        "texts by count",
        "equals by name",
        "booleans",
        "integers",
        "floats",
        "nothing but missing",
        "no rows",
    ],
)
def test_values_are_counted(values, expected):
    figures = count_values(pl.Series("column", values))
    assert figures == expected
    assert list((figures.value_counts or {}).items()) == list((expected.value_counts or {}).items())


@pytest.mark.parametrize("name", ["n", "value", "count", "literal", ""], ids=repr)
def test_the_name_of_a_column_does_not_matter(name):
    """polars counts into a column called `count`, or as it is told; obs may have one of that name."""
    assert count_values(pl.Series(name, ["x", "x"])).value_counts == {"x": 2}


@pytest.mark.parametrize(("n_values", "is_counted"), [(100, True), (101, False)])
def test_many_values_are_an_identifier_and_not_counted(n_values, is_counted):
    figures = count_values(pl.Series("barcode", [f"cell{i}" for i in range(n_values)]))
    assert figures.n_distinct == n_values
    assert (figures.value_counts is not None) == is_counted
