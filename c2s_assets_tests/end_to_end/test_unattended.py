"""`c2s ui` runs unattended: whatever is killed, what was dropped is built."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import debris
from c2s_assets_tests.end_to_end.running_ui import (
    CODE_SERVER,
    DAEMON,
    FORKS,
    RUN,
    built,
    members,
    processes,
    running_ui,
    runs,
    wait_for_runs,
    wait_until,
)
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

pytestmark = [pytest.mark.slow, pytest.mark.waits]


def _drop(layout: Layout, *names: str) -> None:
    for seed, name in enumerate(names):
        drop_toy_h5ad(layout, name, n_obs=300, n_axes=EMBEDDINGS, seed=seed)


def test_after_a_power_cut_what_was_under_way_is_marked_and_tried_again(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    _drop(layout, "one", "two")
    with running_ui(layout) as before:
        wait_for_runs(before, 2)
        for number in members(before.process):
            with suppress(ProcessLookupError):  # it ended with another
                os.kill(number, signal.SIGKILL)
        before.process.wait(timeout=60)
    told = c2s("ls", lake=layout.root).out
    assert told.count("the run was killed, or the machine was stopped") == 2
    with running_ui(layout) as after:
        assert runs(after)[-2:] == [("two", "FAILURE"), ("one", "FAILURE")]
        wait_until(lambda: built(after) == {"one", "two"}, seconds=600)
    assert debris(layout) == []


def test_whatever_process_is_killed_the_others_go_on_and_the_dataset_isbuilt(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    with running_ui(layout) as ui:
        _drop(layout, "run")
        wait_for_runs(ui, 1)
        os.kill(processes(ui, RUN)[0], signal.SIGKILL)
        wait_until(lambda: ("run", "FAILURE") in runs(ui), seconds=300)
        wait_until(lambda: "run" in built(ui), seconds=600)

        _drop(layout, "server")
        wait_for_runs(ui, 1)
        os.kill(processes(ui, CODE_SERVER)[0], signal.SIGKILL)
        wait_until(lambda: "server" in built(ui), seconds=600)

        (first,) = processes(ui, DAEMON)
        for number in (*processes(ui, FORKS), first):  # the next daemon, and its runs, are no forks
            os.kill(number, signal.SIGKILL)
        _drop(layout, "daemon")
        wait_until(lambda: "daemon" in built(ui), seconds=600)
        assert processes(ui, DAEMON) != [first]
