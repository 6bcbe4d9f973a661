import re

import polars as pl
import pytest

from c2s_assets.core.genes import claims

IN_DATASETS_YAML = "in the dataset's entry of datasets.yaml"


def assert_says(finding, pattern):
    assert re.search(pattern, finding.message), finding.message


def ids(*values, name="cell_id"):
    return pl.Series(name, values, dtype=pl.String)


def features(*symbols):
    rows = [
        (f"id{i}", symbol, symbol is not None and symbols.count(symbol) > 1, "gene", f"name{i}")
        for i, symbol in enumerate(symbols)
    ]
    schema = {
        "feature_id": pl.String,
        "symbol": pl.String,
        "is_duplicated_symbol": pl.Boolean,
        "feature_kind": pl.String,
        "var_name": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_feature_ids_of_the_source_are_unique():
    assert claims.feature_ids_are_unique(ids("a", "b", name="feature_id")).holds
    assert claims.feature_ids_are_unique(ids(name="feature_id")).holds


def test_feature_ids_that_were_made_unique_are_named():
    finding = claims.feature_ids_are_unique(ids("b", "a", "a", "b", "a", name="feature_id"))
    assert (finding.holds, finding.figures) == (False, {"n_made_unique": 3})
    assert_says(
        finding, "^3 of 5 features have the id of another, the first is 'b'; they got -1, .* make the index"
    )
    assert finding.rows is not None
    assert finding.rows.rows() == [("b", 2), ("a", 3)]


@pytest.mark.parametrize(
    ("symbols", "holds"),
    [(("A", None), True), (("A", "A", "B"), True), (("A", None, None), False), ((None,), False)],
    ids=["half", "all", "a third", "none"],
)
def test_at_least_half_of_the_features_have_a_symbol(symbols, holds):
    finding = claims.symbols_are_known(features(*symbols))
    assert finding.holds == holds
    assert ("symbol_column " + IN_DATASETS_YAML in finding.message) != holds


def test_symbols_are_counted_once_each():
    finding = claims.symbols_are_known(features("A", "A", "B", None))
    assert finding.figures == {
        "frac_with_symbol": 0.75,
        "n_symbols": 2,
        "n_features_sharing_a_symbol": 2,
        "n_not_genes": 0,
    }
    assert finding.rows is not None
    assert finding.rows.rows() == [("id3", "name3")]


@pytest.mark.parametrize(("symbols", "holds"), [((None, "A"), True), ((None, None), False)])
def test_one_feature_with_a_symbol_is_enough_for_sentences(symbols, holds):
    finding = claims.features_have_symbols(features(*symbols), listing="index ('a')")
    assert finding.holds == holds
    assert ("symbol_column " + IN_DATASETS_YAML in finding.message) != holds
    assert ("var has: index ('a')." in finding.message) != holds


def test_features_that_are_no_genes_do_not_count_as_genes_without_symbol():
    table = features("A", None, None).with_columns(feature_kind=pl.Series(["gene", "protein", "spike_in"]))
    finding = claims.symbols_are_known(table)
    assert finding.holds
    assert finding.figures["n_not_genes"] == 2
    assert_says(finding, r"1 of 1 genes have a symbol\. Of 3 features these are no genes: 1 \w+, 1 \w+\.")


@pytest.mark.parametrize("n_peaks", [0, 2], ids=["no features", "peaks"])
def test_where_nothing_is_a_gene_no_symbols_are_asked_for(n_peaks):
    table = features(*[None] * n_peaks).with_columns(feature_kind=pl.lit("peak"))
    for finding in (claims.symbols_are_known(table), claims.features_have_symbols(table, listing="")):
        assert not finding.holds
        assert_says(finding, "As none is a gene, there is nothing to make sentences of")
        assert "symbol_column" not in finding.message


def judge(table, *cell_ids, organism=None, hgnc=None, is_named=False):
    cells = pl.DataFrame(
        {"cell_id": cell_ids, "organism": organism}, schema_overrides={"organism": pl.String}
    )
    options = {"listing": "index ('a')", "hgnc": hgnc, "is_named": is_named}
    return claims.words_look_like_genes(table, cells, **options)


CELLS = ("AAACCTGAGATAGGAG-1", "x", "CELL_1")


def test_symbols_of_genes_look_like_genes():
    table = features("TP53", "Actb", "w", "TYROBP", None)
    assert judge(table, *CELLS).holds
    assert judge(features(), *CELLS).holds


def test_words_of_a_language_do_not_look_like_genes():
    table = features("insulin", "albumin", "Glucagon", "keratin-5", "interleukin-2", "CD8")
    finding = judge(table, *CELLS)
    assert not finding.holds
    assert_says(
        finding, r"^Most of 6 symbols are words .* 'insulin', .* var has: index \('a'\)\. Name the var"
    )


@pytest.mark.parametrize(
    "genes",
    [("ACTB", "Gapdh", "CD3X"), ("ENSG00000141510", "ENSMUSG00000059552.2")],
    ids=["symbols", "Ensembl ids"],
)
def test_cells_that_are_called_like_genes_are_features(genes):
    finding = judge(features("A", "B"), *genes)
    assert not finding.holds
    assert_says(
        finding, r"^2 of \d cells are called like genes.* features are called 'name0', 'name1'\. .*adata\.T"
    )


def test_one_cell_may_be_called_like_a_gene():
    assert judge(features("A"), "VIM", "x").holds


def test_pooled_cells_may_be_called_like_the_gene_that_was_perturbed():
    table = features("ACTB", "GAPDH", "X")
    assert judge(table, "ACTB", "GAPDH").holds


HUMAN, MOUSE = "Homo sapiens", "Mus musculus"
# Genes that both have; some of mouse alone; some that are of none.
OF_HUMAN = [f"{family}{number}" for family in ("KRT", "RPL", "COL", "IL", "CCL") for number in range(3, 9)]
OF_MOUSE = [symbol.capitalize() for symbol in OF_HUMAN]
HGNC = pl.DataFrame(
    {"symbol": OF_HUMAN[:20], "previous_symbols": [["OLD1"]] * 20, "alias_symbols": [OF_HUMAN[20:]] * 20},
)


def with_ids(symbols, pattern):
    table = features(*symbols)
    return table.with_columns(feature_id=pl.Series([pattern.format(row) for row in range(table.height)]))


@pytest.mark.parametrize(
    ("table", "organism", "hgnc", "why"),
    [
        (features(*OF_MOUSE), HUMAN, None, "30 of 30 symbols are not called as genes of Homo sapiens are"),
        (features(*OF_HUMAN), MOUSE, None, "30 of 30 symbols are not called as genes of Mus musculus are"),
        (with_ids(OF_HUMAN, "ENSMUSG{:011d}"), HUMAN, None, "30 of 30 symbols are not called"),
        (with_ids(OF_MOUSE, "ENSG{:011d}"), MOUSE, None, "30 of 30 symbols are not called"),
        (
            features(*(f"SAMPLE{n}" for n in range(30)), *OF_HUMAN[:5]),
            HUMAN,
            HGNC,
            "30 of 35 symbols are none",
        ),
    ],
    ids=["mouse as human", "human as mouse", "ids of mouse", "ids of human", "unknown to HGNC"],
)
def test_symbols_of_another_organism_than_the_cells_are_refused(table, organism, hgnc, why):
    finding = judge(table, "c1", "c2", organism=organism, hgnc=hgnc)
    assert not finding.holds
    assert_says(finding, why)
    assert_says(finding, r"var has: index \('a'\)\. Correct the organism .* as symbol_column in the")
    assert judge(table, "c1", organism=organism, hgnc=hgnc, is_named=True).holds, "the owner named them"


@pytest.mark.parametrize(
    ("table", "organism", "hgnc"),
    [
        (features(*OF_HUMAN), HUMAN, HGNC),
        (features(*OF_MOUSE), MOUSE, HGNC),
        (features(*OF_MOUSE, "Gm10188"), MOUSE, None),
        (features(*OF_HUMAN, "1700037F24RIK", "GM10188"), MOUSE, None),
        (features(*OF_HUMAN, *OF_MOUSE), HUMAN, None),
        (features(*OF_HUMAN), "Macaca mulatta", HGNC),
        (with_ids(OF_HUMAN, "ENSG{:011d}"), "Callithrix jacchus", HGNC),
        (with_ids([f"SIM{n}" for n in range(30)], "ENSG{:011d}"), HUMAN, HGNC),
        (features(*(f"AC{n:06d}.1" for n in range(100)), *OF_HUMAN), HUMAN, HGNC),
        (features(*OF_MOUSE[:10]), HUMAN, HGNC),
        (features(*OF_MOUSE), None, HGNC),
    ],
    ids=[
        *("human", "mouse", "mouse with its own", "mouse in capitals", "both in one matrix", "macaque"),
        *("marmoset by ids of human", "known by their ids", "clones", "a handful", "unknown organism"),
    ],
)
def test_symbols_that_may_be_of_the_organism_pass(table, organism, hgnc):
    finding = judge(table, "c1", "c2", organism=organism, hgnc=hgnc)
    assert finding.holds, finding.message


def test_cells_of_two_organisms_may_have_genes_of_either():
    cells = pl.DataFrame({"cell_id": ["a", "b"], "organism": [HUMAN, MOUSE]})
    assert claims.words_look_like_genes(
        features(*OF_MOUSE), cells, listing="", hgnc=HGNC, is_named=False
    ).holds
