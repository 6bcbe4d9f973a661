import numpy as np
import polars as pl
import pytest
from anndata.utils import make_index_unique
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import Index

from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.genes.features import (
    ADDED_COLUMNS,
    add_figures,
    describe_features,
    feature_ids,
    make_unique,
    own_names,
    source_columns,
)

TP53, MYC, ENSA = "ENSG00000141510", "ENSG00000136997", "ENSG00000143420"
HGNC = pl.DataFrame(
    {
        "feature_id": [ENSA, TP53],
        "symbol": ["ENSA", "TP53"],
        "previous_symbols": [["ARPP19E"], []],
        "alias_symbols": [[], ["P53", "LFS1"]],
    },
    schema_overrides=dict.fromkeys(("previous_symbols", "alias_symbols"), pl.List(pl.String)),
)


def names(*values):
    return pl.Series("_index", values, dtype=pl.String)


def symbols(var_names, **columns):
    """Symbol and where it was found, of each feature."""
    options = {key: columns.pop(key) for key in ("hgnc", "symbol_column") if key in columns}
    described = describe_features(names(*var_names), pl.DataFrame(columns), **options)
    return described.select("symbol", "symbol_source").rows()


# --- symbols


def test_the_symbol_is_the_feature_name_else_the_index_else_that_of_hgnc():
    found = symbols([TP53, "MYC", ENSA, MYC], feature_name=["P53", None, "ENSG00000143420", None], hgnc=HGNC)
    assert found == [("P53", "feature_name"), ("MYC", "var_name"), ("ENSA", "hgnc"), (None, None)]


def test_hgnc_is_asked_by_the_id_without_version():
    assert symbols([f"{TP53}.16"], hgnc=HGNC) == [("TP53", "hgnc")]


def test_hgnc_is_asked_by_an_id_that_stands_in_a_column():
    assert symbols(["7"], gene_ids=[TP53], hgnc=HGNC) == [("TP53", "hgnc")]


def test_without_hgnc_an_id_has_no_symbol():
    assert symbols([TP53]) == [(None, None)]


def test_a_symbol_that_is_known_is_not_replaced_by_that_of_hgnc():
    assert symbols([TP53], feature_name=["p53"], hgnc=HGNC) == [("p53", "feature_name")]


def test_what_hgnc_calls_a_gene_stands_beside_the_symbol_of_the_file():
    var_names = names(TP53, f"{TP53}.2", ENSA, MYC, "x")
    var = pl.DataFrame({"feature_name": ["P53", *"abcd"]})
    described = describe_features(var_names, var, hgnc=HGNC)
    assert described.columns[:4] == ["feature_id", "symbol", "approved_symbol", "symbol_source"]
    assert described["symbol"].to_list() == ["P53", *"abcd"]
    assert described["approved_symbol"].to_list() == ["TP53", "TP53", "ENSA", None, None]
    without = describe_features(var_names, var)
    assert without.schema == described.schema
    assert without["approved_symbol"].null_count() == 5
    assert without.drop("approved_symbol").equals(described.drop("approved_symbol"))


def test_a_symbol_that_the_index_gives_is_looked_up_without_any_id():
    described = describe_features(names("LFS1", "ENSA"), pl.DataFrame(), hgnc=HGNC)
    assert described["approved_symbol"].to_list() == ["TP53", "ENSA"]


def test_an_own_column_called_approved_symbol_is_kept_under_another_name():
    described = describe_features(names(TP53), pl.DataFrame({"approved_symbol": ["mine"]}), hgnc=HGNC)
    assert described.select("approved_symbol", "approved_symbol_in_source").row(0) == ("TP53", "mine")


def test_features_of_one_symbol_that_cellxgene_tells_apart_share_it():
    described = describe_features(
        names(ENSA, MYC, TP53), pl.DataFrame({"feature_name": ["MATR3", "MATR3_ENSG00000280987", "TP53"]})
    )
    assert described["symbol"].to_list() == ["MATR3", "MATR3", "TP53"]
    assert described["is_duplicated_symbol"].to_list() == [True, True, False]


def test_features_without_symbol_do_not_share_one():
    assert (
        describe_features(names(TP53, MYC), pl.DataFrame())["is_duplicated_symbol"].to_list() == [False] * 2
    )


@pytest.mark.parametrize(
    "column", ["gene_symbol", "gene_symbols", "gene_name", "gene_names", "symbol", "SYMBOL", "Gene_Name"]
)
def test_symbols_are_found_where_other_files_keep_them(column):
    assert symbols([TP53], **{column: ["P53"]}) == [("P53", column)]


def test_feature_name_comes_before_other_columns():
    assert symbols([TP53], gene_name=["wrong"], feature_name=["right"]) == [("right", "feature_name")]


def test_a_column_of_numbers_is_not_one_of_symbols():
    assert symbols(["MYC"], feature_name=[7]) == [("MYC", "var_name")]


