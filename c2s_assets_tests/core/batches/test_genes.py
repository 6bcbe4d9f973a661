"""Genes of several datasets as one row of columns."""

import polars as pl
import pytest

from c2s_assets.core.batches.genes import align_genes
from c2s_assets.core.errors import UnknownNameError

FEATURES = {
    "blood": pl.DataFrame({"feature_id": ["E1", "E2", "E3"], "symbol": ["CD4", None, "DUP"]}),
    "lung": pl.DataFrame({"feature_id": ["E4", "E3", "E1"], "symbol": ["DUP", "OTHER", "CD4"]}),
}


def test_without_a_list_all_features_are_columns_those_of_the_first_dataset_first() -> None:
    aligned = align_genes(FEATURES, None)
    assert aligned.genes == ("E1", "E2", "E3", "E4")
    assert {name: columns.tolist() for name, columns in aligned.columns.items()} == {
        "blood": [0, 1, 2],
        "lung": [3, 2, 0],
    }
    assert aligned.measured["lung"].tolist() == [True, False, True, True]


def test_genes_come_in_the_order_they_are_asked_for_by_symbol_or_id() -> None:
    aligned = align_genes(FEATURES, ["E2", "CD4", "E1"])
    assert aligned.genes == ("E2", "E1")
    assert aligned.columns["blood"].tolist() == [1, 0, -1]
    assert aligned.measured["lung"].tolist() == [False, True]


def test_a_symbol_stands_for_every_feature_that_any_dataset_calls_so() -> None:
    assert align_genes(FEATURES, ["DUP"]).genes == ("E3", "E4")


@pytest.mark.parametrize(
    ("genes", "message"),
    [
        ([], "genes is an empty list"),
        ("CD4", r"the one text 'CD4'. Give a list: genes=\['CD4'\]"),
        (
            ["NOPE", "CD4", "E9"],
            "2 of 3 genes are a feature_id or a symbol of none of blood, lung: 'NOPE', 'E9'",
        ),
    ],
    ids=["none", "a text", "unknown"],
)
def test_what_is_no_gene_is_refused(genes: list[str], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        align_genes(FEATURES, genes)
