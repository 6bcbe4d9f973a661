"""The page that says what is stale, since when, and why."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.pages.addresses import OVERVIEW
from c2s_assets.core.pages.markup import PageLink, page, paragraph, table, title
from c2s_assets.core.reports.counts import some_of
from c2s_assets.core.runs.health import (
    FRESH,
    HOURS,
    OUTDATED,
    REFUSED,
    SINCE,
    SIZE,
    STANDING,
    WHY,
    everything_is_fresh,
)
from c2s_assets.defs.health import look_at_health
from c2s_assets.defs.ui.overview import MOST_NAMED, as_of, named
from c2s_assets.storage.lake.layout import Layout

_NAME = "Health"


def health_page(instance: dg.DagsterInstance, layout: Layout) -> str:
    """Write the page, of the datasets that are not as they should be now; the stalest first."""
    now = datetime.now(UTC)
    rows = look_at_health(instance, layout, now=now)
    finding = everything_is_fresh(rows)
    stale = rows.filter(pl.col(STANDING) != FRESH).sort(HOURS, descending=True, maintain_order=True)
    found = stale.to_dicts()
    for_too_long = set() if finding.rows is None else set(finding.rows[DATASET_ID])
    return page(
        _NAME,
        [
            title(_NAME),
            f"<p>{PageLink('All datasets', OVERVIEW)}</p>",
            paragraph(finding.message, style="ok" if finding.holds else "bad"),
            paragraph(as_of(now), style="grey"),
            table(
                ["dataset", "stands", "MB", "since", "hours", "last failure", "next try", "tables", "why"],
                [_row(row, layout) for row in found],
                styles=["bad" if row[DATASET_ID] in for_too_long else "warn" for row in found],
            ),
        ],
    )


def _row(row: Mapping[str, Any], layout: Layout) -> Sequence[object]:
    return (
        named(row[DATASET_ID], layout, is_refused=row[STANDING] == REFUSED),
        row[STANDING],
        round(row[SIZE] / 2**20, 1),
        row[SINCE],
        round(row[HOURS]),
        row["last_failure"],
        row["next_try_at"],
        some_of(row[OUTDATED], most=MOST_NAMED),
        "; ".join(row[WHY]),
    )
