"""How the daemon starts a run: in a process of its own, of which it is known whether it lives."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value
from sqlalchemy.exc import DatabaseError

from c2s_assets.defs.forking import Started, start
from c2s_assets.defs.processes import PROCESS, end_run, is_dead, note_process, sign_of_life, stop


def launch_processes(ref: InstanceRef) -> InstanceRef:
    """Have an instance that starts runs as Dagster does by default use `ProcessLauncher`.

    Dagster 1.13 starts them in the code server, which knows them while it lives and is asked about nothing:
    what went with it, or with the machine, counts as running, and cannot be terminated. Once Dagster's own
    launcher can be asked for the health of a run, this file can go.
    """
    launcher = ref.run_launcher_data
    if launcher is not None and launcher.class_name != DefaultRunLauncher.__name__:
        return ref
    ours = ConfigurableClassData(__name__, ProcessLauncher.__name__, "{}")
    return ref._replace(run_launcher_data=ours)


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> CheckRunHealthResult:
    """Tell Dagster's watch over runs whether the process of a run lives."""
    if is_dead(instance, run):
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its process has gone")
    return CheckRunHealthResult(WorkerStatus.RUNNING)


def to_execute(context: LaunchRunContext, instance: dg.DagsterInstance) -> ExecuteRunArgs:
    """Say what the process of a run has to know."""
    run, origin = context.dagster_run, context.job_code_origin
    if origin is None:
        raise dg.DagsterInvariantViolationError(f"Run {run.run_id} does not say where its job comes from.")
    return ExecuteRunArgs(origin, run.run_id, instance.get_ref())


class ProcessLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Starts each run as `dagster api execute_run`, and watches over it."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What the instance's settings say."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """There is nothing to set."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "ProcessLauncher":
        """Make one of what the instance's settings say."""
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a process that holds the run's sign of life, and end the run when the process has ended."""
        run, execute = context.dagster_run, to_execute(context, self._instance)
        command = ["dagster", "api", "execute_run", serialize_value(execute)]
        with sign_of_life(self._instance, run.run_id) as file:
            self._instance.add_run_tags(run.run_id, {PROCESS: run.run_id})
            process = start("run", command, held=[file.fileno()])
            note_process(file, process.pid)
        threading.Thread(target=self._watch, args=(process, run, Path(file.name)), daemon=True).start()

    def terminate(self, run_id: str) -> bool:
        """Have the process stopped, which may take a while; a run whose process has gone is cancelled."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        threading.Thread(target=self._stop, args=(run,), daemon=True).start()
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """So that Dagster's daemon looks after runs whose daemon was killed."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Tell whether the process of a run lives."""
        return health(self._instance, run)

    def _stop(self, run: dg.DagsterRun) -> None:
        stop(self._instance, run)
        end_run(self._instance, run)

    def _watch(self, process: Started, run: dg.DagsterRun, sign: Path) -> None:
        process.wait()
        sign.unlink(missing_ok=True)
        with suppress(DatabaseError):  # on a full disk; the daemon's watch over runs looks again
            end_run(self._instance, run)
