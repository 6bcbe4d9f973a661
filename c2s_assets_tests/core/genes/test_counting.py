import polars as pl

from c2s_assets.core.genes.counting import COUNTED, count_genes


def test_genes_are_counted_over_datasets_under_the_symbol_that_most_give_them() -> None:
    features = pl.DataFrame(
        [
            ("E2", "B", "gene", 3),
            ("E1", "OLD", "gene", 5),
            ("E1", "NEW", "gene", 0),
            ("E1", "NEW", "gene", 2),
            ("E2", None, "gene", 1),
            ("E2", None, "gene", 1),
            ("E3", None, "gene", 0),
            ("P1", "CD3", "protein", 9),
        ],
        COUNTED,
        orient="row",
    )
    assert count_genes(features.lazy()).collect().rows() == [
        ("E1", "NEW", 3, 2, 7),
        ("E2", "B", 3, 3, 5),
        ("E3", None, 1, 0, 0),
    ]
