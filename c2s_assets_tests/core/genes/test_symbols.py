from pathlib import Path

import polars as pl
import pytest
from anndata.utils import make_index_unique
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import Index

from c2s_assets.core.genes.naming import clean_symbols, reads_as_prose
from c2s_assets.core.genes.symbols import (
    clean_symbol,
    is_ensembl_id,
    is_locus_tag,
    is_retired,
    looks_like_ensembl,
    without_number,
)
from c2s_assets_tests.core.genes.names import IDS, NO_GENES, TRUE_SYMBOLS, numbered_symbols

HGNC = Path(__file__).parents[4] / "shared" / "data" / "hgnc_complete_set.parquet"


def apply(rule, *names):
    return (
        pl.DataFrame({"name": names}, schema={"name": pl.String})
        .select(rule(pl.col("name")))
        .to_series()
        .to_list()
    )


@pytest.mark.parametrize(
    "name", ["ENSG00000141510", "ENSG00000141510.16", "ENSMUSG00000059552", "ENSDARG00000000001"]
)
def test_a_full_stable_id_of_a_gene_is_an_ensembl_id(name):
    assert apply(is_ensembl_id, name) == [True]
    assert apply(clean_symbol, name) == [None]


@pytest.mark.parametrize(
    "name",
    [
        "ENSA",
        "ENSAP1",
        "ENSG0000014151",
        "ENSG000001415100",
        "ENSG00000141510.",
        "xENSG00000141510",
        "ensg00000141510",
        "",
    ],
)
def test_nothing_else_is_an_ensembl_id(name):
    assert apply(is_ensembl_id, name) == [False]


def test_transcripts_and_copies_on_y_look_like_ensembl_but_are_no_gene_ids():
    names = ("ENST00000456328.2", "ENSG00000182378.14_PAR_Y")
    assert apply(is_ensembl_id, *names) == [False, False]
    assert apply(looks_like_ensembl, *names, "ENSA") == [True, True, False]
    assert apply(clean_symbol, *names) == [None, None]


@pytest.mark.parametrize(
    "name",
    [
        "TP53",
        "ENSA",
        "HLA-DRB1",
        "C1orf112",
        "Trp53",
        "HOXA@",
        "GTF2H2C_2",
        "7SK",
        "nan1",
        "l(1)sc",
        "mt:CoI",
        "\N{GREEK SMALL LETTER ALPHA}Est1",
    ],
)
def test_a_symbol_stays_as_it_is(name):
    assert apply(clean_symbol, name) == [name]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("MATR3_ENSG00000280987", "MATR3"),
        ("MATR3_ENSG00000280987.2", "MATR3"),
        ("Ptp4a1_ENSMUSG00000117310", "Ptp4a1"),
        ("GTF2H2C_2_ENSG00000280987", "GTF2H2C_2"),
        (" TP53 ", "TP53"),
        ("A_ENSA", "A_ENSA"),
        ("GRCh38_TP53", "TP53"),
        ("hg19_HLA-A", "HLA-A"),
        ("mm10___Trp53", "Trp53"),
        ("GRCh38-MIR1302-2HG", "MIR1302-2HG"),
        ("GRCh38_ENSG00000141510", None),
    ],
)
def test_the_symbol_is_what_stands_without_the_id_or_genome_that_tells_features_apart(name, symbol):
    assert apply(clean_symbol, name) == [symbol]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "12",
        "1.0",
        "-",
        ".",
        "nan",
        "NaN",
        "NA",
        "None",
        "<NA>",
        "N/A",
        "_ENSG00000280987",
        "ERCC-00002 (spike-in control)",
    ],
    ids=repr,
)
def test_what_is_no_name_of_a_gene_is_no_symbol(name):
    assert apply(clean_symbol, name) == [None]


@pytest.mark.parametrize(
    "character", [" ", "\t", "\n", "\u00a0", "\u2028", "\x00", "\x1c", "\x85", "\u200b"], ids=ascii
)
def test_a_name_that_would_fall_apart_in_a_sentence_is_no_symbol(character):
    """Python splits at more characters than the white space of Unicode, such as \\x1c."""
    assert apply(clean_symbol, f"TP{character}53") == [None]


