import polars as pl

from c2s_assets.core.genes.var_columns import columns_called, list_columns


def test_columns_are_found_by_letters_and_digits_in_the_order_of_the_names():
    var = pl.DataFrame({"Gene.Symbol": ["a"], "gene": ["b"], "geneSymbol": ["c"], "features": [1]})
    assert columns_called(("gene", "features", "gene_symbol"), var) == ["gene", "Gene.Symbol", "geneSymbol"]


def test_columns_are_listed_with_two_values_each():
    var = pl.DataFrame({"id": ["x", "x", "y", "z"], "n": [1, None, 2, 3], "none": [None] * 4})
    assert list_columns(var) == "id ('x', 'y'), n (1, 2), none (nothing but missing values)"
    assert list_columns([]) == "none"


def test_long_values_and_many_columns_are_cut():
    var = pl.DataFrame({f"c{number}": ["x" * 100] for number in range(23)})
    listed = list_columns(var)
    assert listed.startswith(f"c0 ('{'x' * 30}...'), c1 (")
    assert listed.endswith("c19 ('" + "x" * 30 + "...') and 3 more")


def test_a_value_cannot_break_out_of_the_message():
    assert list_columns([pl.Series("a", ["x\n\x1b[31m"])]) == r"a ('x\n\x1b[31m')"
