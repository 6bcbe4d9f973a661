"""A worker: takes runs from the queue, one after the other, in a process that stays warm between them.

That process is a fork of one that hears meanwhile what the worker is asked. What libraries have begun to do
in threads stands still in a fork for ever, so that this module loads nothing that computes.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

import celery
import dagster as dg
from dagster import DagsterRunStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.tasks import create_execute_job_task

from c2s_assets.defs.processes import tags_of_living
from c2s_assets.defs.workers.launching import QUEUE, WorkerLauncher
from c2s_assets.storage.lake.layout import locate_lake
from c2s_assets.storage.lake.presence import present

_TO_START = (DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING)


def main() -> None:
    """Work until asked to end by SIGTERM or SIGINT, which waits for the run under way."""
    layout = locate_lake(os.environ.get("C2S_LAKE"))
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher
    if not isinstance(launcher, WorkerLauncher):
        raise TypeError(f"run launcher {launcher!r}")
    create_execute_job_task(launcher.celery, base=LivingTask)
    with present(layout):
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
