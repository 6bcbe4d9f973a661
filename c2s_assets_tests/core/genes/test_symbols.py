from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.genes.symbols import clean_symbol, is_ensembl_id, looks_like_ensembl

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
    ],
)
def test_the_symbol_is_what_stands_before_the_id_that_tells_features_apart(name, symbol):
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
def test_every_approved_symbol_is_a_symbol():
    symbols = pl.read_parquet(HGNC, columns=["symbol"]).drop_nulls()
    lost = symbols.filter(pl.col("symbol").ne_missing(clean_symbol(pl.col("symbol"))))
    assert symbols.height > 40_000
    assert lost["symbol"].to_list() == []
