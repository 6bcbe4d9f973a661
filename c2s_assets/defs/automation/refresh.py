"""What keeps the datasets of CELLxGENE Discover fresh: a daily listing, and the sensor that acts on it."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping

import dagster as dg
import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.discover.listing import relistings, withdrawals
from c2s_assets.core.discover.records import DATASET_VERSION_ID
from c2s_assets.core.discover.refresh import (
    Held,
    Plan,
    Request,
    describe_plan,
    plan_refresh,
    unfinished,
)
from c2s_assets.core.discover.selection import select
from c2s_assets.core.errors import ConfigError, NewerLakeError
from c2s_assets.core.runs.retrying import clock
from c2s_assets.core.settings import Selection
from c2s_assets.defs.automation.jobs import BUILD_JOBS, choice, job_in_one_process
from c2s_assets.defs.automation.tries import UNDER_WAY, datasets_under_way, tries_of
from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.processes import end_dead_runs
from c2s_assets.defs.resources import Store
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.holdings import due_tables, held_datasets
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import listing_state, read_history, read_listing

VERSION = "c2s/dataset_version_id"
WHY = "c2s/why"
_WITHDRAWN_ON = "withdrawn_on"
# Runs of this sensor that may wait or run at once: enough to keep a day's machine busy between two ticks, and
# few enough that a changed mind about 2,200 datasets does not meet a queue of them.
_AT_MOST = 25
_BETWEEN_FIRST_LISTINGS = 3600.0
list_cellxgene = job_in_one_process(
    "list_cellxgene",
    selection=["cellxgene_listing"],
    description="List what CELLxGENE Discover offers.",
)


@dg.schedule(
    job=list_cellxgene,
    cron_schedule="15 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Lists CELLxGENE Discover every day at 3:15, if datasets.yaml selects anything of it. Needs "
    "the network.",
)
def daily_listing(store: Store) -> dg.RunRequest | dg.SkipReason:
    """Ask for a listing unless nothing of it is wanted; of a mistake in `datasets.yaml` the tick tells."""
    selection = _selection(store)
    return dg.RunRequest() if isinstance(selection, Selection) else selection


@dg.sensor(
    jobs=[*BUILD_JOBS, list_cellxgene],
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fetches and builds what datasets.yaml selects of CELLxGENE Discover and is new, revised or "
    "outdated, and marks what was withdrawn. Looks every minute at the last listing; a tick that is skipped "
    "says why.",
)
def refresh(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Ask for what is to be built now.

    What is to do follows from the listing, the lake and the runs. The cursor only says in which state of the
    lake there was nothing to do, and until when, so that the next tick need not look again.
    """
    layout, selection = store.layout, _selection(store)
    if isinstance(selection, dg.SkipReason):
        return selection
    state, now = listing_state(layout), time.time()
    if (said := _still_settled(context.cursor, state=state, now=now)) is not None:
        return dg.SkipReason(said)
    listing = read_listing(layout)
    if listing is None:
        return _first_listing(context.instance, now=now)
    end_dead_runs(context.instance)
    selected = select(listing, selection)
    for problem in selected.problems:
        context.log.warning(problem)
    wanted = _versions(selected.rows)
    settings = store.settings()
    try:
        held = held_datasets(layout, settings)
    except NewerLakeError as error:
        return dg.SkipReason(str(error))
    plan = refresh_plan(context.instance, wanted, held=held, now=now)
    says = describe_plan(plan, n_wanted=len(wanted))
    if plan.requests:
        context.log.info(says)
    known = set(context.instance.get_dynamic_partitions(datasets.name or ""))
    new = sorted(wanted.keys() - known)
    return dg.SensorResult(
        dynamic_partitions_requests=[datasets.build_add_request(new)] if new else [],
        run_requests=[
            _run_request(request, held.get(request.dataset_id), Dataset(layout, request.dataset_id, settings))
            for request in plan.requests
        ],
        skip_reason=None if plan.requests else says,
        asset_events=list(_marks(context.instance, layout, held.keys() & (known | set(new)))),
        # Dagster keeps the old cursor if there is none, so that even this one says something.
        cursor=json.dumps({"says": says, "until": plan.until, "state": state if plan.is_settled else None}),
    )


def wanted_versions(listing: pl.DataFrame, selection: Selection) -> dict[str, str]:
    """Return the listed version of each dataset that is selected, by id."""
    return {} if selection.is_empty else _versions(select(listing, selection).rows)


def refresh_plan(
    instance: dg.DagsterInstance, wanted: Mapping[str, str], *, held: Mapping[str, Held], now: float
) -> Plan:
    """Say what would be asked for now, and what rests until when; see `plan_refresh`."""
    return plan_refresh(
        wanted,
        held=held,
        tries=tries_of(instance, tag=VERSION, versions=unfinished(wanted, held).values()),
        busy=datasets_under_way(instance),
        now=now,
        at_most=_AT_MOST,
    )