def test_a_missing_name_stays_missing():
    assert apply(clean_symbol, None) == [None]


@pytest.mark.skipif(not HGNC.exists(), reason="the complete set of HGNC is not here")
def test_every_approved_symbol_is_a_symbol_also_beside_all_the_others():
    symbols = pl.read_parquet(HGNC, columns=["symbol"])["symbol"].drop_nulls()
    found = clean_symbols(symbols)
    assert len(symbols) > 40_000
    assert symbols.filter(symbols.ne_missing(found)).to_list() == []
    assert not reads_as_prose(symbols)


@pytest.mark.parametrize("symbol", TRUE_SYMBOLS)
def test_symbols_of_all_organisms_stay_as_they_are(symbol):
    assert apply(clean_symbol, symbol) == [symbol]
    assert without_number(pl.Series([symbol, "GAPDH", "w"])).to_list() == [symbol, "GAPDH", "w"]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(NO_GENES, min_size=20))
def test_no_name_of_something_else_is_a_symbol(names):
    assert apply(clean_symbol, *names) == [None] * len(names)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(IDS, min_size=20))
def test_no_id_is_a_symbol(names):
    assert apply(clean_symbol, *names) == [None] * len(names)


# --- names made unique


@settings(derandomize=True, max_examples=100, deadline=None)
@given(numbered_symbols())
def test_a_number_that_makes_a_name_unique_is_no_part_of_the_symbol(symbol_and_name):
    symbol, name = symbol_and_name
    assert clean_symbols(pl.Series([symbol, name, "OTHER"])).to_list() == [symbol, symbol, "OTHER"]
    assert clean_symbols(pl.Series([name, "OTHER"])).to_list() == [name, "OTHER"]


def test_names_that_anndata_made_unique_are_those_from_before():
    names = pl.Series(["TBCE", "HLA-A", "NKX2-1", "TBCE", "TBCE", "HLA-A"])
    index = make_index_unique(Index(names.to_list(), dtype=str))
    assert index[3] == "TBCE-1"
    assert clean_symbols(pl.Series(list(index))).to_list() == names.to_list()


def test_a_number_behind_a_number_is_taken_off_as_far_as_the_names_are_there():
    assert without_number(pl.Series(["A-1-1", "A-1", "A"])).to_list() == ["A", "A", "A"]
    assert without_number(pl.Series(["A-1-1", "A-1"])).to_list() == ["A-1", "A-1"]
    assert without_number(pl.Series(["A-01", "A-0", "A", None])).to_list() == ["A-01", "A-0", "A", None]


@pytest.mark.parametrize("name", ["IGHV1-69-2", "Ighv1-62-1", "C4A_2", "C4B-2", "GTF2H2C_2", "SNORD116-1"])
def test_a_gene_that_is_called_like_another_with_a_number_stays(name):
    base = name[:-2]
    assert without_number(pl.Series([base, name])).to_list() == [base, name]


# --- ids


@pytest.mark.parametrize("name", ["YAL001C", "YPR204W-A", "Q0050", "AT1G01010", "At1g01010.1", "ATMG00010"])
def test_a_place_on_a_chromosome_is_told_from_a_symbol(name):
    assert apply(is_locus_tag, name) == [True]


def test_symbols_of_yeast_and_arabidopsis_are_no_places():
    assert not any(apply(is_locus_tag, "TFC3", "YAP1", "YBX1", "ATG1", "ATHB-1", "CYCD3;1", "Q0", "AT1G"))


@pytest.mark.parametrize("name", ["DEPRECATED_ENSG00000000027", "deprecated-TP53", "Obsolete:1", "WITHDRAWN"])
def test_a_gene_that_is_none_any_more_is_told(name):
    assert apply(is_retired, name) == [True]
    assert apply(clean_symbol, name) == [None]
