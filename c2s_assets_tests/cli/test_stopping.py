"""Ctrl-C while datasets are built; of queries see end_to_end/test_stopping."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from c2s_assets.storage.h5ad import answering
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.toy import make_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lake(tmp_path_factory.mktemp("lake"), "first", "second").root


def test_a_build_that_is_stopped_says_so_and_is_taken_up_again(lake: Path) -> None:
    before = _children()
    presser = threading.Thread(
        target=_press_ctrl_c_once_there_is, args=[lake / "datasets/first/profile.json"]
    )
    presser.start()
    stopped = c2s("build", "first", "second", lake=lake)
    presser.join()

    assert stopped.status == 130
    assert stopped.err.splitlines()[-2:] == [
        "c2s: what is published of first is whole. Go on with: c2s build --outdated first second",
        "c2s: stopped",
    ]
    assert "Traceback" not in stopped.out + stopped.err
    assert "first: " not in stopped.out
    assert [command for pid, command in _children().items() if pid not in before] == []
    first, _ = json.loads(c2s("ls", "--json", lake=lake).out)
    assert first["last_run"] == "canceled"
    assert first["problem"] == "the build was stopped. Go on with: c2s build --outdated first"
    assert first["tables"]["dataset_profile"]["standing"] == "built"
    assert first["tables"]["validation_report"]["standing"] == "missing"

    went_on = c2s("build", "--outdated", "first", lake=lake)
    assert went_on.status == 0, went_on.err
    assert "dataset_profile" not in went_on.out
    assert "validation_report" in went_on.out
    assert "12/12 built   last run: success" in c2s("ls", lake=lake).out


def _press_ctrl_c_once_there_is(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def _children() -> dict[str, str]:
    """Name the running processes it has started, but for those that wait for files to survey."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}  # none: it has ended
    return {pid: said for pid, said in commands.items() if said and answering.__name__ not in said}
