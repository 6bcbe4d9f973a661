"""What the machine denies is said in one line by every command, and leaves nothing half-written."""

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from c2s_assets.core.settings import DatasetsFile
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake import room
from c2s_assets.storage.lake.denials import DENIALS
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.room import NO_ROOM
from c2s_assets_tests.cli.commanding import Said, c2s
from c2s_assets_tests.defs.building import build_only, debris, files_below, open_workshop
from c2s_assets_tests.discover import serve_discover
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

_NOBODY = 65534


@dataclass(frozen=True)
class Place:
    """A lake with a dataset `toy` that is built, on a disk of its own, and a file beside it."""

    layout: Layout
    h5ad: Path
    disk: Path
    discover_url: str

    def run(self, command: str) -> Said:
        """Run a command as one would who does not know what is wrong."""
        arguments = {
            "add": [str(self.h5ad)],
            "build": ["toy"],
            "query": ["select dataset_id from datasets"],
            "select": ["--refresh"],
            "ui": ["--port", "65000"],
            "rm": ["toy", "--yes"],
        }
        return c2s(command, *arguments.get(command, []), lake=self.layout.root, cellxgene=self.discover_url)

    def published(self) -> dict[str, bytes]:
        """Every file that is there to be read."""
        return files_below(self.layout.datasets)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that was built, and asked."""
    layout = make_lake(tmp_path_factory.mktemp("built"), "toy")
    assert c2s("build", "toy", "--only", "cell_metadata", lake=layout.root).status == 0
    assert c2s("query", "select 1 as x", lake=layout.root).status == 0
    return layout.root


@pytest.fixture(scope="module")
def discover_url() -> Iterator[str]:
    with serve_discover(seconds=900) as discover:
        discover.generate(1)
        yield discover.url


@pytest.fixture
def place(tmp_path: Path, built: Path, discover_url: str) -> Iterator[Place]:
    """A copy of the lake on a disk of 16 MB; where none can be mounted, in a folder."""
    disk = tmp_path / "disk"
    disk.mkdir()
    is_mounted = _mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk))
    shutil.copytree(built, disk / "lake")
    try:
        more = write_toy_h5ad(tmp_path / "more.h5ad", seed=7)
        yield Place(Layout(disk / "lake"), more, disk, discover_url)
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", disk], check=True)


Condition = Callable[[Place], AbstractContextManager[None]]


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@contextmanager
def full(place: Place) -> Iterator[None]:
    """Fill the disk; where it is not a small one, no file may grow."""
    if not os.path.ismount(place.disk):
        with _no_file_may_grow():
            yield
        return
    other = os.open(place.disk / "other", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while os.write(other, b"x" * 4096):
            pass
    os.close(other)
    yield


@contextmanager
def _no_file_may_grow() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(place: Place) -> Iterator[None]:
    """Mount the disk for reading."""
    if not _mount("-o", "remount,ro", str(place.disk)):
        pytest.fail("a disk can be mounted for reading only as root: run the tests so, as CI does")
    yield


@contextmanager
def forbidden(place: Place) -> Iterator[None]:
    """Be somebody else, whom nothing in the lake belongs to."""
    for folder in (place.disk, *place.disk.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    place.h5ad.chmod(0o644)
    for path in place.layout.root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    if os.geteuid() == 0:
        os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        place.layout.root.chmod(0o500)
        yield


@contextmanager
def a_file_in_its_place(place: Place) -> Iterator[None]:
    shutil.move(place.layout.root, place.disk / "elsewhere")
    place.layout.root.write_text("a file")
    yield


@contextmanager
def home_is_a_file(place: Place) -> Iterator[None]:
    shutil.rmtree(place.layout.dagster_home)
    place.layout.dagster_home.write_text("a file")
    yield


@contextmanager
def foreign_database(place: Place) -> Iterator[None]:
    for path in place.layout.dagster_home.rglob("*.db*"):
        path.write_bytes(b"no database at all, but text of some length" * 100)
    yield


@contextmanager
def locked_database(place: Place) -> Iterator[None]:
    """Hold Dagster's list of runs as a program does that looks into it; nobody waits the usual 5 seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3.dbapi2, "connect", partial(sqlite3.connect, timeout=0.05))
        holder = sqlite3.connect(place.layout.dagster_home / "history/runs.db", isolation_level=None)
        try:
            holder.execute("pragma locking_mode = exclusive")
            holder.execute("begin exclusive")
            holder.execute("update alembic_version set version_num = version_num")
            yield
        finally:
            holder.close()


@contextmanager
def broken_settings(place: Place) -> Iterator[None]:
    (place.layout.dagster_home / "dagster.yaml").write_text("run_queue: {nothing_like_this: 1}")
    yield


