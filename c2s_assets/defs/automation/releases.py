"""Releases: the jobs that stage and publish one, and the sensor that knows which there are."""

import dagster as dg

from c2s_assets.core.errors import C2SError
from c2s_assets.defs.automation.jobs import job_in_one_process
from c2s_assets.defs.partitions import releases
from c2s_assets.defs.resources import Store

stage_release = job_in_one_process(
    "stage_release",
    selection=["corpus_release"],
    description="Stage one corpus: the files that would go to the Hugging Face Hub.",
)
publish_release = job_in_one_process(
    "publish_release",
    selection=["hub_dataset"],
    description="Publish a staged release or, unless dry_run is false, only tell what that would change.",
)
stage_atlas = job_in_one_process(
    "stage_atlas",
    selection=["atlas_release"],
    description="Stage one atlas: the tables of a dataset that would go to the Hugging Face Hub.",
)
# By the kind of the release.
STAGE_JOBS = {"corpus": stage_release, "atlas": stage_atlas}
RELEASE_JOBS = (*STAGE_JOBS.values(), publish_release)


@dg.sensor(
    jobs=RELEASE_JOBS,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Offers each release that datasets.yaml describes as a partition. Starts nothing.",
)
def described_releases(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Compare the partitions with what `datasets.yaml` describes."""
    try:
        described = set(store.settings().releases)
    except C2SError as error:
        return dg.SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions(releases.name or ""))
    new, gone = sorted(described - known), sorted(known - described)
    return dg.SensorResult(
        dynamic_partitions_requests=[releases.build_add_request(new), releases.build_delete_request(gone)]
    )
