"""How a run gets to a worker on another machine: through a queue in Redis, or as a job of Kubernetes."""

import json
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher
from dagster._serdes import ConfigurableClassData, pack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from c2s_assets.core.errors import ConfigError
from c2s_assets.defs.launching import health, to_execute
from c2s_assets.defs.processes import PROCESS, Process, end_run, is_dead, send_here, stop

LAUNCHER = "c2s/launcher"
QUEUE = "dagster"
# What a worker is asked for, see `worker`.
SIGNAL_CHILD = "signal_child"
_KUBERNETES = "k8s"
_CELERY_SETTINGS = {
    "task_ignore_result": True,  # Dagster's events say how a run ended
    # A worker takes the next run when it has ended the last: what it held in reserve would go with it.
    "worker_disable_prefetch": True,
    # Builds take up to 1.75 GB. A process that holds more after one is replaced before the next.
    "worker_max_memory_per_child": 3_000_000,
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # a run needs Redis for nothing
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # Redis may be away for as long as it takes
    # The daemon tries for half a minute to hand a run on, which Redis takes less to be started again.
    "task_publish_retry_policy": {"max_retries": 10, "interval_start": 0.2, "interval_max": 5.0},
    "broker_transport_options": {"socket_keepalive": True, "health_check_interval": 15},
}


class WorkerLauncher(CeleryRunLauncher):
    """Hands each run to a worker (`c2s worker`), and those with the tag `c2s/launcher: k8s` to Kubernetes.

    `dagster_celery` 0.29 asks the result of a task whether its run lives, which never changes when a worker
    or its machine is gone, and does not tell the run that it is to stop. Here a run lives for as long as its
    process holds its sign of life, wherever that is.

    Parameters
    ----------
    broker
        Address of Redis.
    kubernetes
        Settings of Dagster's `K8sRunLauncher`; None where there is no Kubernetes.
    """

    def __init__(
        self,
        broker: str,
        kubernetes: Mapping[str, Any] | None = None,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        self._kubernetes = kubernetes
        super().__init__(
            default_queue=QUEUE,
            broker=broker,
            backend="disabled://",
            config_source=_CELERY_SETTINGS,
            inst_data=inst_data,
        )

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """What the instance's settings may say."""
        return {
            "broker": dg.Field(dg.StringSource, description="Address of Redis: redis://..."),
            "kubernetes": dg.Field(
                dg.Noneable(dict),
                is_required=False,
                description="Settings of Dagster's K8sRunLauncher, for runs with the tag c2s/launcher: k8s.",
            ),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "WorkerLauncher":
        """Make one of what the instance's settings say."""
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Put a run into the queue, or have Kubernetes start a job for it."""
        run = context.dagster_run
        if self._is_of_kubernetes(run):
            self._kubernetes_launcher.launch_run(context)
            return
        # Dagster's own would declare the task once more for each run, of which Celery 5.7 warns each time.
        packed = pack_value(to_execute(context, self._instance))
        task = self.celery.signature(
            TASK_EXECUTE_JOB_NAME, kwargs={"execute_job_args_packed": packed}, immutable=True
        )
        self._launch_celery_task_run(run=run, task_signature=task, routing_key=TASK_EXECUTE_JOB_NAME)

    def terminate(self, run_id: str) -> bool:
        """Have the run stopped, which may take a while; one whose process has gone is cancelled."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if self._is_of_kubernetes(run):
            return bool(self._kubernetes_launcher.terminate(run_id))
        self._instance.report_run_canceling(run)
        threading.Thread(target=self._stop, args=(run,), daemon=True).start()
        return True

    @property
    def supports_resume_run(self) -> bool:
        """A run that is gone is asked for again by who asked for it, as on one machine."""
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Tell whether the process of a run lives."""
        if self._is_of_kubernetes(run):
            return self._kubernetes_launcher.check_run_worker_health(run)
        return health(self._instance, run)

    def get_run_worker_debug_info(
        self, run: dg.DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        """Say where a run is that did not start in time."""
        if self._is_of_kubernetes(run):
            launcher = self._kubernetes_launcher
            return launcher.get_run_worker_debug_info(run, include_container_logs=include_container_logs)
        return "No worker took it from the queue in time. See whether one runs: c2s worker"

    def _is_of_kubernetes(self, run: dg.DagsterRun) -> bool:
        wanted = run.tags.get(LAUNCHER)
        if wanted not in (None, _KUBERNETES):
            raise ConfigError(
                f"run {run.run_id}: the tag {LAUNCHER} is {wanted!r}, and there is only {_KUBERNETES!r}. "
                f"Without the tag a worker takes it."
            )
        return wanted is not None

    @cached_property
    def _kubernetes_launcher(self) -> "RunLauncher[dg.DagsterInstance]":
        if self._kubernetes is None:
            raise ConfigError(
                f"a run has the tag {LAUNCHER}: {_KUBERNETES}, and dagster.yaml says nothing of Kubernetes. "
                f"Say it there (run_launcher: config: kubernetes), or leave the tag out."
            )
        said = ConfigurableClassData("dagster_k8s", "K8sRunLauncher", json.dumps(dict(self._kubernetes)))
        launcher: RunLauncher[dg.DagsterInstance] = said.rehydrate(as_type=RunLauncher)  # type: ignore[type-abstract]
        launcher.register_instance(self._instance)
        return launcher

    def _stop(self, run: dg.DagsterRun) -> None:
        """Have whoever runs it stop, and end the run unless that goes on: then the daemon waits for it."""
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if task is not None:
            self.celery.control.revoke(task)  # in case that it still waits in the queue
        now = self._instance.get_run_by_id(run.run_id) or run
        stop(self._instance, now, send=send_here if task is None else self._send)
        if PROCESS not in now.tags or is_dead(self._instance, now):
            end_run(self._instance, now)

    def _send(self, process: Process, how: int) -> bool:
        """Have the worker that has the process as its child send it a signal, on whichever machine.

        Celery's own `revoke(terminate=True)` is of no use: it knows a task no longer once it was asked to end
        it, so that it never kills; and Dagster 1.13 has a process ignore SIGTERM after its first run where
        SIGINT was ignored before, as Celery has it.
        """
        arguments = {"machine": process.machine, "number": process.number, "how": how}
        self.celery.control.broadcast(SIGNAL_CHILD, arguments=arguments)
        return True
