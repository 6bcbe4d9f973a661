"""The schedule that removes the events of superseded runs, for which Dagster has no setting."""

from datetime import UTC, datetime

import dagster as dg

from c2s_assets.core.runs.retention import FinishedRun, superseded_runs
from c2s_assets.defs.automation.jobs import build_runs

# A build of 12 tables leaves 1.2 MB: 0.4 MB in a file of its own, the rest in one that all share.
_KEEP_DAYS = 30
_PARTITION = "dagster/partition"


@dg.op
def remove_superseded_runs(context: dg.OpExecutionContext) -> None:
    """Removes runs that built a dataset, that ended long ago and were replaced by a later success."""
    records = build_runs(context.instance)
    runs = [
        FinishedRun(
            run_id=record.dagster_run.run_id,
            dataset_id=record.dagster_run.tags[_PARTITION],
            ended_at=datetime.fromtimestamp(record.end_time, tz=UTC),
            succeeded=record.dagster_run.status == dg.DagsterRunStatus.SUCCESS,
        )
        for record in records
        if record.end_time is not None and _PARTITION in record.dagster_run.tags
    ]
    superseded = superseded_runs(runs, now=datetime.now(UTC), keep_days=_KEEP_DAYS)
    for run_id in superseded:
        context.instance.delete_run(run_id)
        context.instance.compute_log_manager.delete_logs(prefix=[run_id])
    context.log.info(f"removed {len(superseded)} of {len(runs)} runs")


@dg.job(executor_def=dg.in_process_executor)
def prune_runs() -> None:
    """Removes the events of runs that later runs have superseded."""
    remove_superseded_runs()


@dg.schedule(
    job=prune_runs,
    cron_schedule="30 4 * * 0",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes, every Sunday at 4:30, the events of runs that are older than 30 days and were "
    "replaced by a later success. No table is touched.",
)
def weekly_pruning() -> dg.RunRequest:
    """Ask for a run at every tick: what there is to remove, only the run finds out."""
    return dg.RunRequest()
