"""Files appear whole or not at all: written beside, then moved, with a journal in case we are killed.

A stage is a folder below the lake's staging folder, held by a lock file beside it for as long as its
process lives. Committing first writes a journal of what goes where, then moves. A stage whose lock is free
belongs to a process that died: with a journal its moves are completed, without one it is removed.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.storage.layout import Layout

_JOURNAL = "journal.json"


@dataclass(frozen=True)
class Stage:
    """A place to write one asset's files before they take their place."""

    folder: Path
    root: Path

    def path(self, target: Path) -> Path:
        """Where to write what will become `target`."""
        return self.folder / "new" / target.name

    def commit(self, *targets: Path, moved: Mapping[Path, Path] | None = None) -> None:
        """Let each staged file or folder take the place of its target; all of them or, after a crash, none.

        A target that was not staged is removed: it has no content in this version. `moved` names
        further files, source to target, that lie outside the stage.
        """
        sources = {target: self.path(target) for target in targets}
        sources |= {target: source for source, target in (moved or {}).items()}
        moves = [
            {"source": self._relative(source) if source.exists() else None, "target": self._relative(target)}
            for target, source in sources.items()
        ]
        for source in sources.values():
            _sync_tree(source)
        journal = self.folder / _JOURNAL
        partial = journal.with_suffix(".part")
        partial.write_text(json.dumps(moves))
        _sync(partial)
        partial.rename(journal)
        _sync(self.folder)
        _replay(self.folder, self.root)

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.root))


@contextmanager
def stage(layout: Layout, dataset_id: str) -> Iterator[Stage]:
    """Open a stage for one asset of a dataset, after tidying up what dead processes left of the dataset.

    Leaving without `commit` leaves the lake as it was.
    """
    layout.dataset(dataset_id)  # refuses an id that must not become a path
    recover(layout, dataset_id)
    folder = layout.staging / f"{dataset_id}~{secrets.token_hex(8)}"
    lock_path = _lock_path(folder)
    layout.staging.mkdir(parents=True, exist_ok=True)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "new").mkdir(parents=True)
        try:
            yield Stage(folder, layout.root)
        finally:
            shutil.rmtree(folder)
            lock_path.unlink(missing_ok=True)


def recover(layout: Layout, dataset_id: str) -> None:
    """Complete or remove what dead processes left of the dataset."""
    for lock_path in sorted(layout.staging.glob(f"{dataset_id}~*.lock")):
        with _lock_of_the_dead(lock_path) as is_dead:
            folder = lock_path.with_suffix("")
            if is_dead and folder.exists():
                if (folder / _JOURNAL).exists():
                    _replay(folder, layout.root)
                shutil.rmtree(folder)
            if is_dead:
                lock_path.unlink(missing_ok=True)


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


@contextmanager
def _lock_of_the_dead(lock_path: Path) -> Iterator[bool]:
    """Hold the lock of a stage if nobody does; tell whether that is so."""
    try:
        lock = lock_path.open("r+")
    except FileNotFoundError:  # its owner has just finished
        yield False
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _replay(folder: Path, root: Path) -> None:
    """Do the moves of the journal that are still to do.

    All targets are emptied before the first is filled, so that two folders that belong together, such
    as train and test, never stand there in two versions. Repeating it from any point ends the same.
    """
    moves = json.loads((folder / _JOURNAL).read_text())
    pending = [move for move in moves if move["source"] is None or (root / move["source"]).exists()]
    for move in pending:
        target = root / move["target"]
        if target.is_dir() or (move["source"] is None and target.exists()):
            target.rename(folder / f"old-{secrets.token_hex(8)}")
    for move in pending:
        if move["source"] is not None:
            target = root / move["target"]
            target.parent.mkdir(parents=True, exist_ok=True)
            (root / move["source"]).replace(target)
            _sync(target.parent)


def _sync_tree(path: Path) -> None:
    if path.is_dir():
        for child in path.rglob("*"):
            _sync(child)
    if path.exists():
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
