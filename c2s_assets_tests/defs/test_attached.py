"""Tests of processes that end with `c2s ui`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from c2s_assets.defs import attached

# Python passes over what is raised in a finalizer.
_FINALIZER = """
import signal

class Freed:
    def __del__(self):
        {raises}

Freed()
print("went on")
"""


# As the daemon and the code server do.
_LOGS = """
import logging
from dagster._utils.log import configure_loggers

configure_loggers(formatter="json")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("dagster").exception("could not divide")
"""


def _run(tmp_path: Path, code: str, *, pipe: int | None = None) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "tried.py").write_text(code)
    held = {} if pipe is None else attached.attach_to(pipe)
    return subprocess.run(
        [sys.executable, "-m", attached.__name__, "try", "tried"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"} | held,
        pass_fds=() if pipe is None else (pipe,),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_started_while_its_ui_ends_says_nothing(tmp_path: Path) -> None:
    pipe, of_ui = os.pipe()
    os.close(of_ui)
    ran = _run(tmp_path, "import time; time.sleep(30)", pipe=pipe)
    os.close(pipe)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_an_interrupt_in_a_finalizer_is_no_error(tmp_path: Path) -> None:
    """It is lost, and who interrupts does it twice."""
    ran = _run(tmp_path, _FINALIZER.format(raises="signal.raise_signal(signal.SIGINT)"))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "went on\n", "")


def test_other_errors_in_a_finalizer_are_told(tmp_path: Path) -> None:
    ran = _run(tmp_path, _FINALIZER.format(raises="1 / 0"))
    assert (ran.returncode, ran.stdout) == (0, "went on\n")
    assert "ZeroDivisionError" in ran.stderr


def test_logs_in_json_say_where_an_error_was_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster's own have no more than the name of the error."""
    monkeypatch.setenv("C2S_LOG", "json")
    ran = _run(tmp_path, _LOGS)
    said = json.loads(ran.stdout)
    assert (said["event"], said["logger"]) == ("could not divide", "dagster")
    assert "    1 / 0\n" in said["exception"]
