"""Which runs nobody needs any more."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# More than are looked at to tell when the next is due, see `retrying.WAITS_SECONDS`.
MOST_FAILED = 10


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended.

    Attributes
    ----------
    makes
        What it was to make: the name of each asset, and of which dataset; of the whole lake, of none.
    keep_days
        For how long it stays, whatever came after it.
    """

    run_id: str
    makes: frozenset[tuple[str, str | None]]
    ended_at: datetime
    succeeded: bool
    keep_days: int


def superseded_runs(runs: Iterable[FinishedRun], *, now: datetime) -> list[str]:
    """List the runs that are old and of which later successful runs have made everything again.

    The last successful run of an asset of a dataset always stays: it says which tables the lake holds. So do
    the failed ones after it, which say what is wrong with a dataset, but no more than `MOST_FAILED`: one that
    never succeeds is tried every week.
    """
    by_age = sorted(runs, key=lambda run: run.ended_at, reverse=True)
    made: set[tuple[str, str | None]] = set()
    tried: Counter[tuple[str, str | None]] = Counter()
    superseded = []
    for run in by_age:
        is_tried_enough = not run.succeeded and all(tried[one] >= MOST_FAILED for one in run.makes)
        is_old = run.ended_at < now - timedelta(days=run.keep_days)
        if is_old and (run.makes <= made or is_tried_enough):
            superseded.append(run.run_id)
        if run.succeeded:
            made |= run.makes
        else:
            tried.update(run.makes)
    return superseded
