"""Releases: jobs that stage and publish one, a sensor that knows which there are, and a schedule for some."""

import dagster as dg

from c2s_assets.core.errors import C2SError
from c2s_assets.core.releases.entry import ReleaseEntry
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
follow_release = job_in_one_process(
    "follow_release",
    selection=["corpus_release", "atlas_release", "hub_dataset"],
    description="Stage one release and, if its entry says so, publish it; see the schedule daily_releases.",
)
# By the kind of the release.
STAGE_JOBS = {"corpus": stage_release, "atlas": stage_atlas}
RELEASE_JOBS = (*STAGE_JOBS.values(), publish_release, follow_release)


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


# After the plan (1:00), the listing (3:15) and the audit (4:00). Nobody looks first whether a release has
# changed: staging and publishing what has not costs seconds, and mends what somebody did to either.
@dg.schedule(
    job=follow_release,
    cron_schedule="0 6 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Stages every release whose entry in datasets.yaml says follow at 6:00, and publishes it if "
    "that says so. One whose datasets are still being built waits for the next day.",
)
def daily_releases(
    context: dg.ScheduleEvaluationContext, store: Store
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for a run of each release that is to follow and is ready."""
    from c2s_assets.storage.releases.readiness import find_lacking

    try:
        settings = store.settings()
        following = {name: entry for name, entry in settings.releases.items() if entry.follow is not None}
        lacking = {name: find_lacking(store.layout, settings, name) for name in following}
    except C2SError as error:
        return dg.SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions(releases.name or ""))
    requests = [
        _follow(name, entry, day=f"{context.scheduled_execution_time:%Y-%m-%d}")
        for name, entry in following.items()
        if lacking[name] is None and name in known
    ]
    waiting = [f"Release {name} waits: {why}" for name, why in lacking.items() if why is not None]
    for line in waiting:
        context.log.warning(line)
    return requests or dg.SkipReason("\n".join(waiting) or "No release in datasets.yaml says follow.")


def _follow(name: str, entry: ReleaseEntry, *, day: str) -> dg.RunRequest:
    staged = f"{entry.kind}_release"
    assets = [staged] if entry.follow == "stage" else [staged, "hub_dataset"]
    publishing = {"ops": {"hub_dataset": {"config": {"dry_run": False}}}}
    return dg.RunRequest(
        run_key=f"{name} {day}",
        partition_key=name,
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        run_config={} if entry.follow == "stage" else publishing,
    )
