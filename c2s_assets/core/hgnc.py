"""The complete set of HGNC, as it is published, and what we keep of it."""

import io

import polars as pl
from polars.exceptions import PolarsError

from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.errors import SourceError

_NEEDED = {"hgnc_id", "symbol", "status", "ensembl_gene_id"}


def parse_hgnc(text: bytes) -> pl.DataFrame:
    """Read the tab-separated complete set: one row per Ensembl id, with its approved symbol.

    A few Ensembl ids stand under two symbols; the one with the lower HGNC id, which is older, is kept.

    Returns
    -------
    `feature_id`, `symbol`, `hgnc_id`, in order of `feature_id`.

    Raises
    ------
    SourceError
        If it is not the complete set.
    """
    try:
        table = pl.read_csv(io.BytesIO(text), separator="\t", infer_schema=False, quote_char=None)
    except PolarsError as error:
        raise SourceError(
            f"the HGNC complete set is not a tab-separated table: {error}. Check its address."
        ) from error
    missing = sorted(_NEEDED - set(table.columns))
    if missing:
        raise SourceError(
            f"the HGNC complete set has no column {', '.join(missing)}; it has "
            f"{', '.join(table.columns[:8])} ... Check its address."
        )
    number = pl.col("hgnc_id").str.extract(r"(\d+)$").cast(pl.Int64)
    symbols = (
        table.filter(pl.col("status") == "Approved", pl.col("ensembl_gene_id").str.len_chars() > 0)
        .sort("ensembl_gene_id", number)
        .unique("ensembl_gene_id", keep="first", maintain_order=True)
        .select(pl.col("ensembl_gene_id").alias(FEATURE_ID), SYMBOL, "hgnc_id")
    )
    if symbols.is_empty():
        raise SourceError(
            f"the HGNC complete set names no approved symbol with an Ensembl id in {table.height:,} rows. "
            f"Check its address."
        )
    return symbols
