"""Runs that sensors asked for, and how they ended."""

from collections.abc import Collection
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus

from c2s_assets.core.runs.retrying import Outcome, Try
from c2s_assets.defs.automation.jobs import build_runs
from c2s_assets.defs.processes import was_stopped
from c2s_assets.defs.publishing import REFUSED

_PARTITION = "dagster/partition"
UNDER_WAY = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def tries_of(instance: dg.DagsterInstance, *, tag: str, versions: Collection[str]) -> dict[str, list[Try]]:
    """Find the runs that were asked for these versions, which a tag names: by dataset, oldest first."""
    tries: dict[str, list[Try]] = {}
    if not versions:
        return tries
    for record in reversed(build_runs(instance, tags={tag: sorted(set(versions))})):
        run = record.dagster_run
        ended_at = None if run.status in UNDER_WAY else record.end_time or record.create_timestamp.timestamp()
        tries.setdefault(run.tags.get(_PARTITION, ""), []).append(Try(run.tags[tag], ended_at, _outcome(run)))
    return tries


def datasets_under_way(instance: dg.DagsterInstance) -> frozenset[str]:
    """Find the datasets that a run is building, whoever asked for it."""
    runs = [record.dagster_run for record in build_runs(instance, statuses=UNDER_WAY)]
    return frozenset(run.tags[_PARTITION] for run in runs if _PARTITION in run.tags)


def _outcome(run: Any) -> Outcome:
    if run.status in UNDER_WAY:
        return "under way"
    if run.status == DagsterRunStatus.SUCCESS:
        return "succeeded"
    if REFUSED in run.tags:
        return "refused"
    return "killed" if was_stopped(run) else "failed"
