import re

import polars as pl
import pytest

from c2s_assets.core.sentences import claims


def assert_says(finding, pattern):
    assert re.search(pattern, finding.message), finding.message


def test_ensembl_ids_in_sentences_are_named():
    none = pl.DataFrame(schema={"cell_id": pl.String, "found": pl.String})
    assert claims.names_no_ensembl_id(none, n_cells=5).holds
    found = pl.DataFrame({"cell_id": ["c7"], "found": ["ENSG00000141510"]})
    finding = claims.names_no_ensembl_id(found, n_cells=5)
    assert not finding.holds
    assert "the first is 'ENSG00000141510' of cell 'c7'" in finding.message
    assert "please report it" in finding.message


def test_broken_rules_of_sentences_are_named():
    none = pl.DataFrame(schema=dict.fromkeys(("cell_id", "rule", "found"), pl.String))
    assert claims.sentences_match_source(none, n_cells=5).holds
    broken = pl.DataFrame({"cell_id": ["c7"], "rule": ["names a symbol once"], "found": ["'A' is repeated"]})
    finding = claims.sentences_match_source(broken, n_cells=5)
    assert not finding.holds
    assert_says(finding, "the first is 'names a symbol once' of cell 'c7': 'A' is repeated. .* Build again.")


@pytest.mark.parametrize(
    ("n_expressed", "holds", "figures"),
    [
        ([3, 1, 8], True, {"n_empty": 0, "median_n_expressed": 3.0}),
        ([0, 1, 0, 8], False, {"n_empty": 2, "median_n_expressed": 0.5}),
        ([], True, {"n_empty": 0, "median_n_expressed": 0.0}),
    ],
    ids=["all", "two empty", "no cells"],
)
def test_cells_express_genes(n_expressed, holds, figures):
    finding = claims.cells_express_genes(pl.Series(n_expressed, dtype=pl.Int32))
    assert (finding.holds, finding.figures) == (holds, figures)
    assert ("n_expressed is 0" in finding.message) != holds


@pytest.mark.parametrize(
    ("n_expressed", "n_silent", "holds"),
    [([3, 2], 0, True), ([3, 0], 1, True), ([3, 0, 0], 2, False), ([0, 0], 2, False), ([0], 0, False)],
    ids=["all", "half", "a third", "none", "no cell expresses a gene"],
)
def test_half_of_the_cells_that_express_genes_must_have_words(n_expressed, n_silent, holds):
    finding = claims.sentences_have_words(pl.Series(n_expressed), n_silent=n_silent, listing="index ('a')")
    assert finding.holds == holds
    assert ("var has: index ('a'). Name the var column" in finding.message) != holds


def test_cells_that_express_no_gene_at_all_need_no_words():
    """Of the droplets of an unfiltered file most are empty."""
    finding = claims.sentences_have_words(pl.Series([4, 0, 0, 0, 0]), n_silent=0, listing="")
    assert finding.holds
    assert finding.figures == {"n_silent": 0, "frac_with_words": 1.0}


@pytest.mark.parametrize(
    ("gene_lists", "said"),
    [
        ({}, None),
        ({"first": ["Actb", "NONE"]}, None),
        (
            {"first": ["Actb"], "second": ["ACTB", "X"]},
            "the list second .* names ACTB, X, and .* Is 'Actb' meant",
        ),
        ({"third": []}, "the list third .* it names none, and the dataset has Actb, Cd4. Write its genes"),
    ],
    ids=["no list", "one gene is enough", "other letters", "empty"],
)
def test_a_gene_list_without_a_gene_of_the_dataset_is_told(gene_lists, said):
    finding = claims.gene_lists_name_genes(gene_lists, pl.Series(["Cd4", "Actb"]))
    assert finding.holds is (said is None)
    assert said is None or re.search(said, finding.message)
