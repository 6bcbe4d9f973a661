"""The sensor that builds whatever lands in the inbox."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import dagster as dg

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.runs.arrivals import Arrival, Decision, Memory, decide_arrivals, due_again
from c2s_assets.core.runs.retrying import clock
from c2s_assets.defs.automation.jobs import BUILD_JOBS, choice
from c2s_assets.defs.automation.tries import datasets_under_way, tries_of
from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.processes import end_dead_runs
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import wanted_tables
from c2s_assets.storage.holdings import due_tables, is_unfinished, stale_tables
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.inbox import look_into_inbox, taken_arrival
from c2s_assets.storage.sources.removal import is_left_over, places_of, remove_dataset

ARRIVAL = "c2s/arrival"
# As of `refresh`: enough to keep a machine busy between two looks.
_AT_MOST = 25


@dg.sensor(
    jobs=BUILD_JOBS,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds each h5ad that lands in the inbox of the lake, once it no longer changes, and again "
    "if that came to nothing for a reason that may pass. Looks every 10 seconds; what cannot become a "
    "dataset is named in the tick.",
)
def inbox(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    """Compare the inbox with the last tick: a file that no longer changes gets a partition and a run."""
    end_dead_runs(context.instance)
    arrivals, problems = look_into_inbox(store.layout)
    for problem in problems:
        context.log.warning(problem)
    decision = _decide(context, store, arrivals)
    known = context.instance.get_dynamic_partitions(datasets.name or "")
    new = sorted(arrivals.keys() - set(known))
    lost = _take_away_lost(store.layout, decision.gone)
    said = [*problems, *_describe(decision), *map(_describe_lost, lost)]
    return dg.SensorResult(
        skip_reason="\n".join(said) if said and not decision.build else None,
        dynamic_partitions_requests=[
            *([datasets.build_add_request(new)] if new else []),
            *([datasets.build_delete_request(lost)] if lost else []),
        ],
        # No run key: Dagster would never run a file again that was dropped, taken and dropped once more.
        run_requests=[
            _run_request(store, dataset_id, version, is_taken=dataset_id not in arrivals)
            for dataset_id, version in decision.build.items()
        ],
        cursor=json.dumps(decision.remember.states, sort_keys=True),
    )


def arrivals_due_again(
    instance: dg.DagsterInstance, layout: Layout, *, unbuilt: Iterable[str], now: float
) -> dict[str, float]:
    """Say when files of the inbox are tried again whose build came to nothing, in seconds since the epoch.

    Parameters
    ----------
    unbuilt
        Datasets of which something is to be built: a build may have taken their file out of the inbox.
    """
    waiting, _ = look_into_inbox(layout)
    found = {name: taken_arrival(layout, name) for name in unbuilt if name not in waiting}
    taken = {name: arrival for name, arrival in found.items() if arrival is not None}
    versions = [arrival.version for arrival in (*waiting.values(), *taken.values())]
    return due_again(
        waiting,
        taken=taken,
        tries=tries_of(instance, tag=ARRIVAL, versions=versions),
        busy=datasets_under_way(instance),
        now=now,
    )


def _decide(context: dg.SensorEvaluationContext, store: Store, arrivals: Mapping[str, Arrival]) -> Decision:
    before = Memory(json.loads(context.cursor or "{}"))
    gone = before.versions.keys() - arrivals.keys()
    found = {
        dataset_id: taken_arrival(store.layout, dataset_id)
        for dataset_id in gone
        if _is_unfinished(store, dataset_id)
    }
    versions = [*(arrival.version for arrival in arrivals.values()), *before.versions.values()]
    return decide_arrivals(
        arrivals,
        before,
        taken={dataset_id: arrival for dataset_id, arrival in found.items() if arrival is not None},
        tries=tries_of(context.instance, tag=ARRIVAL, versions=versions),
        busy=datasets_under_way(context.instance),
        now=time.time(),
        at_most=_AT_MOST,
    )


def _is_unfinished(store: Store, dataset_id: str) -> bool:
    try:
        return is_unfinished(store.dataset(dataset_id))
    except ConfigError:  # of which the next run tells
        return True


def _describe(decision: Decision) -> Iterator[str]:
    for dataset_id, until in decision.resting.items():
        yield f"{dataset_id}: its build failed, see its last run. It is tried again at {clock(until)}."
    for dataset_id in decision.refused:
        yield f"{dataset_id}: its file was refused, see its last run. It stays in the inbox until it changes."


def _take_away_lost(layout: Layout, gone: Sequence[str]) -> list[str]:
    """Take away what is said of files that were deleted before they were built; return whose that is."""
    lost = [dataset_id for dataset_id in gone if is_left_over(layout, dataset_id)]
    for dataset_id in lost:
        if places_of(layout, dataset_id):
            remove_dataset(layout, dataset_id)
    return lost


def _describe_lost(dataset_id: str) -> str:
    return (
        f"{dataset_id}: its file is gone, and nothing was built of it. The dataset is taken out of the list; "
        f"put the file into the inbox again to have it back."
    )


def _run_request(store: Store, dataset_id: str, version: str, *, is_taken: bool) -> dg.RunRequest:
    job, selection = choice(_to_build(store, dataset_id, is_taken=is_taken))
    return dg.RunRequest(
        partition_key=dataset_id, job_name=job, asset_selection=selection, tags={ARRIVAL: version}
    )


def _to_build(store: Store, dataset_id: str, *, is_taken: bool) -> Sequence[str]:
    """Name everything of a file that waits, and what is missing of one that was taken before."""
    try:
        dataset = store.dataset(dataset_id)
    except ConfigError:  # of which the run itself tells
        return wanted_tables()
    due = due_tables(dataset)
    return stale_tables(dataset) or due if is_taken else due
