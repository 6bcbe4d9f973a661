"""Runs in a process of their own, as of `c2s build`: when the process is killed, they have ended.

Dagster watches over the runs that it started itself. Others it takes for running until they are six hours
old, and what waits for them waits as long.
"""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus

_PROCESS = "c2s/process"
_RUNNING = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


@contextmanager
def tags_of_living(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Give tags to a run in this process by which others see that it lives, as long as the block lasts."""
    folder = _folder(instance)
    folder.mkdir(exist_ok=True)
    path = folder / secrets.token_hex(8)
    with path.open("x") as lock:  # the system takes the lock from whoever dies
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield {_PROCESS: path.name}
        finally:
            path.unlink(missing_ok=True)


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Report runs as failed whose process has gone."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_RUNNING)):
        process = run.tags.get(_PROCESS)
        if process is not None and not _lives(_folder(instance) / process):
            instance.report_run_failed(run, "Its process was killed, or the machine was stopped.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / ".c2s-processes"


def _lives(path: Path) -> bool:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
