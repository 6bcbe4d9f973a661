"""Which process a run is in: when that is gone, the run has ended, whatever Dagster's files say.

The process of a run holds a lock on a file that the run names in a tag. The system takes the lock from
whoever dies, and no process of another time can be taken for it. Dagster's own watch over runs knows only
those of a cluster: others it takes for running until they are six hours old, and what waits for them waits as
long.
"""

import fcntl
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import dagster as dg
from dagster import DagsterRunStatus
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import GRPC_INFO_TAG, RUN_FAILURE_REASON_TAG

PROCESS = "c2s/process"
_STOPPING_SECONDS = 8.0
# What a run says of itself when it fails; of one that was stopped Dagster says nothing, or something else.
_OF_ITSELF = {reason.value for reason in (RunFailureReason.STEP_FAILURE, RunFailureReason.RUN_EXCEPTION)}
_RUNNING = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


class Process(NamedTuple):
    """A process, and the machine that numbers it so."""

    number: int
    machine: str


@contextmanager
def tags_of_living(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Give tags to a run in this process by which others see that it lives, as long as the block lasts."""
    name = secrets.token_hex(8)
    with sign_of_life(instance, name) as file:
        note_process(file, os.getpid())
        try:
            yield {PROCESS: name}
        finally:
            Path(file.name).unlink(missing_ok=True)


def sign_of_life(instance: dg.DagsterInstance, name: str) -> IO[str]:
    """Make a file that stays locked for as long as any process has it open.

    Its name is that of a run where the daemon starts a process for it alone.
    """
    folder = _folder(instance)
    folder.mkdir(exist_ok=True)
    file = (folder / name).open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def note_process(file: IO[str], number: int) -> None:
    """Note which process holds the file, and of which machine: numbers are used on each."""
    file.write(f"{number} {socket.gethostname()}")
    file.flush()


def is_dead(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process of a run has gone; of a run that names none, nobody knows."""
    name = run.tags.get(PROCESS)
    return name is not None and not _lives(_folder(instance) / name)


def is_any_alive(instance: dg.DagsterInstance) -> bool:
    """Whether a run goes on in a process that the daemon started."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_RUNNING))
    return any(run.tags.get(PROCESS) == run.run_id and not is_dead(instance, run) for run in runs)


def was_stopped(run: dg.DagsterRun) -> bool:
    """Whether a run failed because its process was stopped from outside, and not by itself."""
    said = run.tags.get(RUN_FAILURE_REASON_TAG)
    return run.status == DagsterRunStatus.FAILURE and said not in _OF_ITSELF


def send_here(process: Process, how: int) -> bool:
    """Send a signal to a process, and tell whether it is one of this machine."""
    if process.machine != socket.gethostname():
        return False
    with suppress(ProcessLookupError):  # it has ended since
        os.kill(process.number, how)
    return True


def stop(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    *,
    send: Callable[[Process, int], bool] = send_here,
) -> None:
    """Have the process of a run end: ask it as Ctrl-C does, then once more, then without asking.

    A run of Dagster 1.13 that is asked once goes on at times, with the request taken and forgotten.

    Parameters
    ----------
    send
        Sends a signal, and tells whether it can be sent to that process at all.
    """
    for how in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        process = _process_of(instance, run)
        if process is None or not send(process, how):
            return
        deadline = time.monotonic() + _STOPPING_SECONDS
        while not is_dead(instance, run) and time.monotonic() < deadline:
            time.sleep(0.2)


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Report runs as failed whose process has gone."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_RUNNING)):
        if is_dead(instance, run):
            end_run(instance, run)


def end_runs_without_process(instance: dg.DagsterInstance) -> None:
    """Report runs as failed that a daemon began to start, and never did.

    To be called where no daemon of this instance runs. Runs of a c2s_assets before 0.2 name no process; they
    went with the code server that they were started in.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=_RUNNING)):
        is_of_daemon = run.status == DagsterRunStatus.STARTING or GRPC_INFO_TAG in run.tags
        if is_of_daemon and PROCESS not in run.tags:
            end_run(instance, run)


def end_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Report a run as stopped from outside unless it has ended; as cancelled if that was asked for."""
    now = instance.get_run_by_id(run.run_id)
    if now is None or now.is_finished:
        return
    said = "Its process was killed, or the machine was stopped."
    if now.status == DagsterRunStatus.CANCELING:
        instance.report_run_canceled(now, said)
    else:
        reason = RunFailureReason.UNEXPECTED_TERMINATION
        instance.report_run_failed(now, said, JobFailureData(error=None, failure_reason=reason))
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Process | None:
    """Find the process of a run that lives."""
    name = run.tags.get(PROCESS)
    if name is None or is_dead(instance, run):
        return None
    try:
        number, machine = (_folder(instance) / name).read_text().split()
    except (FileNotFoundError, ValueError):  # it has ended since, or has not said yet
        return None
    return Process(int(number), machine)


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
