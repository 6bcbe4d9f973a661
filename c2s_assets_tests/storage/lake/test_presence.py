"""Machines that do not see each other's locks do not work on one lake."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.core.errors import MachineError
from c2s_assets.defs.publishing import final_errors
from c2s_assets.defs.resources import Store
from c2s_assets.storage.lake import presence
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.presence import beside_others, present
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import files_below
from c2s_assets_tests.toy import make_lake


@pytest.fixture(autouse=True)
def short_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_BEAT_SECONDS", 0.02)
    monkeypatch.setattr(presence, "_SILENT_SECONDS", 0.5)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.presence.mkdir(parents=True)
    return layout


@contextmanager
def _touched(path: Path) -> Iterator[None]:
    """Do what a machine does whose lock nobody sees."""
    path.touch()
    has_ended = threading.Event()

    def touch() -> None:
        while not has_ended.wait(0.02):
            os.utime(path)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def _be_present(layout: Layout, told: Connection) -> None:
    with present(layout):
        told.send("here")
        told.recv()


def test_a_machine_whose_locks_are_not_seen_is_named(layout: Layout) -> None:
    with (
        _touched(layout.presence / "node7~0123"),
        pytest.raises(MachineError, match="node7 works on this lake, and its locks are not seen"),
        present(layout),
    ):
        pass


def test_processes_that_see_each_other_work_side_by_side(layout: Layout) -> None:
    here, there = multiprocessing.Pipe()
    other = multiprocessing.get_context("fork").Process(target=_be_present, args=(layout, there))
    other.start()
    assert here.recv() == "here"
    with present(layout):
        assert len(list(layout.presence.iterdir())) == 2
    here.send("end")
    other.join()
    assert list(layout.presence.iterdir()) == []


def test_what_a_killed_process_left_is_removed(layout: Layout) -> None:
    left = layout.presence / "node7~0123"
    left.touch()
    with present(layout):
        assert not left.exists()


def test_nobody_waits_for_what_a_process_of_this_machine_left(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with present(layout):
        [own] = layout.presence.iterdir()
    own.touch()
    monkeypatch.setattr(presence, "_SILENT_SECONDS", 3_600.0)
    with present(layout):
        assert not own.exists()


def test_where_nobody_is_a_command_leaves_no_sign_of_itself(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lake")
    with beside_others(layout):
        assert not layout.root.exists()


@pytest.mark.parametrize(
    "command",
    [
        ("add", "blood.h5ad"),
        ("build", "blood"),
        ("split", "--replan", "--apply"),
        ("rm", "blood", "--yes"),
        ("mv", "blood", "cells"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_writes_nothing_beside_a_machine_whose_locks_are_not_seen(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    layout = make_lake(tmp_path, "blood")
    before = files_below(layout.inbox)
    layout.presence.mkdir(parents=True, exist_ok=True)
    with _touched(layout.presence / "node7~0123"):
        said = c2s(*command, lake=layout.root)
    assert said.status == 1
    assert "node7 works on this lake, and its locks are not seen" in said.err
    assert files_below(layout.inbox) == before
    assert not layout.datasets.exists()


def test_a_run_wherever_it_was_started_is_refused_beside_a_machine_whose_locks_are_not_seen(
    tmp_path: Path,
) -> None:
    """As of a pod of Kubernetes, in which Dagster itself starts the run."""

    @dg.asset
    @final_errors
    def written(context: dg.AssetExecutionContext, store: Store) -> Iterator[dg.Output[None]]:
        context.log.debug("here")
        (store.layout.root / "written").touch()
        yield dg.Output(None)

    layout = Layout(tmp_path)
    layout.presence.mkdir(parents=True)
    resources = {"store": Store(root=str(tmp_path))}
    with (
        dg.DagsterInstance.ephemeral() as instance,
        _touched(layout.presence / "node7~0123"),
        pytest.raises(dg.Failure, match="its locks are not seen"),
    ):
        dg.materialize([written], resources=resources, instance=instance)
    assert not (tmp_path / "written").exists()
    (layout.presence / "node7~0123").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([written], resources=resources, instance=instance).success
