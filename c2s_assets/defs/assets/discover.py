"""What CELLxGENE Discover offers: `cellxgene_listing`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl
from pydantic import Field

from c2s_assets.clients.cellxgene import Discover, Records
from c2s_assets.clients.http import shown
from c2s_assets.core.columns import DATASET_ID, ORGANISM
from c2s_assets.core.discover.listing import (
    ADDED,
    EVENT,
    REVISED,
    WITHDRAWN,
    Refreshed,
    add_events,
    listing_did_not_shrink,
    missing_datasets,
    records_are_well_formed,
    refresh_collections,
    refresh_listing,
    still_listed,
)
from c2s_assets.core.discover.records import CELL_COUNT, Listed, tabulate_collections, tabulate_datasets
from c2s_assets.core.findings import Finding
from c2s_assets.defs.alongside import is_alongside, keep
from c2s_assets.defs.metadata import Metadata, as_metadata, rows_as_markdown, table_metadata
from c2s_assets.defs.publishing import Events, lake_asset, publish
from c2s_assets.defs.resources import Cellxgene, Store
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.discover import Collections, Listing, ListingHistory
from c2s_assets.schemas.violations import keeps_schema, tables_keep_schemas
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage, stage
from c2s_assets.storage.sources.listing import (
    known_etag,
    read_collections,
    read_history,
    read_listing,
    stage_listing,
)
from c2s_assets.storage.tables.parquet import read_table

# Each is a question of its own; more than these wait until they are missing a second time.
_MOST_ASKED = 100
_CODE_VERSION = "2"
_PREVIEW = [
    DATASET_ID,
    "title",
    CELL_COUNT,
    *(pl.col(name).list.join(", ") for name in (ORGANISM, "tissue")),
]
_EVENT_PREVIEW = [DATASET_ID, "title", "changed"]


class ListingConfig(dg.Config):
    """When a listing is refused."""

    largest_loss: float = Field(
        default=0.1, ge=0, le=1, description="Share of the last listing that may be missing from this one."
    )


@lake_asset(
    group="sources",
    kinds={"parquet"},
    code_version=_CODE_VERSION,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    # It is listed every day: one day may fail, and a third should not begin without anybody's notice.
    freshness_policy=dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=72), warn_window=timedelta(hours=36)
    ),
)
def cellxgene_listing(
    context: dg.AssetExecutionContext, config: ListingConfig, store: Store, cellxgene: Cellxgene
) -> Events:
    """One row per public dataset of CELLxGENE Discover; its collections; what changed since the last look."""
    layout, discover = store.layout, cellxgene.discover()
    if is_alongside(context):
        yield from keep(context, layout.listing, layout.collections, layout.listing_history)
        return
    last = read_listing(layout), read_collections(layout)
    origin = {"url": shown(cellxgene.base_url), "read_by": _CODE_VERSION}
    listed, etags = _list_all(layout, discover, origin=origin)
    shrinking = _did_not_shrink(
        listing_did_not_shrink(before, now, of=of, largest_loss=config.largest_loss)
        for before, now, of in zip(last, listed, ("datasets", "collections"), strict=True)
    )
    missing = missing_datasets(last[0], listed[0]) if shrinking.holds else []
    gone = [dataset_id for dataset_id in missing[:_MOST_ASKED] if discover.versions(dataset_id) is None]
    refreshed = refresh_listing(last[0], listed[0], gone=gone, today=datetime.now(UTC).date())
    with stage(layout, "cellxgene_listing") as staged:
        targets = stage_listing(
            staged,
            layout,
            listing=refreshed.rows,
            collections=refresh_collections(last[1], listed[1]),
            history=add_events(read_history(layout), refreshed.events),
            origin=origin,
            etags=etags,
        )
        findings = [_keep_schemas(staged, targets), shrinking, records_are_well_formed(*listed)]
        metadata = _metadata(staged, layout, refreshed) | as_metadata(
            {"n_collections": listed[1].rows.height, "n_missing": len(missing), "url": origin["url"]}
        )
        yield from publish(context, staged, *targets, findings=findings, metadata=metadata)


def _list_all(
    layout: Layout, discover: Discover, *, origin: Mapping[str, str]
) -> tuple[tuple[Listed, Listed], dict[Path, str | None]]:
    """List datasets and collections, and tell the ETag to ask for each with next time."""
    read_datasets = partial(tabulate_datasets, schema=frame_schema(Listing))
    read_collections = partial(tabulate_collections, schema=frame_schema(Collections))
    datasets, etag = _look(discover.datasets, read_datasets, last=layout.listing, origin=origin)
    collections, etag_of_collections = _look(
        discover.collections, read_collections, last=layout.collections, origin=origin
    )
    return (datasets, collections), {layout.listing: etag, layout.collections: etag_of_collections}


def _look(
    ask: Callable[..., Records],
    tabulate: Callable[[Iterable[object]], Listed],
    *,
    last: Path,
    origin: Mapping[str, str],
) -> tuple[Listed, str | None]:
    """List, unless the server says that all is as in the last table; return the ETag to ask with next time.

    There is none to keep if some records were set aside: they should be read, and told of, again.
    """
    etag = known_etag(last, origin=origin)
    sent = ask(etag=etag)
    if sent.records is None:
        return still_listed(read_table(last)), etag
    listed = tabulate(sent.records)
    return listed, sent.etag if listed.quarantined.is_empty() else None


def _did_not_shrink(of_each: Iterable[Finding]) -> Finding:
    """Join what is found of datasets and of collections: if one of them shrinks, both are refused."""
    findings = list(of_each)
    worst = next((finding for finding in findings if not finding.holds), None)
    figures = {name: value for finding in findings for name, value in finding.figures.items()}
    message = worst.message if worst else " ".join(finding.message for finding in findings)
    return Finding("listing_did_not_shrink", worst is None, message, figures)


def _keep_schemas(staged: Stage, targets: Sequence[Path]) -> Finding:
    return tables_keep_schemas(
        keeps_schema([read_table(staged.path(target))], model)
        for target, model in zip(targets, (Listing, Collections, ListingHistory), strict=True)
    )


def _metadata(staged: Stage, layout: Layout, refreshed: Refreshed) -> Metadata:
    preview, written = refreshed.rows.select(_PREVIEW), staged.path(layout.listing)
    described = table_metadata(layout.listing, Listing, staged=written, lineage={}, preview=preview)
    return described | _changes(refreshed.events)


def _changes(events: pl.DataFrame) -> Metadata:
    """Count what happened, and show the first of each."""
    shown: Metadata = {}
    for event in (ADDED, REVISED, WITHDRAWN):
        of_event = events.filter(pl.col(EVENT) == event).select(_EVENT_PREVIEW)
        shown |= as_metadata({f"n_{event}": of_event.height})
        if of_event.height:
            shown[event] = rows_as_markdown(of_event, n_rows=20)
    return shown
