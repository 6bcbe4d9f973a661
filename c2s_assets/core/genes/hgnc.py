"""The complete set of HGNC: what we keep of it, its version, and what changed since the last one."""

import io
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.errors import SourceError
from c2s_assets.core.findings import Finding
from c2s_assets.core.hashes import short_id

HGNC_ID = "hgnc_id"
PREVIOUS_SYMBOLS = "previous_symbols"
ALIAS_SYMBOLS = "alias_symbols"

_LISTS = {PREVIOUS_SYMBOLS: "prev_symbol", ALIAS_SYMBOLS: "alias_symbol"}
_NEEDED = {HGNC_ID, SYMBOL, "status", "ensembl_gene_id", *_LISTS.values()}


@dataclass(frozen=True)
class Changes:
    """What became of the genes of one set in the next.

    Attributes
    ----------
    n_added, n_removed
        Genes, by HGNC id.
    renamed
        `hgnc_id`, `before` and `now` of the genes with another symbol, in the order of the next set.
    """

    n_added: int
    n_removed: int
    renamed: pl.DataFrame


def parse_hgnc(text: bytes) -> pl.DataFrame:
    """Read the tab-separated complete set: one row per approved gene, with all symbols it has or had.

    Returns
    -------
    `hgnc_id`, `symbol`, `feature_id` (Ensembl id; null where HGNC knows none, and in rare cases that of
    another gene too), `previous_symbols` and `alias_symbols` (as HGNC lists them, each once; empty where
    there are none), in order of HGNC's number.

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
    number = pl.col(HGNC_ID).str.extract(r"(\d+)$").cast(pl.Int64, strict=False)
    has_id = pl.col("ensembl_gene_id").str.len_chars() > 0
    genes = (
        table.filter(pl.col("status") == "Approved")
        .sort(number, maintain_order=True)
        .select(
            HGNC_ID,
            SYMBOL,
            pl.when(has_id).then("ensembl_gene_id").alias(FEATURE_ID),
            *(_split(source).alias(name) for name, source in _LISTS.items()),
        )
    )
    if genes[FEATURE_ID].null_count() == genes.height:
        raise SourceError(
            f"the HGNC complete set names no approved symbol with an Ensembl id in {table.height:,} rows. "
            f"Check its address."
        )
    return genes


def hgnc_version(genes: pl.DataFrame) -> str:
    """Name the content of a set, as HGNC's file states no version.

    Returns
    -------
    The `short_id` of columns and rows, in their order. The same symbols have the same version, whenever they
    were fetched.
    """
    return short_id([genes.columns, genes.rows()])


def compare_symbols(last: pl.DataFrame, genes: pl.DataFrame) -> Changes:
    """Compare two sets by HGNC id; of the last one `hgnc_id` and `symbol` are enough."""
    before = last.select(HGNC_ID, pl.col(SYMBOL).alias("before"))
    both = genes.select(HGNC_ID, pl.col(SYMBOL).alias("now")).join(before, on=HGNC_ID, maintain_order="left")
    return Changes(
        n_added=genes.height - both.height,
        n_removed=last.height - both.height,
        renamed=both.filter(pl.col("now") != pl.col("before")).select(HGNC_ID, "before", "now"),
    )


def gene_symbols_did_not_shrink(
    last: pl.DataFrame | None, genes: pl.DataFrame, *, largest_loss: float
) -> Finding:
    """Claim that a set holds most of the genes of the last one.

    Parameters
    ----------
    last
        `hgnc_id` and `symbol` of the last set, or None if this is the first.
    largest_loss
        Share of the last set's genes that may be missing.
    """
    lost = genes.clear() if last is None else last.join(genes, on=HGNC_ID, how="anti", maintain_order="left")
    n_last = 0 if last is None else last.height
    frac_lost = lost.height / n_last if n_last else 0.0
    message = f"{genes.height:,} genes are listed; {n_last:,} were last time, {lost.height:,} are gone."
    holds = frac_lost <= largest_loss
    if not holds:
        message = (
            f"HGNC lists {genes.height:,} genes and lacks {lost.height:,} of the {n_last:,} of last time. "
            f"This set is not taken, the last one stays. Try again later; if so many are really gone, "
            f"materialize gene_symbols with a larger largest_loss (it is {largest_loss:g})."
        )
    figures = {"n_genes": genes.height, "n_genes_last": n_last, "frac_genes_lost": frac_lost}
    rows = None if holds else lost.select(HGNC_ID, SYMBOL)
    return Finding("gene_symbols_did_not_shrink", holds, message, figures, rows)


def _split(column: str) -> pl.Expr:
    """Split ``a|b``; HGNC has written lists in quotes, ``"a|b"``, for the sake of spreadsheets."""
    symbols = pl.col(column).fill_null("").str.strip_chars('" ').str.split("|")
    named = pl.element().str.strip_chars()
    return symbols.list.eval(named.filter(named != "")).list.unique(maintain_order=True)
