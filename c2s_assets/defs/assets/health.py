"""How the lake is kept: what is stale, since when, and why."""

from datetime import UTC, datetime

import dagster as dg
import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.runs.health import FRESH, HOURS, STANDING, WHY, everything_is_fresh
from c2s_assets.defs.metadata import file_metadata, rows_as_markdown
from c2s_assets.defs.publishing import Events, lake_asset, publish
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.health import Health
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.parquet import write_table

_N_SHOWN = 50


@lake_asset(group="joins", kinds={"parquet"}, code_version="1")
def health_report(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per dataset: how it stands, since when it is stale and why, its last failure and next try."""
    from c2s_assets.defs.health import look_at_health

    layout = store.layout
    schema = arrow_schema(Health)
    rows = look_at_health(context.instance, layout, now=datetime.now(UTC)).select(schema.names)
    with stage(layout, "health_report") as staged:
        written = staged.path(layout.health_report)
        write_table(written, rows, schema=schema)
        stale = rows.filter(pl.col(STANDING) != FRESH).sort(HOURS, descending=True)
        yield from publish(
            context,
            staged,
            layout.health_report,
            findings=[keeps_schema([rows], Health), everything_is_fresh(rows)],
            metadata=file_metadata(layout.health_report, size=written.stat().st_size)
            | {
                "dagster/row_count": dg.MetadataValue.int(rows.height),
                "stale": rows_as_markdown(stale.select(DATASET_ID, STANDING, HOURS, WHY), n_rows=_N_SHOWN),
            },
        )
