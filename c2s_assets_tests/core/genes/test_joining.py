import polars as pl
import pytest

from c2s_assets.core.genes.joining import add_missing_columns


def names(*values):
    return pl.Series("_index", values, dtype=pl.String)


def test_raw_var_gets_what_only_var_knows_by_name():
    raw_var = pl.DataFrame({"n": [1, 2, 3]})
    var = pl.DataFrame({"feature_name": ["B!", "A!"], "n": [9, 9]})
    joined = add_missing_columns(names("A", "X", "B"), raw_var, names("B", "A"), var)
    assert joined.rows() == [(1, "A!"), (2, None), (3, "B!")]
    assert joined.columns == ["n", "feature_name"]


def test_raw_var_without_columns_gets_all_of_var():
    joined = add_missing_columns(names("A", "B"), pl.DataFrame(), names("B"), pl.DataFrame({"name": ["x"]}))
    assert joined.rows() == [(None,), ("x",)]


def test_a_name_that_var_has_twice_says_nothing():
    var = pl.DataFrame({"feature_name": ["x", "y", "z"]})
    joined = add_missing_columns(names("A", "A", "B"), pl.DataFrame(), names("A", "A", "B"), var)
    assert joined["feature_name"].to_list() == [None, None, "z"]


@pytest.mark.parametrize("var", [pl.DataFrame(), pl.DataFrame({"n": [5]})], ids=["no columns", "no others"])
def test_var_that_knows_no_more_adds_nothing(var):
    raw_var = pl.DataFrame({"n": [1]})
    assert add_missing_columns(names("A"), raw_var, names("A"), var).equals(raw_var)


def test_columns_of_any_name_are_added():
    """`name` and `row` are what the look-up is made of."""
    var = pl.DataFrame({"name": ["x"], "row": [7], "": [True]})
    assert add_missing_columns(names("A"), pl.DataFrame(), names("A"), var).row(0) == ("x", 7, True)


# --- other names than the indices


IDS = [f"ENSG{number:011d}" for number in range(3)]


def test_features_are_matched_by_ids_where_the_indices_differ():
    joined = add_missing_columns(
        names(*IDS), pl.DataFrame(), names("C", "A"), pl.DataFrame({"gene_ids": [IDS[2], f"{IDS[0]}.4"]})
    )
    assert joined.columns == ["gene_ids", "index_of_var"]
    assert joined["index_of_var"].to_list() == ["A", None, "C"]


def test_raw_var_of_symbols_is_matched_with_var_of_ids():
    var = pl.DataFrame({"feature_name": ["A", "B", "C"]})
    joined = add_missing_columns(names("C", "B"), pl.DataFrame(), names(*IDS), var)
    assert joined.rows() == [("C", IDS[2]), ("B", IDS[1])]


def test_rows_that_are_only_counted_are_matched_by_the_names_beside_them():
    """SeuratDisk numbers the rows of raw.var and keeps the names in `features`."""
    raw_var = pl.DataFrame({"features": ["A", "B", "C"]})
    var = pl.DataFrame({"mean": [2.0, 1.0]})
    joined = add_missing_columns(names("0", "1", "2"), raw_var, names("B", "A"), var)
    assert joined.rows() == [("A", 1.0), ("B", 2.0), ("C", None)]
    both_counted = add_missing_columns(
        names("0", "1", "2"), raw_var, names("0", "1"), var.with_columns(features=pl.Series(["B", "A"]))
    )
    assert both_counted["mean"].to_list() == [1.0, 2.0, None]


def test_rows_that_are_only_counted_are_the_same_if_there_are_as_many_and_no_names():
    var = pl.DataFrame({"mean": [2.0, 1.0]})
    assert add_missing_columns(names("0", "1"), pl.DataFrame(), names("0", "1"), var).equals(var)
    fewer = add_missing_columns(names("0", "1", "2"), pl.DataFrame(), names("0", "1"), var)
    assert fewer["mean"].null_count() == 3


def test_a_name_that_raw_var_has_twice_gets_nothing_of_var():
    joined = add_missing_columns(
        names("A", "A", "B"), pl.DataFrame(), names("A", "B"), pl.DataFrame({"n": [1, 2]})
    )
    assert joined["n"].to_list() == [None, None, 2]


def test_between_equals_the_indices_match():
    raw_var = pl.DataFrame({"gene_ids": IDS})
    var = pl.DataFrame({"gene_ids": IDS[::-1], "n": [1, 2, 3]})
    joined = add_missing_columns(names("A", "B", "C"), raw_var, names("A", "B", "C"), var)
    assert joined["n"].to_list() == [1, 2, 3]
    assert "index_of_var" not in joined.columns


def test_var_that_has_none_of_the_features_adds_only_nulls():
    joined = add_missing_columns(
        names("A"), pl.DataFrame(), names("0", "1"), pl.DataFrame({"gene": ["x", "y"]})
    )
    assert joined.rows() == [(None,)]
