"""Tests of processes that end with `c2s ui`."""

import os
import subprocess
import sys
from pathlib import Path

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


def _run(tmp_path: Path, raises: str) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "tried.py").write_text(_FINALIZER.format(raises=raises))
    return subprocess.run(
        [sys.executable, "-m", attached.__name__, "tried"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_interrupt_in_a_finalizer_is_no_error(tmp_path: Path) -> None:
    """It is lost, and who interrupts does it twice."""
    ran = _run(tmp_path, "signal.raise_signal(signal.SIGINT)")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "went on\n", "")


def test_other_errors_in_a_finalizer_are_told(tmp_path: Path) -> None:
    ran = _run(tmp_path, "1 / 0")
    assert (ran.returncode, ran.stdout) == (0, "went on\n")
    assert "ZeroDivisionError" in ran.stderr
