"""Processes that are forked from one that waits for that are what they would be if started alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="there are no forks on this system")

# What is started: a module that does what its arguments say.
_STARTED = """
import os, sys, time

match sys.argv[1:]:
    case ["end", status]:
        sys.exit(int(status))
    case ["has", module]:
        sys.exit(module in sys.modules)
    case ["die"]:
        os.abort()
    case ["tell", place]:
        with open("/proc/self/comm") as name, open(place, "w") as told:
            is_leader = os.getpgid(0) == os.getpid()
            print(name.read().rstrip(), os.environ["WORD"], os.getcwd(), is_leader, file=told)
    case ["last", place]:
        open(place, "w").close()
        time.sleep(100)
"""

# Who starts it, with nothing loaded.
_STARTING = """
import fcntl, json, os, signal, sys, time
from c2s_assets.defs import forking

forking._LOADED = ()
forking._LOADED_LATER = ("no_such_module", "colorsys")
said = {}

def start(*arguments, **options):
    return forking.start("trial", ["started", *arguments], **options)

def last(place, **options):
    process = start("last", place, **options)
    while not os.path.exists(place):
        time.sleep(0.01)
    return process

with forking.ready_to_fork() as lifeline:
    said["had"] = start("has", "colorsys").wait()
    said["has"] = start("has", "colorsys").wait()
    said["status"] = start("end", "7").wait()
    said["signal"] = start("die").wait()
    os.environ["WORD"] = "later"
    start("tell", "told").wait()
    said["told"] = open("told").read()
    with open("output", "w") as output:
        start("end", "sorry", output=output.fileno()).wait()
    said["output"] = open("output").read()

    with open("sign", "w") as sign:
        fcntl.flock(sign, fcntl.LOCK_EX)
        holding = last("first", held=[sign.fileno()])
    parent = open(f"/proc/{holding.pid}/stat").read().rpartition(")")[2].split()[1]
    with open("sign") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said["held"] = True

    os.kill(int(parent), signal.SIGKILL)
    said["unforked"] = start("end", "8").wait()
    said["goes on"] = os.path.exists(f"/proc/{holding.pid}")
    unforked = last("second")
    began = time.monotonic()
    lifeline.cut()
    holding.wait()
    said["cut"] = unforked.wait()
    said["in time"] = time.monotonic() - began < 20
    json.dump(said, sys.stdout)
"""

# Who starts a process and ends, while what forks them loads a module that never comes to its end.
_LEAVING = """
import os, time
from c2s_assets.defs import forking

forking._LOADED, forking._LOADED_LATER = (), ("endless",)
with forking.ready_to_fork():
    assert forking.start("trial", ["started", "end", "7"]).wait() == 7
    while not os.path.exists("begun"):
        time.sleep(0.01)
"""
_ENDLESS = """
import time

open("begun", "w").close()
time.sleep(1000)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each process."""
    folder = tmp_path_factory.mktemp("forking")
    return dict(json.loads(_run(_STARTING, folder))) | {"folder": str(folder)}


def _run(program: str, folder: Path) -> str:
    """Run a program that starts others in a folder; it must end, and well."""
    (folder / "started.py").write_text(_STARTED)
    (folder / "starting.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, "starting.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_how_a_fork_ended_is_known(said: dict[str, Any]) -> None:
    assert (said["status"], said["signal"]) == (7, -6)


def test_what_most_runs_load_is_loaded_once_the_first_has_ended(said: dict[str, Any]) -> None:
    assert (said["had"], said["has"]) == (0, 1)


def test_loading_that_does_not_end_ends_with_the_lifeline(tmp_path: Path) -> None:
    """Otherwise `c2s ui`, which waits for what it has started, would not end either."""
    (tmp_path / "endless.py").write_text(_ENDLESS)
    assert _run(_LEAVING, tmp_path) == ""


def test_a_fork_has_the_name_environment_and_folder_that_were_asked_for(said: dict[str, Any]) -> None:
    """And a group of processes of its own, so that Ctrl-C in a terminal is left to `c2s ui`."""
    assert said["told"].split() == ["c2s", "trial", "later", said["folder"], "True"]


def test_what_a_fork_says_goes_where_it_was_asked_to_go(said: dict[str, Any]) -> None:
    assert "ValueError: invalid literal for int() with base 10: 'sorry'" in said["output"]


def test_a_fork_has_files_open_for_as_long_as_it_lives(said: dict[str, Any]) -> None:
    assert said["held"]


def test_if_what_forks_was_killed_forks_go_on_and_others_are_started_without_it(said: dict[str, Any]) -> None:
    assert (said["unforked"], said["goes on"]) == (8, True)


def test_all_end_with_the_lifeline(said: dict[str, Any]) -> None:
    assert (said["cut"], said["in time"]) == (130, True)
