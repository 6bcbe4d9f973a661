"""Two listings of CELLxGENE Discover, one after the other: what was added, revised and withdrawn."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.discover.records import (
    CELL_COUNT,
    COLLECTION_ID,
    DATASET_VERSION_ID,
    N_ABSENT,
    SCHEMA_VERSION,
    Listed,
)
from c2s_assets.core.findings import Finding

# One listing without it may be a fault of the server's; two are not.
ABSENT_IS_WITHDRAWN = 2
_SAID, _ABSENT = "Discover says so (410)", "absent from two listings"

EVENT = "event"
ADDED, REVISED, WITHDRAWN = "added", "revised", "withdrawn"

# In the order in which a change is told; the ids of versions, which say least, last.
_COMPARED = {CELL_COUNT: "cells", SCHEMA_VERSION: "schema", DATASET_VERSION_ID: "version"}
_BEFORE = "_before"


@dataclass(frozen=True)
class Refreshed:
    """The listing to keep, and what changed since the last one.

    Attributes
    ----------
    rows
        All datasets of the new listing, and those of the last that are missing or malformed now, as they
        were; with the column `n_absent`.
    events
        One row per change, see schemas.discover.ListingHistory.
    """

    rows: pl.DataFrame
    events: pl.DataFrame


def missing_datasets(last: pl.DataFrame | None, listed: Listed) -> list[str]:
    """Name the datasets of the last listing that this one does not hold, not even as a malformed record."""
    if last is None:
        return []
    present = {*listed.rows[DATASET_ID], *listed.quarantined["id"].drop_nulls()}
    return [dataset_id for dataset_id in last[DATASET_ID] if dataset_id not in present]


def still_listed(last: pl.DataFrame) -> Listed:
    """Return what the last listing held, datasets or collections, for one that says it is still the same."""
    return Listed(last.filter(pl.col(N_ABSENT) == 0) if N_ABSENT in last.columns else last)


def refresh_listing(
    last: pl.DataFrame | None, listed: Listed, *, gone: Collection[str], today: date
) -> Refreshed:
    """Compare a listing with the last one.

    A dataset is withdrawn if Discover says that it is gone, or if it is missing from two listings running.
    Until then its last row stays, with the number of listings that it was missing from.

    Parameters
    ----------
    last
        `Refreshed.rows` of the last comparison, or None if this is the first.
    gone
        Datasets that Discover says were withdrawn.
    today
        When the changes were seen.
    """
    now = listed.rows
    last = now.clear() if last is None else last
    missing = missing_datasets(last, listed)
    is_missing = pl.col(DATASET_ID).is_in(missing)
    n_absent = pl.when(is_missing).then(pl.col(N_ABSENT) + 1).otherwise(0).cast(pl.Int32)
    others = last.join(now, on=DATASET_ID, how="anti").with_columns(n_absent.alias(N_ABSENT))
    is_gone = pl.col(DATASET_ID).is_in(list(gone))
    withdrawn = others.filter(is_missing & (is_gone | (pl.col(N_ABSENT) >= ABSENT_IS_WITHDRAWN)))
    why_withdrawn = pl.when(is_gone).then(pl.lit(_SAID)).otherwise(pl.lit(_ABSENT))
    kept = others.join(withdrawn, on=DATASET_ID, how="anti")
    added = now.join(last, on=DATASET_ID, how="anti")
    events = [
        _events(added, ADDED, pl.lit(None, pl.String), today=today),
        _events(_revised(last, now), REVISED, _what_changed(), today=today),
        _events(withdrawn, WITHDRAWN, why_withdrawn, today=today),
    ]
    # A column that the listing has since this version is null in rows that are kept.
    return Refreshed(pl.concat([now, kept], how="diagonal").sort(DATASET_ID), pl.concat(events))


def refresh_collections(last: pl.DataFrame | None, listed: Listed) -> pl.DataFrame:
    """Return the collections to keep: all that are listed, and malformed ones as they were."""
    if last is None:
        return listed.rows
    malformed = pl.col(COLLECTION_ID).is_in(listed.quarantined["id"].drop_nulls().to_list())
    kept = last.filter(malformed).join(listed.rows, on=COLLECTION_ID, how="anti")
    return pl.concat([listed.rows, kept], how="diagonal").sort(COLLECTION_ID)


def listing_did_not_shrink(
    last: pl.DataFrame | None, listed: Listed, *, of: str, largest_loss: float
) -> Finding:
    """Claim that a listing is not empty and holds most of what the last one held.

    A malformed record counts as lost: if Discover changes its records, the last listing stays.

    Parameters
    ----------
    last
        Rows of the last listing, or None if this is the first.
    of
        What is listed: ``datasets`` or ``collections``.
    largest_loss
        Share of the last listing that may be missing.
    """
    n_now, n_last = listed.rows.height, 0 if last is None else last.height
    loss = max(n_last - n_now, 0) / n_last if n_last else 0.0
    message = f"{n_now:,} {of} are listed; {n_last:,} were last time."
    holds = n_now > 0 and loss <= largest_loss
    if not holds:
        message = (
            f"Discover lists {n_now:,} {of} that can be read and {listed.quarantined.height:,} that cannot; "
            f"{n_last:,} were listed last time. This listing is not taken, the last one stays. Try again "
            f"later; if so many are really gone, materialize cellxgene_listing with a larger largest_loss "
            f"(it is {largest_loss:g})."
        )
    figures = {f"n_{of}": n_now, f"n_{of}_last": n_last, f"frac_{of}_lost": loss}
    return Finding("listing_did_not_shrink", holds, message, figures)


def records_are_well_formed(datasets: Listed, collections: Listed) -> Finding:
    """Claim that no record had to be set aside."""
    rows = pl.concat(
        table.quarantined.select(pl.lit(of).alias("of"), pl.all())
        for of, table in (("datasets", datasets), ("collections", collections))
    )
    n_records = rows.height + datasets.rows.height + collections.rows.height
    message = f"All {n_records:,} records can be read."
    if rows.height:
        first = rows.row(0, named=True)
        message = (
            f"{rows.height:,} of {n_records:,} records are set aside and keep their last state; the first, "
            f"at position {first['position']} of {first['of']}: {first['why']}. If they stay so, c2s_assets "
            f"does not know Discover's present form: please report it."
        )
    figures = {"n_quarantined": rows.height}
    return Finding("records_are_well_formed", rows.is_empty(), message, figures, rows)


def add_events(history: pl.DataFrame | None, events: pl.DataFrame) -> pl.DataFrame:
    """Put events behind those of earlier listings, None if there was none."""
    return events if history is None else pl.concat([history, events], how="diagonal")


def withdrawals(history: pl.DataFrame) -> dict[str, date]:
    """Name the datasets whose last event is that they were withdrawn, and the day on which that was seen."""
    last = history.unique(DATASET_ID, keep="last", maintain_order=True).filter(pl.col(EVENT) == WITHDRAWN)
    return dict(zip(last[DATASET_ID], last["seen_at"], strict=True))


def relistings(history: pl.DataFrame) -> dict[str, date]:
    """Name the datasets that were withdrawn once and are listed again, and the day on which that was seen."""
    once = history.filter(pl.col(EVENT) == WITHDRAWN)[DATASET_ID].unique()
    is_back = pl.col(DATASET_ID).is_in(once.implode()) & ~pl.col(DATASET_ID).is_in(list(withdrawals(history)))
    added = history.filter(is_back & (pl.col(EVENT) == ADDED))
    last = added.unique(DATASET_ID, keep="last", maintain_order=True)
    return dict(zip(last[DATASET_ID], last["seen_at"], strict=True))


def _events(rows: pl.DataFrame, event: str, changed: pl.Expr, *, today: date) -> pl.DataFrame:
    return rows.select(
        DATASET_ID,
        pl.lit(event).alias(EVENT),
        changed.alias("changed"),
        DATASET_VERSION_ID,
        "title",
        pl.lit(today).alias("seen_at"),
    )


def _revised(last: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Find the datasets with another version, beside what they were before."""
    before = last.select(DATASET_ID, *_COMPARED)
    pairs = now.join(before, on=DATASET_ID, suffix=_BEFORE, maintain_order="left")
    return pairs.filter(pl.col(DATASET_VERSION_ID) != pl.col(DATASET_VERSION_ID + _BEFORE))


def _what_changed() -> pl.Expr:
    changes = [
        pl.when(pl.col(name).ne_missing(pl.col(name + _BEFORE))).then(
            pl.format("{}: {} to {}", pl.lit(shown), _text(name + _BEFORE), _text(name))
        )
        for name, shown in _COMPARED.items()
    ]
    return pl.concat_str(changes, separator="; ", ignore_nulls=True)


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("unknown")
