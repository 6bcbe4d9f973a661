"""The sensor that builds whatever lands in the inbox."""

import json
from collections.abc import Sequence

import dagster as dg

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.runs.arrivals import decide_arrivals
from c2s_assets.defs.automation.jobs import BUILD_JOBS, choice
from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import wanted_tables
from c2s_assets.storage.sources.inbox import look_into_inbox


@dg.sensor(
    jobs=BUILD_JOBS,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds each h5ad that lands in the inbox of the lake, once it no longer changes. Looks "
    "every 10 seconds; what cannot become a dataset is named in the tick.",
)
def inbox(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    """Compare the inbox with the last tick: a file that no longer changes gets a partition and a run."""
    arrivals, problems = look_into_inbox(store.layout)
    for problem in problems:
        context.log.warning(problem)
    decision = decide_arrivals(arrivals, json.loads(context.cursor or "{}"))
    job, selection = choice(wanted_tables(_asked_for(store)))
    known = context.instance.get_dynamic_partitions(datasets.name or "")
    new = sorted(arrivals.keys() - set(known))
    return dg.SensorResult(
        skip_reason="\n".join(problems) if problems and not decision.build else None,
        dynamic_partitions_requests=[datasets.build_add_request(new)] if new else [],
        # No run key: Dagster would never run a file again that was dropped, taken and dropped once more.
        run_requests=[
            dg.RunRequest(partition_key=dataset_id, job_name=job, asset_selection=selection)
            for dataset_id in decision.build
        ],
        cursor=json.dumps(decision.remember, sort_keys=True),
    )


def _asked_for(store: Store) -> Sequence[str]:
    """Return the tables to build besides; of a mistake in `datasets.yaml` the run itself tells."""
    try:
        return store.settings().build
    except ConfigError:
        return ()
