"""What all datasets share: the gene symbols of HGNC."""

from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from c2s_assets.clients.download import download
from c2s_assets.core.hgnc import parse_hgnc
from c2s_assets.defs.checks import check_specs
from c2s_assets.defs.metadata import as_metadata, table_metadata
from c2s_assets.defs.publishing import Events, final_errors, publish
from c2s_assets.defs.resources import Hgnc, Store
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import GeneSymbols
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.parquet import iter_table, read_rows, with_metadata, write_table
from c2s_assets.storage.staging import stage

# 16 MB in 2025; anything far beyond that is something else.
_MAX_BYTES = 200 * 2**20


@dg.asset(
    group_name="sources",
    kinds={"parquet"},
    code_version="1",
    owners=["team:c2s_assets"],
    check_specs=check_specs("gene_symbols", None),
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
)
@final_errors
def gene_symbols(context: dg.AssetExecutionContext, store: Store, hgnc: Hgnc) -> Events:
    """One row per Ensembl id of a human gene: its approved symbol in the complete set of HGNC."""
    target = store.layout.gene_symbols
    with stage(store.layout, "gene_symbols") as staged, TemporaryDirectory() as scratch:
        fetched = download(hgnc.url, Path(scratch) / "hgnc.txt", max_bytes=_MAX_BYTES)
        symbols = parse_hgnc((Path(scratch) / "hgnc.txt").read_bytes())
        schema = with_metadata(arrow_schema(GeneSymbols), {"table": "gene_symbols", "url": fetched.url})
        write_table(staged.path(target), symbols, schema=schema)
        yield from publish(
            context,
            staged,
            target,
            findings=[keeps_schema(iter_table(staged.path(target)), GeneSymbols)],
            metadata=table_metadata(
                target,
                GeneSymbols,
                staged=staged.path(target),
                lineage={},
                preview=read_rows(staged.path(target), 0, 5),
            )
            | as_metadata({"url": fetched.url}),
        )
