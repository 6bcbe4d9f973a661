"""`c2s ui` runs unattended: whatever is killed, what was dropped is built, and nothing is left running."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import debris
from c2s_assets_tests.end_to_end.commands import c2s
from c2s_assets_tests.end_to_end.running_ui import Ui, members, running_ui, wait_until
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

pytestmark = [pytest.mark.slow, pytest.mark.waits]

_RUN = "c2s_assets.defs.attached dagster api execute_run"
_CODE_SERVER = "c2s_assets.defs.attached dagster api grpc"
_DAEMON = "c2s_assets.defs.attached dagster._daemon"


def _drop(layout: Layout, *names: str) -> None:
    for seed, name in enumerate(names):
        drop_toy_h5ad(layout, name, n_obs=300, seed=seed)


def _processes(ui: Ui, command: str) -> list[int]:
    """Numbers of the processes of a UI whose command line holds some words."""
    return [number for number in members(ui.process) if command in _command(number)]


def _command(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
    except FileNotFoundError:
        return ""


def _runs(ui: Ui) -> list[tuple[str, str]]:
    """Dataset and status of each run, the newest first."""
    data = ui.ask("{runsOrError(limit: 50) {... on Runs {results {status tags {key value}}}}}")
    return [
        (next(tag["value"] for tag in run["tags"] if tag["key"] == "dagster/partition"), run["status"])
        for run in data["runsOrError"]["results"]
        if any(tag["key"] == "dagster/partition" for tag in run["tags"])
    ]


def _built(ui: Ui) -> set[str]:
    return {dataset_id for dataset_id, status in _runs(ui) if status == "SUCCESS"}


def _wait_for_runs(ui: Ui, n_runs: int) -> None:
    """Wait until so many runs have begun, in processes of their own."""
    wait_until(lambda: [status for _, status in _runs(ui)].count("STARTED") == n_runs, seconds=300)
    assert len(_processes(ui, _RUN)) == n_runs


def test_after_a_power_cut_what_was_under_way_is_marked_and_tried_again(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    _drop(layout, "one", "two")
    with running_ui(layout) as before:
        _wait_for_runs(before, 2)
        for number in members(before.process):
            with suppress(ProcessLookupError):  # it ended with another
                os.kill(number, signal.SIGKILL)
        before.process.wait(timeout=20)
    told = c2s("ls", lake=layout.root).stdout
    assert told.count("the run was killed, or the machine was stopped") == 2
    with running_ui(layout) as after:
        assert _runs(after)[-2:] == [("two", "FAILURE"), ("one", "FAILURE")]
        wait_until(lambda: _built(after) == {"one", "two"}, seconds=180)
    assert debris(layout) == []


def test_whatever_process_is_killed_the_others_go_on_and_the_dataset_is_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    with running_ui(layout) as ui:
        _drop(layout, "run")
        _wait_for_runs(ui, 1)
        os.kill(_processes(ui, _RUN)[0], signal.SIGKILL)
        wait_until(lambda: ("run", "FAILURE") in _runs(ui), seconds=60)
        wait_until(lambda: "run" in _built(ui), seconds=180)

        _drop(layout, "server")
        _wait_for_runs(ui, 1)
        os.kill(_processes(ui, _CODE_SERVER)[0], signal.SIGKILL)
        wait_until(lambda: "server" in _built(ui), seconds=180)

        (first,) = _processes(ui, _DAEMON)
        os.kill(first, signal.SIGKILL)
        _drop(layout, "daemon")
        wait_until(lambda: "daemon" in _built(ui), seconds=180)
        assert _processes(ui, _DAEMON) != [first]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_it_started_ends_with_it_whatever_ends_it(tmp_path: Path, signal_number: int) -> None:
    """Only the command itself is told; in a terminal Ctrl-C tells the others as well."""
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_obs=4000)  # not built before it is told
    with running_ui(layout) as ui:
        _wait_for_runs(ui, 1)
        ui.process.send_signal(signal_number)
        status = ui.process.wait(timeout=60)
        wait_until(lambda: members(ui.process) == [], seconds=20)
    assert status == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    log = (layout.root / "ui.log").read_text()
    assert "Traceback" not in log.partition("Serving the Dagster UI")[2] or signal_number == signal.SIGKILL
    told = c2s("ls", lake=layout.root).stdout
    assert "last run: failure" in told
    assert "the run was killed, or the machine was stopped" in told


def test_a_run_that_is_terminated_in_the_ui_ends(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    _drop(layout, "toy")
    with running_ui(layout) as ui:
        _wait_for_runs(ui, 1)
        (run,) = ui.ask("{runsOrError(limit: 1) {... on Runs {results {runId}}}}")["runsOrError"]["results"]
        ui.ask(f'mutation {{terminateRun(runId: "{run["runId"]}") {{__typename}}}}')
        wait_until(lambda: ("toy", "CANCELED") in _runs(ui), seconds=60)
        wait_until(lambda: _processes(ui, _RUN) == [], seconds=20)
