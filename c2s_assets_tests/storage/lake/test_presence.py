"""Machines that do not see each other's locks do not work on one lake."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from c2s_assets.core.errors import LakeError
from c2s_assets.storage.lake import presence
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.presence import present


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
        pytest.raises(LakeError, match="node7 works on this lake, and its locks are not seen"),
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
