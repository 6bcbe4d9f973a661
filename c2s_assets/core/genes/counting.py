"""Genes of several datasets: in how many of them, and in how many cells, each is expressed."""

import polars as pl

from c2s_assets.core.columns import FEATURE_ID, FEATURE_KIND, SYMBOL

COUNTED = (FEATURE_ID, SYMBOL, FEATURE_KIND, "n_cells")


def count_genes(features: pl.LazyFrame) -> pl.LazyFrame:
    """Sum up the rows of `feature_metadata` of several datasets, as the catalogue does in its table `genes`.

    Parameters
    ----------
    features
        The columns `COUNTED`.

    Returns
    -------
    One row per feature id of a gene, in order: `feature_id`, the `symbol` that most datasets give it, of
    several the last in the alphabet, `n_datasets`, `n_datasets_expressed`, `n_cells`.
    """
    by_symbol = (
        features.filter(pl.col(FEATURE_KIND) == "gene")
        .group_by(FEATURE_ID, SYMBOL)
        .agg(
            n_same=pl.len().cast(pl.Int64),
            n_expressed=(pl.col("n_cells") > 0).sum().cast(pl.Int64),
            n_cells=pl.col("n_cells").sum(),
        )
    )
    return (
        by_symbol.group_by(FEATURE_ID)
        .agg(
            pl.col(SYMBOL).sort_by("n_same", SYMBOL).drop_nulls().last(),
            n_datasets=pl.col("n_same").sum(),
            n_datasets_expressed=pl.col("n_expressed").sum(),
            n_cells=pl.col("n_cells").sum(),
        )
        .sort(FEATURE_ID)
    )
