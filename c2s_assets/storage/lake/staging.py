"""Files appear whole or not at all: written beside, then moved, with a journal in case we are killed.

A stage is a folder below the lake's staging folder; a lock beside it is held for as long as its process
lives. Committing writes a journal of what goes where, moves, and removes the journal. A stage whose lock
is free was left by a process that died or could not finish: with a journal its moves are completed,
without one it is removed. That happens when the next stage of the same dataset opens or commits, so a
crash in the middle of a commit shows as a missing table until then, and never as a mix of two versions.

Stages live side by side, but open and commit one after the other, under one lock for the whole lake;
it is held for a few moves and never while a table is written. Who reads takes no lock: a file is always
there, old or new; a folder is missing for the instant between two moves.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import MissingInputError
from c2s_assets.schemas.record import Record
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locks import lock_file, one_at_a_time
from c2s_assets.storage.lake.publication import SentFiles, prepare
from c2s_assets.storage.lake.record import known_record, render_record

_NEW = "new"
_JOURNAL = "journal.json"


@dataclass(frozen=True)
class Stage:
    """A place to write one asset's files before they take their place; made by `stage`."""

    folder: Path
    _layout: Layout
    _dataset_id: str

    def path(self, target: Path) -> Path:
        """Where to write what will become `target`; the folder around it is made."""
        path = self.folder / _NEW / target.relative_to(self._layout.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def commit(
        self,
        *targets: Path,
        moved: Mapping[Path, Path] | None = None,
        record: Callable[[Record], Record] | None = None,
    ) -> None:
        """Let each staged file or folder take the place of its target: all of them or none, even if we die.

        A target that was not staged is removed: it has no content in this version. A folder is missing for
        an instant while it is replaced, see the module. To be called once.

        Parameters
        ----------
        moved
            Further files, source to target, that lie in the lake but outside the stage.
        record
            What becomes of the dataset's record, which takes its place with the others.

        Raises
        ------
        MissingInputError
            If a file to be moved is gone; nothing has changed then.
        """
        moved = moved or {}
        sources = {target: self.path(target) for target in targets}
        sources |= {target: source for source, target in moved.items()}
        for path in (self.folder / _NEW, *moved):
            _sync_tree(path)
        publication = prepare(self._layout, self._dataset_id, sources)
        with one_at_a_time(self._layout):
            # Another process may have died since we opened; what it began is older than what we have.
            _recover(self._layout, self._dataset_id)
            for source in moved:
                if not source.exists():
                    raise MissingInputError(
                        f"{source} is gone, perhaps taken by another build. Build the dataset again."
                    )
            if record is not None:
                target = self._layout.record(self._dataset_id)
                sources[target] = self.path(target)
                text = _changed(self._layout, self._dataset_id, record, publication)
                sources[target].write_text(text, encoding="utf-8")
                _sync_tree(sources[target])
            elif publication is not None:
                publication.swap(None)
            self._write_journal(sources)
            _replay(self.folder, self._layout.root)
            if publication is not None:
                publication.settle()

    def _write_journal(self, sources: Mapping[Path, Path]) -> None:
        root = self._layout.root
        moves = [
            {
                "source": str(source.relative_to(root)) if source.exists() else None,
                "identity": _identity(source),
                "target": str(target.relative_to(root)),
            }
            for target, source in sources.items()
        ]
        journal = self.folder / _JOURNAL
        partial = journal.with_suffix(".part")
        partial.write_text(json.dumps(moves), encoding="utf-8")
        sync(partial)
        partial.rename(journal)
        sync(self.folder)
        sync(self.folder.parent)


@contextmanager
def stage(layout: Layout, dataset_id: str) -> Iterator[Stage]:
    """Open a stage for one asset of a dataset, after tidying up what dead processes left of the dataset.

    Leaving without `commit` leaves the lake as it was.
    """
    layout.dataset(dataset_id)  # refuses an id that must not become a path
    folder = layout.staging / f"{dataset_id}~{secrets.token_hex(8)}"
    with ExitStack() as held:
        with one_at_a_time(layout):
            _recover(layout, dataset_id)
            held.enter_context(lock_file(_lock_path(folder)))
            (folder / _NEW).mkdir(parents=True)
        try:
            yield Stage(folder, layout, dataset_id)
        finally:
            # With a journal, the commit failed half-way: whoever comes next completes it.
            if not (folder / _JOURNAL).exists():
                _remove(folder)


def commit_record(layout: Layout, dataset_id: str, change: Callable[[Record], Record]) -> None:
    """Change the record of a dataset and nothing else, as a commit would.

    One file that takes the place of another needs no journal, and so two synced writes instead of nine: what
    records of 2,200 datasets cost is these.
    """
    publication = prepare(layout, dataset_id, {})
    with one_at_a_time(layout):
        _recover(layout, dataset_id)
        target, partial = layout.record(dataset_id), layout.staging / "record.part"
        try:
            partial.write_text(_changed(layout, dataset_id, change, publication), encoding="utf-8")
            sync(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        sync(target.parent)
        if publication is not None:
            publication.settle()


def recover(layout: Layout, dataset_id: str) -> None:
    """Complete or remove what dead processes left of the dataset."""
    with one_at_a_time(layout):
        _recover(layout, dataset_id)


def recover_all(layout: Layout) -> None:
    """Complete or remove what dead processes left of any dataset."""
    with one_at_a_time(layout):
        recover_while_locked(layout)


def recover_while_locked(layout: Layout) -> None:
    """Do as `recover_all`; to be called by who holds the lake's lock."""
    left = {path.name.rpartition("~")[0] for path in layout.staging.glob("*~*.lock")}
    for dataset_id in sorted(left):
        _recover(layout, dataset_id)


@contextmanager
def hold_commits(layout: Layout) -> Iterator[None]:
    """Let every commit wait, so that several tables can be opened in one version; for an instant only."""
    with one_at_a_time(layout):
        yield


def sync(path: Path) -> None:
    """Have the system write a file, or which files a folder holds, before anything else is done."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _changed(
    layout: Layout, dataset_id: str, change: Callable[[Record], Record], publication: SentFiles | None
) -> str:
    """Change the record, in a bucket first, if the lake is in one; return its text."""
    if publication is None:
        return render_record(change(known_record(layout, dataset_id)))
    return render_record(publication.swap(change))


def _recover(layout: Layout, dataset_id: str) -> None:
    for lock_path in sorted(layout.staging.glob(f"{dataset_id}~*.lock")):
        folder = lock_path.with_suffix("")
        with ExitStack() as held:
            try:
                held.enter_context(lock_file(lock_path, mode="r+", flags=fcntl.LOCK_NB))
            except (BlockingIOError, FileNotFoundError):  # its process lives, or has just finished
                continue
            if (folder / _JOURNAL).exists():
                _replay(folder, layout.root)
            _remove(folder)


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove(folder: Path) -> None:
    """Remove a stage whose lock we hold; the lock goes last, so that a crash in between is noticed."""
    if folder.exists():
        shutil.rmtree(folder)
    _lock_path(folder).unlink(missing_ok=True)


def _replay(folder: Path, root: Path) -> None:
    """Do the moves of the journal that are still to do, then remove the journal.

    All targets are emptied before the first is filled, so that two folders that belong together, such
    as train and test, never stand there in two versions. Repeating it from any point ends the same.
    """
    moves = json.loads((folder / _JOURNAL).read_text(encoding="utf-8"))
    # A file dropped since then under the name of one that was moved is not the one we mean.
    pending = [
        move
        for move in moves
        if move["source"] is None or _identity(root / move["source"]) == move["identity"]
    ]
    for move in pending:
        target = root / move["target"]
        if target.is_dir() or (move["source"] is None and target.exists()):
            target.rename(folder / f"old-{secrets.token_hex(8)}")
    for move in pending:
        if move["source"] is not None:
            target = root / move["target"]
            target.parent.mkdir(parents=True, exist_ok=True)
            (root / move["source"]).replace(target)
    # The moves must be on disk before the journal goes, and it must be gone before the next commit.
    for parent in {parent for move in moves for parent in Path(move["target"]).parents}:
        if (root / parent).exists():
            sync(root / parent)
    (folder / _JOURNAL).unlink()
    sync(folder)


def _identity(path: Path) -> list[int] | None:
    """Tell a file from others that had or will have its name; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def _sync_tree(path: Path) -> None:
    if path.is_dir():
        for child in path.rglob("*"):
            sync(child)
    if path.exists():
        sync(path)