def test_the_column_that_the_owner_names_comes_first():
    found = symbols([TP53, MYC], feature_name=["wrong", "wrong"], mine=["right", None], symbol_column="mine")
    assert found == [("right", "mine"), (None, None)]


def test_an_own_column_called_var_name_does_not_hide_the_index():
    var = pl.DataFrame({"var_name": ["wrong"]})
    described = describe_features(names("MYC"), var)
    assert described.select("symbol", "var_name", "var_name_in_source").row(0) == ("MYC", "MYC", "wrong")
    assert describe_features(names("MYC"), var, symbol_column="var_name")["symbol"].to_list() == ["wrong"]


def test_a_symbol_column_that_is_not_there_is_refused_with_those_there_are():
    with pytest.raises(
        MissingColumnError, match=r"'symbl', .* It has: gene \('x'\), biotype \('y'\)\. Correct"
    ):
        symbols(["a"], gene=["x"], biotype=["y"], symbol_column="symbl")
    with pytest.raises(MissingColumnError, match="It has: none"):
        symbols(["a"], symbol_column="symbl")


@pytest.mark.parametrize(
    "column",
    [
        "gene",
        "features",
        "real_gene_name",
        "gene_short_name",
        "GeneSymbol",
        "Gene.Symbol",
        "external_gene_name",
    ],
)
def test_columns_that_other_tools_write_are_known(column):
    assert symbols([TP53], **{column: ["P53"]}) == [("P53", column)]


def test_a_symbol_is_taken_from_the_best_column_that_has_one():
    found = symbols(
        [TP53, MYC, "ENSA", "x|1"], gene_name=["P53", "", None, None], gene_symbols=[None, "c-Myc", "NA", ""]
    )
    assert found == [("P53", "gene_name"), ("c-Myc", "gene_symbols"), ("ENSA", "var_name"), (None, None)]


DESCRIPTIONS = ["insulin", "albumin", "glucagon", "keratin-5", "interleukin-2", "actin"]
REAL = ["INS", "ALB", "GCG", "KRT5", "IL2", "ACTB"]


@pytest.mark.parametrize(
    "column",
    [DESCRIPTIONS, ["insulin", "albumin", "tumor protein p53", "keratin 5", "CD8a molecule", "actin beta"]],
    ids=["of one word", "of several words"],
)
def test_a_column_of_descriptions_is_none_of_symbols(column):
    assert symbols(REAL, gene_name=column) == [(name, "var_name") for name in REAL]
    assert symbols(REAL, gene_name=column, gene=REAL) == [(name, "gene") for name in REAL]


def test_descriptions_that_the_owner_names_as_symbols_are_taken():
    """The claim `words_look_like_genes` keeps them out of sentences."""
    found = symbols(REAL, mine=DESCRIPTIONS, symbol_column="mine")
    assert found[0] == ("insulin", "mine")


def test_a_column_that_sorts_features_is_none_of_symbols():
    assert symbols([*REAL, *REAL], gene=["nuclear"] * 11 + ["mito"])[0] == ("INS", "var_name")


def test_names_made_unique_share_a_symbol():
    described = describe_features(names("TBCE", "TBCE-1", "NKX2-1"), pl.DataFrame())
    assert described["symbol"].to_list() == ["TBCE", "TBCE", "NKX2-1"]
    assert described["is_duplicated_symbol"].to_list() == [True, True, False]
    assert described["var_name"].to_list() == ["TBCE", "TBCE-1", "NKX2-1"]


def test_a_gene_that_is_none_any_more_has_no_symbol_whatever_else_it_is_called():
    assert symbols(["PRF1", "MYC"], gene_name=[f"DEPRECATED_{TP53}", "MYC"]) == [
        (None, None),
        ("MYC", "gene_name"),
    ]


def test_features_that_are_no_genes_have_a_kind_and_no_symbol():
    var = pl.DataFrame({"feature_types": ["Gene Expression", "Antibody Capture", "Peaks", None]})
    described = describe_features(names("CD19-1", "CD19", "chr1:1-2", "ERCC-00002"), var)
    assert described["feature_kind"].to_list() == ["gene", "protein", "peak", "spike_in"]
    assert described["symbol"].to_list() == ["CD19", None, None, None]


def test_what_is_no_gene_has_no_name_of_hgnc():
    var = pl.DataFrame({"feature_types": ["Antibody Capture", None], "gene_ids": [TP53, TP53]})
    described = describe_features(names("p53", "x|1"), var, hgnc=HGNC)
    assert described.select("symbol", "approved_symbol").rows() == [(None, None), ("TP53", "TP53")]


def test_an_own_column_called_feature_kind_is_kept_under_another_name():
    described = describe_features(names("A"), pl.DataFrame({"feature_kind": ["mine"]}))
    assert described.select("feature_kind", "feature_kind_in_source").row(0) == ("gene", "mine")


