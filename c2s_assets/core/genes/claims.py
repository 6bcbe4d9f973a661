"""Claims about features: their ids and gene symbols."""

import polars as pl

from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes.features import IS_DUPLICATED_SYMBOL, VAR_NAME

_NAME_THE_SYMBOLS = (
    "Name the var column of the symbols as symbol_column in the dataset's entry of datasets.yaml, or build "
    "gene_symbols to look up Ensembl ids."
)


def feature_ids_are_unique(ids: pl.Series) -> Finding:
    """Claim that the source's own ids, before they were made unique, tell features apart."""
    counts = ids.to_frame().group_by(pl.all(), maintain_order=True).agg(pl.len().alias("n_features"))
    repeats = counts.filter(pl.col("n_features") > 1)
    n_made_unique = len(ids) - counts.height
    message = f"All {len(ids):,} feature ids are the source's own."
    if n_made_unique:
        message = (
            f"{n_made_unique:,} of {len(ids):,} features have the id of another, the first is "
            f"{repeats[ids.name][0]!r}; they got -1, -2, ... behind it. To choose other names, make the "
            f"index of var unique and add the file again."
        )
    return Finding(
        "feature_ids_are_unique", n_made_unique == 0, message, {"n_made_unique": n_made_unique}, repeats
    )


def symbols_are_known(features: pl.DataFrame) -> Finding:
    """Claim that at least half of the features have a gene symbol."""
    n_known = features[SYMBOL].count()
    share = n_known / max(features.height, 1)
    message = f"{n_known:,} of {features.height:,} features have a gene symbol."
    if share < 0.5:
        message += f" The others are in no sentence. {_NAME_THE_SYMBOLS}"
    figures = {
        "frac_with_symbol": share,
        "n_symbols": features[SYMBOL].drop_nulls().n_unique(),
        "n_features_sharing_a_symbol": int(features[IS_DUPLICATED_SYMBOL].sum()),
    }
    without = features.filter(pl.col(SYMBOL).is_null()).select(FEATURE_ID, VAR_NAME)
    return Finding("symbols_are_known", share >= 0.5, message, figures, without)


def features_have_symbols(features: pl.DataFrame) -> Finding:
    """Claim that at least one feature has a gene symbol."""
    n_known = features[SYMBOL].count()
    message = f"{n_known:,} features have a gene symbol."
    if n_known == 0:
        message = f"No feature has a gene symbol, so every sentence would be empty. {_NAME_THE_SYMBOLS}"
    return Finding("features_have_symbols", n_known > 0, message)
