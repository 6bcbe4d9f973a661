"""How every dataset of the lake stands, as rows of `health_report`."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.discover.records import DATASET_VERSION_ID
from c2s_assets.core.runs.health import (
    FRESH,
    HELD,
    LISTED,
    OUTDATED,
    SINCE,
    SIZE,
    STANDING,
    WHY,
    notice_revision,
    with_ages,
)
from c2s_assets.defs.automation.inbox import arrivals_due_again
from c2s_assets.defs.automation.refresh import refresh_plan, wanted_versions
from c2s_assets.defs.service import DatasetStatus, list_datasets
from c2s_assets.defs.ui.overview import reasons, standing
from c2s_assets.storage.holdings import held_datasets
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import read_listing
from c2s_assets.storage.tables.parquet import read_table

_NOT_FETCHED = "not fetched"
_FOUND = pl.Schema(
    {
        **dict.fromkeys((DATASET_ID, STANDING, LISTED, HELD), pl.String()),
        SIZE: pl.Int64(),
        **dict.fromkeys(("last_run", "last_run_at", "last_failure", "next_try_at"), pl.String()),
        **dict.fromkeys((OUTDATED, WHY), pl.List(pl.String())),
    }
)


def look_at_health(instance: dg.DagsterInstance, layout: Layout, *, now: datetime) -> pl.DataFrame:
    """Say how every dataset stands that the lake holds or is to hold, see `schemas.health.Health`.

    Parameters
    ----------
    now
        In UTC.
    """
    settings = read_settings(layout)
    listing, held = read_listing(layout), held_datasets(layout, settings)
    wanted = {} if listing is None else wanted_versions(listing, settings.cellxgene)
    listed = {} if listing is None else dict(listing.select(DATASET_ID, DATASET_VERSION_ID).iter_rows())
    plan = refresh_plan(instance, wanted, held=held, now=now.timestamp())
    statuses = {status.dataset_id: status for status in list_datasets(instance, layout)}
    unbuilt = [name for name, one in statuses.items() if name not in wanted and standing(one) != FRESH]
    due = arrivals_due_again(instance, layout, unbuilt=unbuilt, now=now.timestamp())
    due |= {rest.dataset_id: rest.until for rest in plan.resting}
    rows = [
        {
            DATASET_ID: dataset_id,
            LISTED: listed.get(dataset_id),
            HELD: held[dataset_id].dataset_version_id if dataset_id in held else None,
            "next_try_at": _time(datetime.fromtimestamp(due[dataset_id], UTC) if dataset_id in due else None),
            **_of_status(statuses.get(dataset_id)),
        }
        for dataset_id in sorted(statuses.keys() | wanted.keys())
    ]
    found = pl.DataFrame([notice_revision(row) for row in rows], schema=_FOUND)
    return with_ages(found, before=_last_report(layout), now=now)


def _of_status(status: DatasetStatus | None) -> dict[str, Any]:
    if status is None:
        why = ["datasets.yaml selects it, and it was not fetched yet"]
        return {STANDING: _NOT_FETCHED, SIZE: 0, OUTDATED: [], WHY: why}
    states, stands = (status.states or {}).values(), standing(status)
    why = list(dict.fromkeys(reasons(status)))
    if stands != FRESH and not why:  # also of one that waits for its first build
        why = ["nothing of it was built yet"]
    return {
        STANDING: stands,
        SIZE: status.size_bytes,
        "last_run": status.last_run,
        "last_run_at": _time(status.last_run_at),
        "last_failure": status.problem,
        OUTDATED: [state.asset for state in states if state.is_wanted and state.standing != "built"],
        WHY: why,
    }


def _last_report(layout: Layout) -> pl.DataFrame:
    columns = [DATASET_ID, STANDING, SINCE]
    if not layout.health_report.exists():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return read_table(layout.health_report, columns=columns)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
