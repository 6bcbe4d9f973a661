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
from dagster import DagsterEventType
from dagster._core.events import RunFailureReason
from dagster._core.instance.ref import InstanceRef
from sqlalchemy.exc import DatabaseError
from yaml import YAMLError

from c2s_assets.clients.http import require_connection
from c2s_assets.core.errors import C2SError, LakeError
from c2s_assets.core.reports.text import from_markdown, one_line
from c2s_assets.defs.automation.catalogue import renew_catalogue
from c2s_assets.defs.automation.jobs import build_runs, choice, list_gene_symbols
from c2s_assets.defs.automation.refresh import list_cellxgene
from c2s_assets.defs.checks import because_of
from c2s_assets.defs.home import (
    errors_of_postgres,
    refuse_newer_database,
    refuse_newer_postgres,
    renew_settings,
    usable_home,
)
from c2s_assets.defs.launching import launch_processes
from c2s_assets.defs.partitions import datasets, releases
from c2s_assets.defs.processes import end_dead_runs, tags_of_living, was_stopped
from c2s_assets.defs.progress import Watcher, watched_by
from c2s_assets.defs.run_log import keep_connections
from c2s_assets.defs.step_output import leave_output
from c2s_assets.schemas.registry import REPORT, wanted_tables
from c2s_assets.storage.dataset import AssetState, Dataset
from c2s_assets.storage.lake.denials import machine_error
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.working_copy import is_removed
from c2s_assets.storage.unknown_ids import known_datasets

_HOME = "DAGSTER_HOME"
_PARTITION = "dagster/partition"


@dataclass(frozen=True)
class Step:
    """How one asset of a run ended; `problem` says why it failed."""

    asset: str
    seconds: float
    figures: dict[str, Any]
    problem: str | None = None


@dataclass(frozen=True)
class CheckOutcome:
    """One check of a run that did not hold; `because` may be another that is broken for the same cause."""

    asset: str
    claim: str
    message: str
    is_blocking: bool
    because: str | None = None


@dataclass(frozen=True)
class BuildReport:
    """How a build ended.

    `n_checks` and `n_hold` count as the validation report does: without its own, which are about all others.
    """

    succeeded: bool
    steps: list[Step]
    broken: list[CheckOutcome]
    n_checks: int

    @property
    def n_hold(self) -> int:
        """How many checks hold."""
        return self.n_checks - sum(check.asset != REPORT for check in self.broken)

    @property
    def problems(self) -> str:
        """Why it failed, in one line."""
        return "; ".join(step.problem for step in self.steps if step.problem)


@dataclass(frozen=True)
class DatasetStatus:
    """How a dataset stands: its tables as the lake has them, and how its last run ended.

    `states` is None where the record cannot be read; `problem` says why, or why the last run failed.
    """

    dataset_id: str
    states: Mapping[str, AssetState] | None
    last_run: str | None
    last_run_at: datetime | None
    problem: str | None

    @property
    def size_bytes(self) -> int:
        """Bytes of the source and of all tables, as far as they are built."""
        states = (self.states or {}).values()
        return sum(state.built.size_bytes for state in states if state.built is not None)


@contextmanager
def open_instance(layout: Layout, *, is_of_ui: bool = False) -> Iterator[dg.DagsterInstance]:
    """Open the instance in $DAGSTER_HOME or, if that is not set, in a folder of the lake.

    A home without settings gets ours, and one with older ones what is new. That of the UI shows what steps
    of its runs print; others leave that to the terminal.

    Raises
    ------
    LakeError
        If the files of the home cannot be made or written.
    """
    home = Path(os.environ.get(_HOME) or layout.dagster_home)
    try:
        usable = usable_home(home)
        os.environ[_HOME] = str(usable)
        instance = _open(usable, is_of_ui=is_of_ui)
    except errors_of_postgres() as error:
        why = _why(getattr(error.__cause__, "orig", error))
        raise LakeError(
            f"the Postgres that {home}/dagster.yaml names does not answer: {why}. "
            f"Start it, or correct its address in the environment."
        ) from error
    except (OSError, DatabaseError, dg.DagsterError, YAMLError) as error:
        said = machine_error(error, layout.root)
        raise LakeError(
            f"Dagster's files in {home} cannot be used. {said}"
            if said
            else f"Dagster's files in {home} cannot be used: {_why(error)}. Correct that, or move the folder "
            f"away to have it made anew: the tables are elsewhere."
        ) from error
    with instance:
        end_dead_runs(instance)
        yield instance


