"""What keeps the datasets of CELLxGENE Discover fresh: a daily listing, and the sensor that acts on it."""

import time
from collections.abc import Iterable, Mapping

import dagster as dg
from dagster import DagsterRunStatus

from c2s_assets.core.listing import withdrawals
from c2s_assets.core.refresh import Plan, Request, Try, plan_refresh, unfinished
from c2s_assets.core.selection import select
from c2s_assets.defs.automation.jobs import build_dataset
from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.resources import Store
from c2s_assets.storage.layout import Layout
from c2s_assets.storage.listing import listing_state, read_history, read_listing
from c2s_assets.storage.raw import held_datasets

VERSION = "c2s/dataset_version_id"
WHY = "c2s/why"
_PARTITION = "dagster/partition"
# Runs of this sensor that may wait or run at once: enough to keep a day's machine busy between two ticks, and
# few enough that a changed mind about 2,200 datasets does not meet a queue of them.
_AT_MOST = 25
_UNDER_WAY = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

list_cellxgene = dg.define_asset_job(
    "list_cellxgene",
    selection=dg.AssetSelection.assets("cellxgene_listing"),
    executor_def=dg.in_process_executor,
    description="List what CELLxGENE Discover offers.",
)


@dg.schedule(job=list_cellxgene, cron_schedule="15 3 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def daily_listing(store: Store) -> dg.RunRequest | dg.SkipReason:
    """Every day at 3:15, if `datasets.yaml` selects anything of CELLxGENE Discover."""
    if store.settings().cellxgene.is_empty:
        return dg.SkipReason("datasets.yaml selects nothing of CELLxGENE Discover (section cellxgene).")
    return dg.RunRequest()


@dg.sensor(
    jobs=[build_dataset, list_cellxgene],
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def refresh(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Builds what `datasets.yaml` selects of CELLxGENE Discover, new or revised, and marks the withdrawn.

    What is to do follows from the listing, the lake and the runs. The cursor only says in which state of the
    lake there was nothing to do, so that the next tick need not look again.
    """
    layout, selection = store.layout, store.settings().cellxgene
    if selection.is_empty:
        return dg.SkipReason("datasets.yaml selects nothing of CELLxGENE Discover (section cellxgene).")
    state = listing_state(layout)
    if context.cursor == state:
        return dg.SkipReason("Neither the listing nor the settings nor the source files have changed.")
    listing = read_listing(layout)
    if listing is None:
        # The key lets it be asked for once a day: the schedule does the rest.
        today = time.strftime("%Y-%m-%d")
        first = dg.RunRequest(run_key=f"first listing {today}", job_name=list_cellxgene.name)
        return dg.SensorResult(run_requests=[first])
    selected = select(listing, selection)
    for problem in selected.problems:
        context.log.warning(problem)
    wanted = {row["dataset_id"]: row["dataset_version_id"] for row in selected.rows.iter_rows(named=True)}
    held = held_datasets(layout)
    plan = plan_refresh(
        wanted,
        held=held,
        tries=_tries(context.instance, unfinished(wanted, held)),
        busy=_busy(context.instance),
        now=time.time(),
        at_most=_AT_MOST,
    )
    _tell(context, plan)
    known = set(context.instance.get_dynamic_partitions(datasets.name or ""))
    new = sorted(wanted.keys() - known)
    return dg.SensorResult(
        dynamic_partitions_requests=[datasets.build_add_request(new)] if new else [],
        run_requests=[_run_request(request) for request in plan.requests],
        asset_events=_marks(context.instance, layout, held.keys() & (known | set(new))),
        cursor=state if plan.is_settled else "",
    )


def _run_request(request: Request) -> dg.RunRequest:
    return dg.RunRequest(
        # The attempt, or Dagster would never run a version again that failed, or that came back.
        run_key=f"{request.dataset_id} {request.dataset_version_id} {request.attempt}",
        job_name=build_dataset.name,
        partition_key=request.dataset_id,
        tags={VERSION: request.dataset_version_id, WHY: request.why},
    )


def _tries(instance: dg.DagsterInstance, wanted: Mapping[str, str]) -> dict[str, list[Try]]:
    """Find the runs that were asked for these versions, by dataset."""
    tries: dict[str, list[Try]] = {}
    if not wanted:
        return tries
    asked = dg.RunsFilter(job_name=build_dataset.name, tags={VERSION: sorted(set(wanted.values()))})
    for record in instance.get_run_records(asked):
        run = record.dagster_run
        ended_at = (
            None if run.status in _UNDER_WAY else record.end_time or record.create_timestamp.timestamp()
        )
        one = Try(run.tags[VERSION], ended_at, run.status == DagsterRunStatus.SUCCESS)
        tries.setdefault(run.tags.get(_PARTITION, ""), []).append(one)
    return tries


def _busy(instance: dg.DagsterInstance) -> frozenset[str]:
    """Find the datasets that a run is building, whoever asked for it."""
    runs = instance.get_runs(dg.RunsFilter(job_name=build_dataset.name, statuses=_UNDER_WAY))
    return frozenset(run.tags[_PARTITION] for run in runs if _PARTITION in run.tags)


def _tell(context: dg.SensorEvaluationContext, plan: Plan) -> None:
    counts = {why: sum(one.why == why for one in plan.requests) for why in ("new", "revised", "unfinished")}
    context.log.info(
        f"asked for {counts['new']} new, {counts['revised']} revised and {counts['unfinished']} unfinished "
        f"datasets; {plan.n_under_way} under way, {plan.n_later} later, {len(plan.resting)} failed and rest"
    )
    for dataset_id in plan.given_up:
        context.log.warning(
            f"dataset {dataset_id}: its version could not be built and is not tried again. See its last run; "
            f"then build it in the UI or with: c2s build {dataset_id}"
        )


def _marks(instance: dg.DagsterInstance, layout: Layout, held: Iterable[str]) -> list[dg.AssetObservation]:
    """Mark what the lake holds of withdrawn datasets, once per withdrawal; nothing is deleted."""
    withdrawn = withdrawals(read_history(layout))
    marks = []
    for dataset_id in sorted(set(held) & withdrawn.keys()):
        day = withdrawn[dataset_id].isoformat()
        last = instance.fetch_observations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_h5ad"), asset_partitions=[dataset_id]), limit=1
        ).records
        observed = last[0].asset_observation if last else None
        if observed is not None and observed.metadata.get("withdrawn_on") == dg.MetadataValue.text(day):
            continue
        marks.append(
            dg.AssetObservation(
                asset_key="raw_h5ad",
                partition=dataset_id,
                description=(
                    "CELLxGENE Discover has withdrawn this dataset. What was built of it stays; "
                    "catalogue and releases leave it out."
                ),
                metadata={"withdrawn_on": dg.MetadataValue.text(day)},
            )
        )
    return marks
