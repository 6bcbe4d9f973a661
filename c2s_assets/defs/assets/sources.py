"""What all datasets share: the gene symbols of HGNC."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import polars as pl
from pydantic import Field

from c2s_assets.clients.download import download
from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.errors import SourceError
from c2s_assets.core.genes.hgnc import (
    ALIAS_SYMBOLS,
    HGNC_ID,
    PREVIOUS_SYMBOLS,
    compare_symbols,
    gene_symbols_did_not_shrink,
    hgnc_version,
    parse_hgnc,
)
from c2s_assets.defs.alongside import is_alongside, keep
from c2s_assets.defs.metadata import Metadata, as_metadata, rows_as_markdown, table_metadata
from c2s_assets.defs.publishing import Events, lake_asset, publish
from c2s_assets.defs.resources import Hgnc, Store
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import GeneSymbols
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.inputs import GENE_SYMBOLS_VERSION, held_gene_symbols
from c2s_assets.storage.tables.parquet import read_table, with_metadata, write_table

# 16 MB in 2025; anything far beyond that is something else.
_MAX_BYTES = 200 * 2**20
_PREVIEW = [
    HGNC_ID,
    SYMBOL,
    FEATURE_ID,
    *(pl.col(name).list.join(", ") for name in (PREVIOUS_SYMBOLS, ALIAS_SYMBOLS)),
]


class GeneSymbolsConfig(dg.Config):
    """Where a set is taken from, and when it is refused."""

    largest_loss: float = Field(
        default=0.1, ge=0, le=1, description="Share of the last set's genes that this one may lack."
    )
    file: str | None = Field(
        default=None, description="Path of a copy of the complete set, which is read in place of its address."
    )


@lake_asset(
    group="sources",
    kinds={"parquet"},
    code_version="3",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
)
def gene_symbols(
    context: dg.AssetExecutionContext, config: GeneSymbolsConfig, store: Store, hgnc: Hgnc
) -> Events:
    """One row per approved human gene of HGNC: its symbol, its Ensembl id, its previous and alias symbols."""
    target = store.layout.gene_symbols
    if is_alongside(context):
        yield from keep(context, target)
        return
    last, last_says = held_gene_symbols(store.layout)
    with stage(store.layout, "gene_symbols") as staged:
        genes, origin = _fetch(hgnc.url) if config.file is None else _read(Path(config.file))
        version = hgnc_version(genes)
        says = _footer(version, origin, last_says=last_says)
        write_table(staged.path(target), genes, schema=with_metadata(arrow_schema(GeneSymbols), says))
        yield from publish(
            context,
            staged,
            target,
            findings=[
                keeps_schema([read_table(staged.path(target))], GeneSymbols),
                gene_symbols_did_not_shrink(last, genes, largest_loss=config.largest_loss),
            ],
            metadata=_metadata(staged.path(target), target, genes)
            | as_metadata({"version": version, **origin})
            | ({} if last is None else _changes(last, genes)),
        )


def _metadata(written: Path, target: Path, genes: pl.DataFrame) -> Metadata:
    preview = genes.select(_PREVIEW)
    n_previous, n_alias = (int(genes[name].list.len().sum()) for name in (PREVIOUS_SYMBOLS, ALIAS_SYMBOLS))
    return table_metadata(target, GeneSymbols, staged=written, lineage={}, preview=preview) | as_metadata(
        {"n_genes": genes.height, "n_previous": n_previous, "n_alias": n_alias}
    )


def _fetch(url: str) -> tuple[pl.DataFrame, dict[str, str | None]]:
    """Fetch the complete set, and say where and of which day it is."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "hgnc.txt"
        fetched = download(url, path, max_bytes=_MAX_BYTES)
        day = None if fetched.last_modified is None else fetched.last_modified.isoformat()
        return parse_hgnc(path.read_bytes()), {"url": fetched.url, "last_modified": day}


def _read(path: Path) -> tuple[pl.DataFrame, dict[str, str | None]]:
    """Read a copy of the complete set, of which no day is known."""
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise SourceError(
            f"{path} has {size:,} bytes, far more than the complete set of HGNC. Give another file."
        )
    return parse_hgnc(path.read_bytes()), {"url": path.name, "last_modified": None}


def _footer(
    version: str, origin: Mapping[str, str | None], *, last_says: Mapping[str, object]
) -> dict[str, object]:
    """Say what the table is, and where and when its version was first met.

    The server dates a file anew that says the same: the table then has to keep its bytes, or everything
    made of it would be shown as out of date.
    """
    known = last_says if last_says.get(GENE_SYMBOLS_VERSION) == version else origin
    from_where = {name: known[name] for name in origin if known.get(name) is not None}
    return {"table": "gene_symbols", GENE_SYMBOLS_VERSION: version, **from_where}


def _changes(last: pl.DataFrame, genes: pl.DataFrame) -> Metadata:
    """Count what is different from the last set, and show the first genes with another symbol."""
    changes = compare_symbols(last, genes)
    shown = as_metadata(
        {"n_added": changes.n_added, "n_removed": changes.n_removed, "n_renamed": changes.renamed.height}
    )
    if changes.renamed.height:
        shown["renamed"] = rows_as_markdown(changes.renamed, n_rows=20)
    return shown
