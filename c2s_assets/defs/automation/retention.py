"""The schedule that removes the events of superseded runs, for which Dagster has no setting."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from c2s_assets.core.runs.retention import FinishedRun, superseded_runs
from c2s_assets.defs.automation.health import report_health
from c2s_assets.defs.automation.jobs import build_dataset, build_tables
from c2s_assets.defs.forgetting import forget_run
from c2s_assets.schemas.registry import TABLES, wanted_tables

_KEEP_DAYS = 30
# Of the report on health there is a run every hour; each says all that the one before it said.
_KEEP_DAYS_OF_REPORTS = 2
_PARTITION = "dagster/partition"
# Of a run of which nothing was selected.
_MADE_BY_JOB = {build_dataset.name: tuple(wanted_tables()), build_tables.name: tuple(TABLES)}

_REPORTS = (report_health.name, "prune_runs")


@dg.op
def remove_superseded_runs(context: dg.OpExecutionContext) -> None:
    """Removes runs that ended long ago, and of which later runs have made everything again."""
    records = context.instance.get_run_records()
    runs = [_finished(record) for record in records if record.end_time is not None]
    superseded = superseded_runs(runs, now=datetime.now(UTC))
    for run_id in superseded:
        forget_run(context.instance, run_id)
    context.log.info(f"removed {len(superseded)} of {len(runs)} runs")


@dg.job(executor_def=dg.in_process_executor)
def prune_runs() -> None:
    """Removes the events of runs that later runs have superseded."""
    remove_superseded_runs()


@dg.schedule(
    job=prune_runs,
    cron_schedule="30 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes, every day at 4:30, the events of runs that are older than 30 days and of which "
    "later ones have made everything again; of reports on health and of prunings, after two days. Of a "
    "dataset that never succeeds the last ten tries stay. No table is touched.",
)
def daily_pruning() -> dg.RunRequest:
    """Ask for a run at every tick: what there is to remove, only the run finds out."""
    return dg.RunRequest()


def _finished(record: Any) -> FinishedRun:
    run = record.dagster_run
    selected = [key.to_user_string() for key in run.asset_selection or ()]
    makes = selected or _MADE_BY_JOB.get(run.job_name, (run.job_name,))
    return FinishedRun(
        run_id=run.run_id,
        makes=frozenset((name, run.tags.get(_PARTITION)) for name in makes),
        ended_at=datetime.fromtimestamp(record.end_time, tz=UTC),
        succeeded=run.status == dg.DagsterRunStatus.SUCCESS,
        keep_days=_KEEP_DAYS_OF_REPORTS if run.job_name in _REPORTS else _KEEP_DAYS,
    )
