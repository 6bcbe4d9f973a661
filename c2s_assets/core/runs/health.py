"""Since when datasets are not as they should be, and whether that is too long."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.findings import Finding
from c2s_assets.core.reports.counts import some_of

STANDING, SINCE, HOURS = "standing", "stale_since", "hours_stale"
OUTDATED, WHY, LISTED, HELD = "outdated", "why", "listed_version", "held_version"
SIZE = "size_bytes"
FRESH, REVISED, REFUSED = "built", "revised", "refused"
# A day's listing and a night's builds, and half a day for what had to be tried again.
MOST_HOURS = 36.0
# What was refused waits for somebody, and not for a build. An alarm that never ends would hide the next one:
# it is told for so long, and who has done nothing about it by then has decided to leave it.
_TOLD_HOURS = 7 * 24.0
_N_NAMED = 3


def notice_revision(row: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a dataset if Discover lists another version than the one of which everything is built."""
    listed, held = row[LISTED], row[HELD]
    if row[STANDING] != FRESH or None in (listed, held) or listed == held:
        return dict(row)
    return {**row, STANDING: REVISED, WHY: [f"Discover lists version {listed}, the lake holds {held}"]}


def with_ages(rows: pl.DataFrame, *, before: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Add since when each dataset is stale, and for how many hours: null of those that are as they should be.

    A dataset is stale from the first look that finds it so: what a revision, a setting, a new version of a
    step and a file removed by hand have in common is that somebody had to look.

    Parameters
    ----------
    rows
        `dataset_id` and `standing`, among others, of each dataset.
    now
        In UTC.
    before
        What the last look has found: the same, and `stale_since`.
    """
    known = before.filter(pl.col(STANDING) != FRESH).select(DATASET_ID, SINCE)
    joined = rows.join(known, on=DATASET_ID, how="left", maintain_order="left")
    since = pl.when(pl.col(STANDING) != FRESH).then(
        pl.col(SINCE).fill_null(now.isoformat(timespec="seconds"))
    )
    seen = pl.col(SINCE).str.to_datetime("%Y-%m-%dT%H:%M:%S%z")
    hours = (pl.lit(now) - seen).dt.total_seconds() / 3_600
    return joined.with_columns(since.alias(SINCE)).with_columns(hours.cast(pl.Float32).alias(HOURS))


def everything_is_fresh(rows: pl.DataFrame) -> Finding:
    """Claim that no dataset is stale for longer than `MOST_HOURS`, but for what was refused a week ago."""
    for_too_long = rows.filter(pl.col(HOURS) > MOST_HOURS).sort(HOURS, descending=True, maintain_order=True)
    is_left = (pl.col(STANDING) == REFUSED) & (pl.col(HOURS) > _TOLD_HOURS)
    stale, left = for_too_long.filter(~is_left), for_too_long.filter(is_left)
    n_fresh = rows.filter(pl.col(STANDING) == FRESH).height
    figures = {
        "n_datasets": rows.height,
        "n_fresh": n_fresh,
        "n_too_long": stale.height,
        "n_left_refused": left.height,
    }
    message = f"{n_fresh:,} of {rows.height:,} datasets are as they should be."
    if n_fresh + left.height < rows.height:
        message += f" None of the others is stale for more than {MOST_HOURS:.0f} hours."
    if stale.height:
        message = (
            f"{stale.height:,} of {rows.height:,} datasets are stale for more than {MOST_HOURS:.0f} hours: "
            f"{_named(stale)}. What is outdated or missing is built by: c2s build --outdated"
        )
    if left.height:
        message += (
            f" Refused more than a week ago, and left alone: {left.height:,} datasets "
            f"({some_of(left[DATASET_ID].to_list(), most=_N_NAMED)})."
        )
    return Finding("everything_is_fresh", stale.is_empty(), message, figures, stale)


def _named(stale: pl.DataFrame) -> str:
    first = stale.select(DATASET_ID, STANDING, HOURS, WHY).head(_N_NAMED)
    return "; ".join(
        f"{dataset_id}, {standing} for {hours:,.0f} hours: {'; '.join(why) or 'nothing is said'}"
        for dataset_id, standing, hours, why in first.iter_rows()
    )
