"""A worker: takes runs from the queue, one after the other, in a process that stays warm between them.

That process is a fork of one that hears meanwhile what the worker is asked. What libraries have begun to do
in threads stands still in a fork for ever, so that this module loads nothing that computes.
"""

import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

import celery
import dagster as dg
from celery import signals
from celery.utils.log import get_multiprocessing_logger
from celery.worker.control import control_command
from dagster import DagsterRunStatus
from dagster._cli.api import _execute_run_command_body
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME

from c2s_assets.defs.logs import JSON, keep_tracebacks, log_format, write_json
from c2s_assets.defs.processes import Process, send_here, tags_of_living
from c2s_assets.defs.workers.launching import QUEUE, SIGNAL_CHILD, WorkerLauncher
from c2s_assets.storage.lake.locating import known_lake
from c2s_assets.storage.lake.presence import present

# As of the webserver, for a statement, for a connection, and connections beyond a pool of one.
_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_MORE = 60_000, 3_600, 20
_TO_START = (DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING)


def main() -> None:
    """Work until asked to end by SIGTERM or SIGINT, which waits for the run under way."""
    layout = known_lake(os.environ.get("C2S_LAKE"))
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher
    if not isinstance(launcher, WorkerLauncher):
        raise TypeError(f"run launcher {launcher!r}")
    launcher.celery.register_task(BuildTask())
    keep_tracebacks()
    if log_format() == JSON:
        for is_set_up in (signals.after_setup_logger, signals.after_setup_task_logger):
            is_set_up.connect(_write_json)
    with present(layout):
        launcher.celery.worker_main(_arguments(name=f"c2s-{os.getpid()}@{socket.gethostname()}"))


class BuildTask(celery.Task):
    """The task that builds a dataset: Dagster's own, of a run that can be seen to live from every machine."""

    name = TASK_EXECUTE_JOB_NAME

    def run(self, execute_job_args_packed: Mapping[str, Any]) -> int:
        """Run what the launcher has packed; 0 if all went well."""
        run_id = unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs).run_id
        with dg.DagsterInstance.get() as instance, tags_of_living(instance) as tags:
            # Dagster would open a connection for every statement, some 1,100 for a small build, for each of
            # which Postgres forks. For a run alone, so that one that was cut is not met by the next.
            instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_MORE)
            run = instance.get_run_by_id(run_id)
            # Redis may give a task to two workers, of which Dagster lets the first go on.
            if run is not None and run.status in _TO_START:
                instance.add_run_tags(run_id, tags)
            return _execute_run_command_body(run_id, instance, _unheard, set_exit_code_on_failure=True)


@control_command(name=SIGNAL_CHILD)  # type: ignore[untyped-decorator]
def signal_child(state: Any, *, machine: str, number: int, how: int) -> None:
    """Send a signal to a process if it is a child of this worker: a run is to stop, see `WorkerLauncher`."""
    if number in state.consumer.pool.info["processes"]:
        send_here(Process(number, machine), how)


def _write_json(logger: logging.Logger, **_: object) -> None:
    """Take a logger that Celery has set up, and that of its pool, which tells of a child that was killed."""
    write_json(logger)
    write_json(get_multiprocessing_logger())


def _unheard(_: dg.DagsterEvent) -> None:
    """Take an event that nobody waits for: it is in Postgres."""


def _arguments(*, name: str) -> list[str]:
    return [
        *(["--quiet"] if log_format() == JSON else []),  # no banner
        *("worker", "--hostname", name, "--queues", QUEUE),
        # A child that builds, and a parent that hears what it is asked meanwhile.
        *("--pool", "prefork", "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ]


if __name__ == "__main__":
    main()