def register(instance: dg.DagsterInstance, dataset_id: str) -> None:
    """Add the dataset's partition; it may be there already."""
    instance.add_dynamic_partitions(datasets.name or "", [dataset_id])


def register_known(instance: dg.DagsterInstance, layout: Layout) -> None:
    """Add the partitions of all datasets of the lake to an instance that knows none: it is a new one.

    To any other, a partition that is not there was taken away by somebody.
    """
    name = datasets.name or ""
    if not instance.get_dynamic_partitions(name):
        instance.add_dynamic_partitions(name, sorted(known_datasets(layout)))


def unregister(instance: dg.DagsterInstance, dataset_id: str) -> bool:
    """Take the dataset's partition away, and tell whether there was one; its events stay."""
    name = datasets.name or ""
    was_there = instance.has_dynamic_partition(name, dataset_id)
    if was_there:
        instance.delete_dynamic_partition(name, dataset_id)
    return was_there


def build(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    dataset_id: str,
    *,
    assets: Sequence[str] | None = None,
    watcher: Watcher | None = None,
) -> BuildReport:
    """Build everything of a dataset in this process, or only some of its assets; see `watched_by`."""
    register(instance, dataset_id)
    job, selection = choice(wanted_tables() if assets is None else assets)
    with watched_by(watcher):
        return _run(instance, definitions, job, partition_key=dataset_id, asset_selection=selection)


def list_discover(instance: dg.DagsterInstance, definitions: dg.Definitions) -> BuildReport:
    """List what CELLxGENE Discover offers, in this process.

    Raises
    ------
    DownloadError
        If it cannot be reached, which is found out within seconds.
    """
    require_connection(_resource(definitions, "cellxgene").base_url)
    return _run(instance, definitions, list_cellxgene.name)


def take_gene_symbols(
    instance: dg.DagsterInstance, definitions: dg.Definitions, *, file: Path | None = None
) -> BuildReport:
    """Take the symbols of HGNC from its address or from a file, in this process; see `list_discover`."""
    if file is None:
        require_connection(_resource(definitions, "hgnc").url)
    config = {} if file is None else {"file": str(file)}
    return _run(instance, definitions, list_gene_symbols.name, config={"gene_symbols": {"config": config}})


def run_job(instance: dg.DagsterInstance, definitions: dg.Definitions, job: str) -> BuildReport:
    """Run a job that is about the whole lake, in this process."""
    return _run(instance, definitions, job)


def run_release(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    job: str,
    *,
    name: str,
    config: Mapping[str, Any],
) -> BuildReport:
    """Run a job about one release, in this process; its partition may be there already."""
    instance.add_dynamic_partitions(releases.name or "", [name])
    return _run(instance, definitions, job, partition_key=name, config=config)


def build_catalogue(instance: dg.DagsterInstance, definitions: dg.Definitions) -> BuildReport:
    """Build the catalogue and the report on the corpus, in this process."""
    return _run(instance, definitions, renew_catalogue.name)


def list_datasets(instance: dg.DagsterInstance | None, layout: Layout) -> list[DatasetStatus]:
    """Tell how every dataset stands, by id: what is built from the lake, and what failed from Dagster.

    Parameters
    ----------
    instance
        None where it cannot be opened: then nothing is known of runs.
    """
    last_runs: dict[str | None, Any] = {}
    registered: Sequence[str] = ()
    if instance is not None:
        for record in reversed(build_runs(instance)):
            last_runs[record.dagster_run.tags.get(_PARTITION)] = record
        registered = instance.get_dynamic_partitions(datasets.name or "")
    settings = read_settings(layout)
    return [
        _status(instance, Dataset(layout, dataset_id, settings), last_runs.get(dataset_id))
        for dataset_id in sorted({*registered, *known_datasets(layout)})
        if not is_removed(layout, dataset_id)
    ]


def _why(error: BaseException) -> str:
    return one_line(" ".join(str(error).split()), longest=300)


