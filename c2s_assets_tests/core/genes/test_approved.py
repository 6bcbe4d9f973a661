import polars as pl
import pytest

from c2s_assets.core.genes.approved import approved_symbols, by_ensembl_id

TP53, SEPTIN7, MARCHF1, MTARC1 = (f"ENSG{number:011d}" for number in (141510, 122545, 145416, 186205))
MOUSE, CHICKEN = "ENSMUSG00000059552", "ENSGALG00000000003"

HGNC = pl.DataFrame(
    [
        ("HGNC:1717", "SEPTIN7", SEPTIN7, ["CDC10", "SEPT7"], ["H_RG271G13"]),
        ("HGNC:11998", "TP53", TP53, [], ["p53", "Trp53"]),
        ("HGNC:26077", "MARCHF1", MARCHF1, ["MARCH1"], ["MARCH-I", "CDC10"]),
        ("HGNC:26189", "MTARC1", MTARC1, ["MARC1", "OLD"], ["SHARED"]),
        ("HGNC:31430", "LINC00595", "ENSG00000230417", ["OLD"], ["SHARED", "TP53"]),
        ("HGNC:45111", "LINC00856", "ENSG00000230417", [], ["OLD"]),
        ("HGNC:50000", "NOID", None, ["SEPTIN7"], []),
    ],
    schema={
        "hgnc_id": pl.String,
        "symbol": pl.String,
        "feature_id": pl.String,
        "previous_symbols": pl.List(pl.String),
        "alias_symbols": pl.List(pl.String),
    },
    orient="row",
)


def approved(*features):
    """What HGNC calls features given as (id, symbol)."""
    ids, symbols = zip(*features, strict=True)
    named = approved_symbols(pl.Series(ids, dtype=pl.String), pl.Series(symbols, dtype=pl.String), HGNC)
    assert named.name == "approved_symbol"
    return named.to_list()


def by_symbol(symbol):
    """What HGNC calls a symbol of a file that is surely human."""
    return approved((symbol, symbol), ("TP53", "TP53"), ("NOID", "NOID"), ("MTARC1", "MTARC1"))[0]


def test_an_ensembl_id_says_what_a_gene_is_whatever_the_file_calls_it():
    assert approved((SEPTIN7, "SEPT7"), (TP53, "MARCHF1"), (MARCHF1, None)) == ["SEPTIN7", "TP53", "MARCHF1"]


def test_of_two_genes_of_one_ensembl_id_the_one_numbered_first_is_meant():
    assert approved(("ENSG00000230417", "LINC00856")) == ["LINC00595"]
    assert by_ensembl_id(HGNC)["feature_id"].is_unique().all()


def test_a_human_id_that_hgnc_does_not_know_is_looked_up_by_symbol():
    """Ensembl gives a gene another id now and then; the symbols of other features do not matter to it."""
    retired = "ENSG00000999999"
    assert approved((retired, "SEPT7"), (retired, "AC000123.1"), (retired, None), ("x", "Actb")) == [
        "SEPTIN7",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("TP53", "TP53"),
        ("SEPTIN7", "SEPTIN7"),
        ("NOID", "NOID"),
        ("MARCH1", "MARCHF1"),
        ("MARC1", "MTARC1"),
        ("CDC10", "SEPTIN7"),
        ("p53", "TP53"),
        ("MARCH-I", "MARCHF1"),
        ("OLD", None),
        ("SHARED", None),
        ("P53", None),
        ("AC000123.1", None),
        (None, None),
    ],
    ids=[
        "approved, and an alias of another gene",
        "approved, and another gene had it",
        "approved, without an Ensembl id",
        "previous",
        "previous, of the gene that has it no more",
        "previous, and an alias of another gene",
        "alias",
        "another alias",
        "previous of two genes, and an alias of a third",
        "alias of two genes",
        "another case",
        "unknown",
        "none",
    ],
)
def test_a_symbol_stands_for_the_one_gene_that_has_or_had_it(symbol, expected):
    assert by_symbol(symbol) == expected


@pytest.mark.parametrize("feature_id", [MOUSE, CHICKEN], ids=["mouse", "chicken"])
def test_a_gene_of_another_species_has_no_human_name(feature_id):
    """An id of the chicken begins with ENSG, as a human one does."""
    assert approved((feature_id, "TP53"), (TP53, "TP53")) == [None, "TP53"]


@pytest.mark.parametrize(
    ("others", "expected"),
    [(["TP53"], "SEPTIN7"), (["Actb", "Trp53"], None), (["TP53", "NOID", "x1"], "SEPTIN7")],
    ids=["half are approved", "of the mouse", "half are approved, of four"],
)
def test_symbols_alone_are_looked_up_if_half_of_them_are_approved(others, expected):
    """Symbols of the mouse, such as Trp53, are aliases of human genes now and then."""
    named = approved(("SEPT7", "SEPT7"), *((name, name) for name in others))
    assert named[0] == expected
    assert named[1:] == [name if expected and name in ("TP53", "NOID") else None for name in others]


def test_each_symbol_counts_once_and_those_with_an_ensembl_id_do_not():
    """In a file of introns and exons each gene is there more than once."""
    assert approved(("1", "TP53"), ("2", "SEPT7"), ("3", "SEPT7"), ("4", "SEPT7"))[1] == "SEPTIN7"
    assert approved(("1", "SEPT7"), (TP53, "TP53"), (MARCHF1, "MARCHF1"))[0] is None


def test_without_features_there_are_no_names():
    empty = pl.Series([], dtype=pl.String)
    assert approved_symbols(empty, empty, HGNC).to_list() == []
