"""What the command line asks of Dagster: an instance, a partition, a run, and how things stand."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEventType, RunsFilter
from sqlalchemy.exc import DatabaseError

import c2s_assets
from c2s_assets.core.errors import InvalidDatasetIdError, LakeError
from c2s_assets.core.reports.text import from_markdown
from c2s_assets.defs.automation.catalogue import renew_catalogue
from c2s_assets.defs.automation.jobs import build_dataset
from c2s_assets.defs.automation.refresh import list_cellxgene
from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.processes import end_dead_runs, tags_of_living
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.raw import held_datasets
from c2s_assets.storage.tables.consistency import Tables

_HOME = "DAGSTER_HOME"


@dataclass(frozen=True)
class Step:
    """How one asset of a run ended; `problem` says why it failed."""

    asset: str
    seconds: float
    figures: dict[str, Any]
    problem: str | None = None


@dataclass(frozen=True)
class CheckOutcome:
    """One check of a run that did not hold."""

    asset: str
    claim: str
    message: str
    is_blocking: bool


@dataclass(frozen=True)
class BuildReport:
    """How a build ended."""

    succeeded: bool
    steps: list[Step]
    broken: list[CheckOutcome]
    n_checks: int


@dataclass(frozen=True)
class DatasetStatus:
    """How a dataset stands: which assets the lake holds, and how its last run ended."""

    dataset_id: str
    built: list[str]
    missing: list[str]
    last_run: str | None
    last_run_at: datetime | None
    problem: str | None


@contextmanager
def open_instance(layout: Layout) -> Iterator[dg.DagsterInstance]:
    """Open the instance in $DAGSTER_HOME or, if that is not set, in a folder of the lake.

    A home without settings gets ours.

    Raises
    ------
    LakeError
        If the files of the home cannot be made or written.
    """
    home = Path(os.environ.setdefault(_HOME, str(layout.dagster_home)))
    try:
        instance = _open(home)
    except (OSError, DatabaseError) as error:
        why = error.orig if isinstance(error, DatabaseError) else error
        raise LakeError(
            f"Dagster's files in {home} cannot be used: {why}. See whether the disk is full, and whether the "
            f"files there can be written."
        ) from error
    with instance:
        end_dead_runs(instance)
        yield instance


def register(instance: dg.DagsterInstance, dataset_id: str) -> None:
    """Add the dataset's partition; it may be there already."""
    instance.add_dynamic_partitions(datasets.name or "", [dataset_id])


def build(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    dataset_id: str,
    *,
    assets: Sequence[str] | None = None,
) -> BuildReport:
    """Build everything of a dataset in this process, or only some of its assets."""
    register(instance, dataset_id)
    return _run(
        instance,
        definitions,
        build_dataset.name,
        partition_key=dataset_id,
        asset_selection=None if assets is None else [dg.AssetKey(name) for name in assets],
    )


def list_discover(instance: dg.DagsterInstance, definitions: dg.Definitions) -> BuildReport:
    """List what CELLxGENE Discover offers, in this process."""
    return _run(instance, definitions, list_cellxgene.name)


def build_catalogue(instance: dg.DagsterInstance, definitions: dg.Definitions) -> BuildReport:
    """Build the catalogue and the report on the corpus, in this process."""
    return _run(instance, definitions, renew_catalogue.name)


def list_datasets(
    instance: dg.DagsterInstance, definitions: dg.Definitions, layout: Layout
) -> list[DatasetStatus]:
    """Tell how every dataset stands, by id: what is built from the lake, and what failed from Dagster."""
    keys = sorted(definitions.resolve_job_def(build_dataset.name).asset_layer.executable_asset_keys)
    materialized = {key: instance.get_materialized_partitions(key) for key in keys}
    runs = instance.get_run_partition_data(RunsFilter(job_name=build_dataset.name))
    last_runs = {run.partition: run for run in sorted(runs, key=lambda run: run.start_time or 0)}
    held = held_datasets(layout)
    registered = instance.get_dynamic_partitions(datasets.name or "")
    statuses = []
    for dataset_id in sorted({*registered, *held, *dataset_ids(layout)}):
        # What has no row, such as train_test of copies of cells only, has no file either.
        is_whole = dataset_id in held and held[dataset_id].is_built
        reported = {key.to_user_string(): is_whole and dataset_id in materialized[key] for key in keys}
        statuses.append(_status(instance, layout, dataset_id, reported, last_runs.get(dataset_id)))
    return statuses