def _resource(definitions: dg.Definitions, name: str) -> Any:
    return (definitions.resources or {})[name]


def _open(home: Path, *, is_of_ui: bool) -> dg.DagsterInstance:
    with (home / ".c2s-lock").open("w") as lock:
        # Two processes that make Dagster's SQLite files at the same time leave them unusable.
        fcntl.flock(lock, fcntl.LOCK_EX)
        refuse_newer_database(home)
        renew_settings(home)
        ref = keep_connections(InstanceRef.from_dir(str(home)))
        instance = dg.DagsterInstance.from_ref(launch_processes(ref) if is_of_ui else leave_output(ref))
        refuse_newer_postgres(instance)
        return instance


def _status(instance: dg.DagsterInstance | None, dataset: Dataset, last_run: Any) -> DatasetStatus:
    status = None if last_run is None else last_run.dagster_run.status
    problem, states = None, None
    if instance is not None and status == dg.DagsterRunStatus.FAILURE:
        problem = _problem_of_run(instance, last_run.dagster_run, dataset.dataset_id)
    if status == dg.DagsterRunStatus.CANCELED:
        problem = f"the build was stopped. Go on with: c2s build --outdated {dataset.dataset_id}"
    try:
        states = dataset.state()
        dataset.settings.entry(dataset.dataset_id)  # of what is not built yet, nothing else looks at it
    except C2SError as error:  # a torn record, a link that leads out of the lake, a mistake in its entry
        problem = str(error)
    return DatasetStatus(
        dataset_id=dataset.dataset_id,
        states=states,
        last_run=None if status is None else status.value.lower(),
        last_run_at=None
        if last_run is None or not last_run.start_time
        else datetime.fromtimestamp(last_run.start_time).astimezone(),
        problem=problem,
    )


def _problem_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun, dataset_id: str) -> str:
    """Say why a run failed; of one that was stopped from outside, at which step."""
    failed = instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
    if failed and not was_stopped(run):
        return _problem(failed[0].dagster_event)
    begun = [log.dagster_event for log in instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_START)]
    if not begun and not was_stopped(run):
        return "the run did not start; the Dagster UI says why"
    step = begun[-1].step_key if begun and begun[-1] is not None else None
    return (
        f"{step or 'before its first step'}: the run was killed, or the machine was stopped; what was "
        f"published is whole. It goes on by itself while c2s ui runs, or with: c2s build --outdated "
        f"{dataset_id}"
    )


def _run(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    job: str,
    *,
    partition_key: str | None = None,
    asset_selection: Sequence[dg.AssetKey] | None = None,
    config: Mapping[str, Any] | None = None,
) -> BuildReport:
    with tags_of_living(instance) as tags:
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=partition_key,
            raise_on_error=False,
            run_config={"loggers": {"terminal": {}}, "ops": config or {}},
            tags=tags,
            asset_selection=asset_selection,
        )
    if any(_is_interruption(event) for event in result.all_events):
        _report_stopped(instance, result.run_id)
        raise KeyboardInterrupt
    return _report(result.all_events, succeeded=result.success)


def _is_interruption(event: dg.DagsterEvent) -> bool:
    """Whether a run says that it ended because of Ctrl-C, which Dagster hands on to nobody."""
    return (
        event.event_type == DagsterEventType.RUN_FAILURE
        and event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION
    )


def _report_stopped(instance: dg.DagsterInstance, run_id: str) -> None:
    """Report a run as cancelled, which Dagster takes for failed unless it was cancelled in the UI."""
    run = instance.get_run_by_id(run_id)
    if run is not None:
        instance.report_run_canceled(run, message="It was stopped where it was started.")


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
        n_checks=sum(check.asset_key.to_user_string() != REPORT for check in checks),
    )


def _outcome(check: Any) -> CheckOutcome:
    return CheckOutcome(
        asset=check.asset_key.to_user_string(),
        claim=check.check_name,
        message=from_markdown(check.description or ""),
        is_blocking=check.severity == dg.AssetCheckSeverity.ERROR,
        because=because_of(check),
    )


def _problem(event: Any) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None:
        return str(data.user_failure_data.description)
    error = data.error.cause or data.error
    return str(error.message).strip()
