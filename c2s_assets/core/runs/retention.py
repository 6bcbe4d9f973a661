"""Which runs nobody needs any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class FinishedRun:
    """A run of the job that builds a dataset; `dataset_id` is what it built."""

    run_id: str
    dataset_id: str
    ended_at: datetime
    succeeded: bool


def superseded_runs(runs: Iterable[FinishedRun], *, now: datetime, keep_days: int) -> list[str]:
    """List the runs older than `keep_days` that a later successful run of the same dataset has replaced.

    What the last successful run of a dataset recorded, and everything after it, always stays: it says
    which tables the lake holds and what is wrong with a dataset.
    """
    by_age = sorted(runs, key=lambda run: run.ended_at, reverse=True)
    limit = now - timedelta(days=keep_days)
    replaced: set[str] = set()
    superseded = []
    for run in by_age:
        if run.dataset_id in replaced and run.ended_at < limit:
            superseded.append(run.run_id)
        if run.succeeded:
            replaced.add(run.dataset_id)
    return superseded
