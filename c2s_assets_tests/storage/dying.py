"""Processes that are killed while they commit, one step later each time; run by test_staging.

``python -m c2s_assets_tests.storage.dying FOLDER SCENARIO [recovering]`` makes the lakes FOLDER/000,
FOLDER/001, ... and kills the commit in each before a later step on the disk, until one gets through. With
`recovering`, each is then recovered by processes that are killed in the same way, until one gets through.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from c2s_assets.schemas.record import Built, MadeFrom, Record
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import render_record
from c2s_assets.storage.lake.staging import recover, stage

DATASET = "d"
_STEPS = {"open", "fcntl.flock", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"}


@dataclass(frozen=True)
class Scenario:
    """The files of a lake before and after a commit, path to content, and what is committed."""

    before: dict[str, str]
    after: dict[str, str]
    targets: tuple[str, ...]
    moved: dict[str, str] = field(default_factory=dict)
    record: Record | None = None


def _record(content: str) -> Record:
    """A record that says which version of the sides is in place."""
    made_from = MadeFrom(source_sha256=content, inputs={}, settings={}, code_version="1")
    built = Built(files={}, n_rows=None, digest=content, made_from=made_from, checks=[])
    return Record(dataset_id=DATASET).with_built("train_test", built)


_RECORD = "datasets/d/record.json"
_TABLES = ("datasets/d/train", "datasets/d/test", "datasets/d/split_manifest.parquet")
_OLD = {
    "datasets/d/train/0": "old",
    "datasets/d/train/1": "old",
    "datasets/d/test/0": "old",
    "datasets/d/split_manifest.parquet": "old",
    "datasets/d/profile.json": "untouched",
}
_NEW = {
    "datasets/d/train/0": "new",
    "datasets/d/test/0": "new",
    "datasets/d/test/1": "new",
    "datasets/d/split_manifest.parquet": "new",
    "datasets/d/profile.json": "untouched",
}
_WITHOUT_TEST = {path: content for path, content in _NEW.items() if "/test/" not in path}

SCENARIOS = {
    "tables are replaced with their record": Scenario(
        {**_OLD, _RECORD: render_record(_record("old"))},
        {**_NEW, _RECORD: render_record(_record("new"))},
        _TABLES,
        record=_record("new"),
    ),
    "tables are replaced": Scenario(_OLD, _NEW, _TABLES),
    "tables are made": Scenario({"datasets/d/profile.json": "untouched"}, _NEW, _TABLES),
    "a table has no rows any more": Scenario(_OLD, _WITHOUT_TEST, _TABLES),
    "a file is moved in": Scenario(
        {"raw/d.h5ad": "old", "raw/d.json": "old", "inbox/d.h5ad": "new", "inbox/d.json": "note"},
        {"raw/d.h5ad": "new", "raw/d.json": "new"},
        ("raw/d.json", "inbox/d.json"),
        {"inbox/d.h5ad": "raw/d.h5ad"},
    ),
}


def write_files(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def commit(layout: Layout, scenario: Scenario) -> None:
    root = layout.root
    with stage(layout, DATASET) as staged:
        for target in scenario.targets:
            for name, content in scenario.after.items():
                if name == target:
                    staged.path(root / name).write_text(content)
                elif name.startswith(f"{target}/"):
                    write_files(staged.path(root / target), {name.removeprefix(f"{target}/"): content})
        staged.commit(
            *(root / target for target in scenario.targets),
            moved={root / source: root / target for source, target in scenario.moved.items()},
            record=None if scenario.record is None else lambda _: scenario.record,
        )


def is_killed(work: Callable[[], None], *, before_step: int) -> bool:
    """Do the work in a process that is killed before it touches the disk for the n-th time."""
    process = os.fork()
    if process == 0:
        n_steps = 0

        def die(event: str, _: object) -> None:
            nonlocal n_steps
            if event in _STEPS:
                if n_steps == before_step:
                    os.kill(os.getpid(), signal.SIGKILL)
                n_steps += 1

        sys.addaudithook(die)
        work()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def main(folder: Path, scenario: Scenario, *, recovering: bool) -> None:
    for step in count():
        layout = Layout(folder / f"{step:03d}")
        write_files(layout.root, scenario.before)
        killed = is_killed(lambda: commit(layout, scenario), before_step=step)  # noqa: B023 called at once
        if recovering:
            for further in count():
                if not is_killed(lambda: recover(layout, DATASET), before_step=further):  # noqa: B023
                    break
        if not killed:
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]), SCENARIOS[sys.argv[2]], recovering="recovering" in sys.argv[3:])