def _open(home: Path) -> dg.DagsterInstance:
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".c2s-lock").open("w") as lock:
        # Two processes that make Dagster's SQLite files at the same time leave them unusable.
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = home / "dagster.yaml"
        if not settings.exists():
            settings.write_text(_packaged_settings().read_text())
        return dg.DagsterInstance.get()


def _status(
    instance: dg.DagsterInstance,
    layout: Layout,
    dataset_id: str,
    reported: Mapping[str, bool],
    last_run: Any,
) -> DatasetStatus:
    problem = None
    if last_run is not None and last_run.status == dg.DagsterRunStatus.FAILURE:
        problem = _problem_of_run(instance, last_run.run_id, dataset_id)
    tables = Tables(layout, dataset_id, source_sha256="")
    try:
        built = {name: is_reported or tables.has(name) for name, is_reported in reported.items()}
    except InvalidDatasetIdError as error:  # a link that leads out of the lake
        built, problem = dict.fromkeys(reported, False), str(error)
    return DatasetStatus(
        dataset_id=dataset_id,
        built=[name for name, is_there in built.items() if is_there],
        missing=[name for name, is_there in built.items() if not is_there],
        last_run=None if last_run is None else last_run.status.value.lower(),
        last_run_at=None
        if last_run is None or not last_run.start_time
        else datetime.fromtimestamp(last_run.start_time).astimezone(),
        problem=problem,
    )


def _problem_of_run(instance: dg.DagsterInstance, run_id: str, dataset_id: str) -> str:
    """Say why a run failed; one that was killed has no step that says so, see `run_monitoring`."""
    failed = instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
    if failed:
        return _problem(failed[0].dagster_event)
    begun = [log.dagster_event for log in instance.all_logs(run_id, of_type=DagsterEventType.STEP_START)]
    if not begun:
        return "the run did not start; the Dagster UI says why"
    step = begun[-1].step_key if begun[-1] is not None else ""
    return (
        f"{step}: the run was killed, or the machine was stopped; what was published is whole. Go on with: "
        f"c2s build {dataset_id}"
    )


def _run(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    job: str,
    *,
    partition_key: str | None = None,
    asset_selection: Sequence[dg.AssetKey] | None = None,
) -> BuildReport:
    with tags_of_living(instance) as tags:
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=partition_key,
            raise_on_error=False,
            run_config={"loggers": {"terminal": {}}},
            tags=tags,
            asset_selection=asset_selection,
        )
    return _report(result.all_events, succeeded=result.success)


def _report(events: Sequence[dg.DagsterEvent], *, succeeded: bool) -> BuildReport:
    seconds = {e.step_key: e.step_success_data.duration_ms / 1000 for e in events if e.is_step_success}
    steps = [
        Step(
            asset=e.asset_key.to_user_string(),
            seconds=seconds.get(e.step_key, 0.0),
            figures={name: value.value for name, value in e.materialization.metadata.items()},
        )
        for e in events
        if e.event_type == DagsterEventType.ASSET_MATERIALIZATION and e.asset_key is not None
    ]
    steps += [Step(e.step_key or "", 0.0, {}, _problem(e)) for e in events if e.is_step_failure]
    checks: list[Any] = [
        e.event_specific_data for e in events if e.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    return BuildReport(
        succeeded=succeeded,
        steps=steps,
        broken=[_outcome(check) for check in checks if not check.passed],
        n_checks=len(checks),
    )


def _outcome(check: Any) -> CheckOutcome:
    return CheckOutcome(
        asset=check.asset_key.to_user_string(),
        claim=check.check_name,
        message=from_markdown(check.description or ""),
        is_blocking=check.severity == dg.AssetCheckSeverity.ERROR,
    )


def _problem(event: Any) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None:
        return str(data.user_failure_data.description)
    error = data.error.cause or data.error
    return str(error.message).strip()


def _packaged_settings() -> Path:
    package = Path(c2s_assets.__file__).parent
    inside = package / "dagster.yaml"
    return inside if inside.exists() else package.parent / "dagster.yaml"
