"""Which runs nobody needs any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended.

    Attributes
    ----------
    makes
        What it was to make: the name of each asset, and of which dataset; of the whole lake, of none.
    """

    run_id: str
    makes: frozenset[tuple[str, str | None]]
    ended_at: datetime
    succeeded: bool


def superseded_runs(runs: Iterable[FinishedRun], *, now: datetime, keep_days: int) -> list[str]:
    """List the runs older than `keep_days` of which later successful runs have made everything again.

    The last successful run of an asset of a dataset, and everything after it, always stays: it says which
    tables the lake holds and what is wrong with a dataset.
    """
    by_age = sorted(runs, key=lambda run: run.ended_at, reverse=True)
    limit = now - timedelta(days=keep_days)
    made: set[tuple[str, str | None]] = set()
    superseded = []
    for run in by_age:
        if run.makes <= made and run.ended_at < limit:
            superseded.append(run.run_id)
        if run.succeeded:
            made |= run.makes
    return superseded