def test_places_on_chromosomes_are_symbols_only_where_there_are_no_others():
    tags = [f"YAL{number:03d}C" for number in range(1, 31)]
    assert symbols(tags) == [(tag, "var_name") for tag in tags]
    named = symbols(tags, gene_name=["TFC3", "VPS8", *tags[2:]])
    assert named[:3] == [("TFC3", "gene_name"), ("VPS8", "gene_name"), (None, None)]


# --- ids


def test_the_id_is_the_ensembl_id_without_version_else_the_index():
    var = pl.DataFrame({"gene_ids": ["ENSG00000000001.2", MYC, "n/a", None]})
    assert feature_ids(names(f"{TP53}.16", "MYC", "ENSA", "x"), var).to_list() == [TP53, MYC, "ENSA", "x"]


def test_a_column_of_ids_is_found_in_whatever_case_it_is_written():
    """The human muscle ageing atlas keeps them in ENSEMBL."""
    assert feature_ids(names("MYC"), pl.DataFrame({"ENSEMBL": [MYC]})).to_list() == [MYC]
    assert feature_ids(names(f"GRCh38_{TP53}.16", "mm10___x"), pl.DataFrame()).to_list() == [TP53, "mm10___x"]


def test_an_index_that_counts_rows_is_no_id_where_features_have_names():
    var = pl.DataFrame({"features": ["A", "B", None]})
    assert feature_ids(names("0", "1", "2"), var).to_list() == ["A", "B", "2"]
    assert feature_ids(names("7157", "4609", "2"), var).to_list() == ["7157", "4609", "2"]
    assert feature_ids(names("1", "2"), pl.DataFrame()).to_list() == ["1", "2"]


def test_ids_that_repeat_are_made_unique():
    described = describe_features(names(f"{TP53}.1", f"{TP53}.2", "A"), pl.DataFrame(), hgnc=HGNC)
    assert described["feature_id"].to_list() == [TP53, f"{TP53}-1", "A"]
    assert described["symbol"].to_list() == ["TP53", "TP53", "A"]


@settings(derandomize=True, max_examples=200)
@given(st.lists(st.sampled_from(["a", "a-1", "a-2", "a-1-1", "b", ""]), max_size=8))
@pytest.mark.filterwarnings("ignore:Suffix used")
def test_names_are_made_unique_as_anndata_does(values):
    unique = make_unique(names(*values))
    assert unique.to_list() == list(make_index_unique(Index(values, dtype=str)))
    assert unique.n_unique() == len(values)


# --- own columns


def test_own_columns_stand_behind_ours_and_are_kept():
    var = pl.DataFrame({"biotype": ["lncRNA"], "n_cells": [3], "highly_variable": [True]})
    described = add_figures(
        describe_features(names("A"), var),
        n_cells=np.array([7]),
        mean=np.array([0.5], np.float32),
        is_highly_variable=None,
    )
    assert described.columns == [*ADDED_COLUMNS, "biotype", "n_cells_in_source", "highly_variable"]
    assert described.select("n_cells", "mean", "is_highly_variable").row(0) == (7, 0.5, None)
    assert described.row(0)[len(ADDED_COLUMNS) :] == ("lncRNA", 3, True)


def test_own_columns_called_like_ours_are_kept_under_another_name():
    """Of `symbol` and `symbol_in_source` both are there in files that went through us once."""
    var = pl.DataFrame({"symbol": ["old"], "symbol_in_source": ["older"], "feature_id": [TP53]})
    described = describe_features(names("A"), var)
    assert described["feature_id"].to_list() == [TP53]
    kept = described.select("symbol_in_source", "symbol_in_source_in_source", "feature_id_in_source")
    assert kept.row(0) == ("old", "older", TP53)


def test_no_column_is_taken_for_an_index_by_pandas():
    assert own_names(["__index_level_0__"]) == {"__index_level_0__": "__index_level_0___in_source"}


@pytest.mark.parametrize("var_names", [[], ["A"]], ids=["no features", "one feature"])
def test_few_features_are_described_alike(var_names):
    described = describe_features(names(*var_names), pl.DataFrame(), hgnc=HGNC)
    assert described.height == len(var_names)
    assert list(described.schema.values()) == [*[pl.String] * 4, pl.Boolean, *[pl.String] * 2]


def test_the_columns_of_the_source_are_found_again_under_their_own_names():
    var = pl.DataFrame({"symbol": ["x"], "symbol_in_source": ["y"], "n_in_source": [1], "gene_ids": [TP53]})
    described = add_figures(
        describe_features(names("A"), var),
        n_cells=np.array([7]),
        mean=np.array([0.5], np.float32),
        is_highly_variable=None,
    )
    found = source_columns(described)
    assert [column.name for column in found] == ["index", *var.columns]
    assert [column.item() for column in found] == ["A", *var.row(0)]
