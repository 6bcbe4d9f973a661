"""Runs that the daemon started: it is known whether they live, and terminating them always ends them."""

import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from c2s_assets.defs import processes
from c2s_assets.defs.launching import ProcessLauncher, launch_processes
from c2s_assets.defs.processes import PROCESS, end_runs_without_process, note_process, sign_of_life
from c2s_assets_tests.defs.test_processes import start, status

# Takes no notice of being asked to stop.
_DEAF = "import signal, time; signal.signal(2, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def launcher(instance: dg.DagsterInstance) -> ProcessLauncher:
    launcher = ProcessLauncher()
    launcher.register_instance(instance)
    return launcher


def _run_of_daemon(instance: dg.DagsterInstance) -> dg.DagsterRun:
    run_id = start(instance, {})
    instance.add_run_tags(run_id, {PROCESS: run_id})
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run


def wait_for(instance: dg.DagsterInstance, run: dg.DagsterRun, expected: dg.DagsterRunStatus) -> None:
    deadline = time.monotonic() + 30
    while status(instance, run.run_id) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status(instance, run.run_id) == expected


def test_a_run_lives_for_as_long_as_its_process_holds_its_sign(
    instance: dg.DagsterInstance, launcher: ProcessLauncher
) -> None:
    run = _run_of_daemon(instance)
    with sign_of_life(instance, run.run_id) as sign:
        command = [sys.executable, "-c", _DEAF]
        process = subprocess.Popen(command, pass_fds=[sign.fileno()], stdout=subprocess.PIPE)
    assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    process.kill()
    process.communicate()
    assert launcher.check_run_worker_health(run).status == WorkerStatus.NOT_FOUND


def test_a_process_that_does_not_stop_when_it_is_asked_is_killed(
    instance: dg.DagsterInstance, launcher: ProcessLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_STOPPING_SECONDS", 0.3)
    run = _run_of_daemon(instance)
    with sign_of_life(instance, run.run_id) as sign:
        command = [sys.executable, "-c", _DEAF]
        process = subprocess.Popen(command, pass_fds=[sign.fileno()], stdout=subprocess.PIPE)
        note_process(sign, process.pid)
    assert process.stdout is not None
    process.stdout.readline()
    assert launcher.terminate(run.run_id)
    wait_for(instance, run, dg.DagsterRunStatus.CANCELED)
    assert process.wait(timeout=10) == -9
    process.stdout.close()


def test_terminating_a_run_whose_process_has_gone_ends_it(
    instance: dg.DagsterInstance, launcher: ProcessLauncher
) -> None:
    run = _run_of_daemon(instance)
    assert launcher.terminate(run.run_id)
    wait_for(instance, run, dg.DagsterRunStatus.CANCELED)
    assert not launcher.terminate(run.run_id)


def test_runs_of_an_earlier_version_and_those_never_started_end_before_a_daemon_starts(
    instance: dg.DagsterInstance,
) -> None:
    earlier, by_hand = start(instance, {GRPC_INFO_TAG: "{}"}), start(instance, {})
    end_runs_without_process(instance)
    assert status(instance, earlier) == dg.DagsterRunStatus.FAILURE
    assert status(instance, by_hand) == dg.DagsterRunStatus.STARTED


def test_a_launcher_that_the_operator_chose_stays(instance: dg.DagsterInstance) -> None:
    ref = instance.get_ref()
    ours = launch_processes(ref).run_launcher_data
    assert ours is not None
    assert ours.class_name == "ProcessLauncher"
    chosen = ref._replace(run_launcher_data=ours._replace(class_name="DockerRunLauncher"))
    assert launch_processes(chosen) == chosen
