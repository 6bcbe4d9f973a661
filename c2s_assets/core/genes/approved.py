"""What HGNC calls a human gene today, by its Ensembl id or by a symbol it has or had."""

import polars as pl

from c2s_assets.core.columns import APPROVED_SYMBOL, FEATURE_ID, SYMBOL
from c2s_assets.core.genes.hgnc import ALIAS_SYMBOLS, PREVIOUS_SYMBOLS
from c2s_assets.core.genes.symbols import is_ensembl_id

# ENSGALG00000000003 is a gene of the chicken.
_HUMAN_ID = r"^ENSG\d{11}$"
# Symbols of mouse and rat are written Actb, yet HGNC has aliases such as Fli1 and Car2. Of the distinct
# symbols of real data sets, 698 of 765 (human, named as in 2014), and 12 of 20,983, 2 of 1,999 and 0 of 999
# (mouse), are approved ones of human genes.
_LEAST_APPROVED = 0.5


def approved_symbols(feature_ids: pl.Series, symbols: pl.Series, hgnc: pl.DataFrame) -> pl.Series:
    """Look up the approved symbol of each feature: by its Ensembl id, else by its symbol.

    A symbol stands for the gene that has it, else for the one gene that had it, else for the one gene that
    has it as an alias; never for a gene if there are two. Features with an Ensembl id of another species
    are no human genes. Without any Ensembl id a symbol is looked up only if at least half of the distinct
    symbols of such features are approved ones, letter by letter.

    Parameters
    ----------
    feature_ids
        Ensembl ids without version, or any other names; ``(n_vars,)``, as `symbols`.
    symbols
        Null where there is none.
    hgnc
        `feature_id`, `symbol`, `previous_symbols` and `alias_symbols`, in order of HGNC's number.

    Returns
    -------
    `approved_symbol`, ``(n_vars,)``; null for what is not, or not surely, a gene of HGNC.
    """
    has_id, is_human = is_ensembl_id(pl.col(FEATURE_ID)), pl.col(FEATURE_ID).str.contains(_HUMAN_ID)
    features = pl.DataFrame({FEATURE_ID: feature_ids, SYMBOL: symbols})
    without_id = features.filter(~has_id)[SYMBOL].drop_nulls().unique()
    n_approved = without_id.is_in(hgnc[SYMBOL].implode()).arg_true().len()
    are_human = n_approved >= _LEAST_APPROVED * without_id.len()
    found = features
    for known, name in ((by_ensembl_id(hgnc), FEATURE_ID), (_by_symbol(hgnc), SYMBOL)):
        renamed = known.rename({APPROVED_SYMBOL: f"by_{name}"})
        found = found.join(renamed, on=name, how="left", maintain_order="left", validate="m:1")
    may_be_named = is_human | (~has_id & pl.lit(are_human))
    named = pl.when(may_be_named).then(pl.coalesce(f"by_{FEATURE_ID}", f"by_{SYMBOL}"))
    return found.select(named.alias(APPROVED_SYMBOL)).to_series()


def by_ensembl_id(hgnc: pl.DataFrame) -> pl.DataFrame:
    """Tabulate `approved_symbol` by `feature_id`; of two genes of one id the one that HGNC numbered first."""
    return (
        hgnc.drop_nulls(FEATURE_ID)
        .unique(FEATURE_ID, keep="first", maintain_order=True)
        .select(FEATURE_ID, pl.col(SYMBOL).alias(APPROVED_SYMBOL))
    )


def _by_symbol(hgnc: pl.DataFrame) -> pl.DataFrame:
    """Tabulate `approved_symbol` by any `symbol` that stands for one gene, or for two: then it is null."""
    names = (pl.concat_list(SYMBOL), pl.col(PREVIOUS_SYMBOLS), pl.col(ALIAS_SYMBOLS))
    ranked = [
        hgnc.select(name.alias(SYMBOL), pl.col(SYMBOL).alias(APPROVED_SYMBOL), rank=pl.lit(rank, pl.Int32))
        for rank, name in enumerate(names)
    ]
    named = pl.concat(ranked).explode(SYMBOL).drop_nulls(SYMBOL)
    best = named.filter(pl.col("rank") == pl.col("rank").min().over(SYMBOL))
    only = pl.when(pl.col(APPROVED_SYMBOL).n_unique() == 1).then(pl.col(APPROVED_SYMBOL).first())
    return best.group_by(SYMBOL).agg(only)