# What is said of each condition, or who says it, where a command needs what is denied.
_FOUND = {
    full: f"{DENIALS['full'].found}|{NO_ROOM}",
    read_only: DENIALS["read-only"].found,
    forbidden: DENIALS["forbidden"].found,
    a_file_in_its_place: DENIALS["no folder"].found,
    home_is_a_file: DENIALS["no folder"].found,
    foreign_database: DENIALS["damaged"].found,
    locked_database: DENIALS["locked"].found,
    broken_settings: "Correct that, or move the folder away to have it made anew",
}
# Commands that can do all or some of their work without.
_DO_WITHOUT = {
    full: {"ls", "query"},
    read_only: {"ls", "query"},
    forbidden: {"ls", "query"},
    a_file_in_its_place: set(),
    home_is_a_file: {"add", "ls", "query"},
    foreign_database: {"add", "ls", "query"},
    locked_database: {"add", "ls", "query"},
    broken_settings: {"add", "ls", "query"},
}


@pytest.mark.parametrize("command", ["add", "build", "ls", "query", "select", "ui", "rm"])
@pytest.mark.parametrize("condition", _FOUND)
def test_what_is_denied_is_said_in_one_line_and_nothing_is_half_written(
    place: Place, condition: Condition, command: str
) -> None:
    before = place.published()
    with condition(place):
        said = place.run(command)

    assert said.status == (0 if command in _DO_WITHOUT[condition] else 1)
    lines = said.err.splitlines() or ["c2s: "]
    assert all(line.startswith("c2s: ") for line in lines)
    if said.status or command != "add":
        assert re.search(_FOUND[condition], lines[-1])
    root = place.disk / "elsewhere" if condition is a_file_in_its_place else place.layout.root
    assert files_below(root / "datasets") == before
    assert [path for path in (root / ".staging").iterdir() if "~" in path.name] == []


def test_what_lists_and_answers_does_so_where_nothing_can_be_written(place: Place) -> None:
    with read_only(place):
        listed, answered = place.run("ls"), place.run("query")
    assert "toy" in listed.out
    assert "toy" in answered.out


def test_a_catalogue_that_another_program_holds_is_said_to_be_open(place: Place) -> None:
    code = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, place.layout.catalogue]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        said = c2s("query", "--as-is", "select 1 as x", lake=place.layout.root)
        listed = place.run("ls")
    assert (said.status, listed.status) == (1, 0)
    (line,) = said.err.splitlines()
    assert "is open for writing" in line


def test_a_build_that_fills_the_disk_says_so_and_frees_what_it_began(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The disk fills after what is free was asked for.
    monkeypatch.setattr(room, "free_bytes", lambda _: 2**30)
    write_toy_h5ad(place.layout.inbox_h5ad("large"), n_obs=1_000, n_vars=300)
    with open_workshop(place.layout) as workshop:
        assert build_only(workshop, "large", "raw_h5ad", "dataset_profile").success
        before = place.published()
        with full(place):
            build = build_only(workshop, "large", "cell_metadata", "feature_metadata")
        (data,) = [event.step_failure_data for event in build.all_events if event.is_step_failure]
        refused = Dataset(place.layout, "large", DatasetsFile()).record().refused
    said = str(data.user_failure_data and data.user_failure_data.description)
    assert said.startswith(f"dataset large: {place.layout.root}")
    assert DENIALS["full"].found in said
    assert (place.published(), refused, debris(place.layout)) == (before, {}, [])


def test_a_build_that_will_not_fit_is_refused_before_it_starts(place: Place) -> None:
    size = write_toy_h5ad(place.layout.inbox_h5ad("large"), n_obs=4_000, n_vars=1_200).stat().st_size
    assert 4 * size > shutil.disk_usage(place.disk).free, "the file is too small to show it"
    said = c2s("build", "large", lake=place.layout.root)
    assert said.status == 1
    assert "large: " in said.out
    assert "its build needs about" in said.out
    assert "Nothing was begun. Free some space" in said.out
    assert not place.layout.dataset("large").exists()
    assert place.layout.inbox_h5ad("large").exists()


def test_a_build_of_outdated_tables_is_refused_before_it_starts_as_well(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step of it takes the source, which alone looked once."""
    monkeypatch.setattr(room, "free_bytes", lambda _: 2**20)
    before = place.published()
    said = c2s("build", "--outdated", "toy", lake=place.layout.root)
    assert said.status == 1
    assert re.search(r"  \w+ +FAILED: .* its build needs about \d+ MB, and 1 MB are free. Nothing", said.out)
    assert place.published() == before
    assert place.run("ls").out.count("its build needs about") == 1
