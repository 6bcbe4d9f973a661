"""A worker: takes runs from the queue, one after the other, in a process that stays warm between them."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import celery
import dagster as dg
from dagster import DagsterRunStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.tasks import create_execute_job_task

from c2s_assets.core.errors import ConfigError
from c2s_assets.defs.processes import tags_of_living
from c2s_assets.defs.workers.launching import QUEUE, WorkerLauncher

_TO_START = (DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING)


def become_worker(instance: dg.DagsterInstance) -> NoReturn:
    """Let a worker take the place of this process.

    It starts anew because it forks the process that builds, and what other libraries have begun to do in
    threads would stand still there for ever.

    Raises
    ------
    ConfigError
        If runs of this instance do not go through a queue.
    """
    if not isinstance(instance.run_launcher, WorkerLauncher):
        raise ConfigError(
            f"{instance.root_directory}/dagster.yaml: runs of this lake are started by c2s ui itself, on its "
            f"machine, so there is nothing for a worker to take. For several machines see deploy/README.md."
        )
    os.execv(sys.executable, [sys.executable, "-m", __name__])  # noqa: S606  our own words


def main() -> None:
    """Work until asked to end by SIGTERM or SIGINT, which waits for the run under way."""
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher
    if not isinstance(launcher, WorkerLauncher):
        raise TypeError(f"run launcher {launcher!r}")
    create_execute_job_task(launcher.celery, base=LivingTask)
    launcher.celery.worker_main(_arguments(name=f"c2s-{os.getpid()}@{socket.gethostname()}"))


class LivingTask(celery.Task):
    """The task that builds a dataset; its run can be seen to live from every machine."""

    def __call__(self, execute_job_args_packed: Mapping[str, Any]) -> int:
        """Run what Dagster's own task runs."""
        run_id = unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs).run_id
        with dg.DagsterInstance.get() as instance, tags_of_living(instance) as tags:
            run = instance.get_run_by_id(run_id)
            # Redis may give a task to two workers, of which Dagster lets the first go on.
            if run is not None and run.status in _TO_START:
                instance.add_run_tags(run_id, tags)
            return int(self.run(execute_job_args_packed))


def _arguments(*, name: str) -> list[str]:
    return [
        *("worker", "--hostname", name, "--queues", QUEUE),
        # A child that builds, and a parent that hears what it is asked meanwhile.
        *("--pool", "prefork", "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ]


if __name__ == "__main__":
    main()