def _versions(rows: pl.DataFrame) -> dict[str, str]:
    return dict(rows.select(DATASET_ID, DATASET_VERSION_ID).iter_rows())


def _selection(store: Store) -> Selection | dg.SkipReason:
    """Return what `datasets.yaml` selects, or why nothing can be done about it."""
    try:
        selection = store.settings().cellxgene
    except ConfigError as error:
        return dg.SkipReason(str(error))
    if selection.is_empty:
        return dg.SkipReason("datasets.yaml selects nothing of CELLxGENE Discover (section cellxgene).")
    return selection


def _still_settled(cursor: str | None, *, state: str, now: float) -> str | None:
    """Return what was said when there was nothing to do, if that is still so."""
    try:
        last = json.loads(cursor or "")
        is_same = last["state"] == state and (last["until"] is None or now < last["until"])
        return str(last["says"]) if is_same else None
    except (ValueError, KeyError, TypeError):
        return None


def _first_listing(instance: dg.DagsterInstance, *, now: float) -> dg.SensorResult | dg.SkipReason:
    """Ask for a listing, unless one is under way or has just failed; the schedule does the later ones."""
    last = next(iter(instance.get_run_records(dg.RunsFilter(job_name=list_cellxgene.name), limit=1)), None)
    if last is not None and last.dagster_run.status in UNDER_WAY:
        return dg.SkipReason(f"CELLxGENE Discover is being listed, in run {last.dagster_run.run_id[:8]}.")
    due = 0.0 if last is None else last.create_timestamp.timestamp() + _BETWEEN_FIRST_LISTINGS
    if last is not None and now < due:
        return dg.SkipReason(
            f"There is no listing of CELLxGENE Discover: run {last.dagster_run.run_id[:8]} failed, see why "
            f"there. It is tried again at {clock(due)}, or at once by: c2s select --refresh."
        )
    request = dg.RunRequest(run_key=f"first listing {now:.0f}", job_name=list_cellxgene.name)
    return dg.SensorResult(run_requests=[request])


def _run_request(request: Request, held: Held | None, dataset: Dataset) -> dg.RunRequest:
    """Ask for everything of a new version, and of the present one for what is missing or outdated."""
    is_present = held is not None and held.dataset_version_id == request.dataset_version_id
    stale = held.stale if held is not None and is_present else ()
    job, selection = choice(stale or due_tables(dataset))
    return dg.RunRequest(
        asset_selection=selection,
        # The attempt and what came before it, or Dagster would never run a version again that failed, or that
        # came back; the attempt alone is that of another run once old ones are pruned.
        run_key=f"{request.dataset_id} {request.dataset_version_id} {request.attempt} {request.after:.0f}",
        job_name=job,
        partition_key=request.dataset_id,
        tags={VERSION: request.dataset_version_id, WHY: request.why},
    )


def _marks(
    instance: dg.DagsterInstance, layout: Layout, held: Iterable[str]
) -> Iterator[dg.AssetObservation]:
    """Mark what the lake holds of withdrawn datasets, once per withdrawal; nothing is deleted.

    One that is listed again is marked as well, so that the last mark is right.
    """
    history, held = read_history(layout), set(held)
    if history is None:
        return
    withdrawn, listed = withdrawals(history), relistings(history)
    for dataset_id in sorted(held & (withdrawn.keys() | listed.keys())):
        observed = _last_mark(instance, dataset_id)
        if dataset_id in withdrawn:
            day = dg.MetadataValue.text(withdrawn[dataset_id].isoformat())
            if observed.get(_WITHDRAWN_ON) != day:
                yield dg.AssetObservation(
                    asset_key="raw_h5ad",
                    partition=dataset_id,
                    description=(
                        "CELLxGENE Discover has withdrawn this dataset. What was built of it stays; "
                        "catalogue and releases leave it out."
                    ),
                    metadata={_WITHDRAWN_ON: day},
                )
        elif _WITHDRAWN_ON in observed:
            yield dg.AssetObservation(
                asset_key="raw_h5ad",
                partition=dataset_id,
                description="CELLxGENE Discover lists this dataset again.",
                metadata={"listed_again_on": dg.MetadataValue.text(listed[dataset_id].isoformat())},
            )


def _last_mark(instance: dg.DagsterInstance, dataset_id: str) -> Mapping[str, object]:
    """Return what the last observation of a dataset's source says."""
    asked = dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_h5ad"), asset_partitions=[dataset_id])
    last = next(iter(instance.fetch_observations(asked, limit=1).records), None)
    observed = None if last is None else last.asset_observation
    return {} if observed is None else observed.metadata
