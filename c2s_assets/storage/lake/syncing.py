"""Copying a lake to another place: from a folder into a bucket, back, or between two of a kind.

What is compared are digests, unit by unit, and what differs takes its place as a commit does. So a copy that
was stopped goes on with the next unit, and whoever reads the other lake meanwhile sees old or new.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import LakeError
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.loose import named_files
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.settings_file import change_settings
from c2s_assets.storage.lake.shapes import present, present_all
from c2s_assets.storage.lake.staging import Stage, stage
from c2s_assets.storage.lake.units import CATALOGUE, place_of, unit_of, unit_of_dataset
from c2s_assets.storage.lake.working_copy import working_copy_of

_RECORD = "record.json"

# The digests of the files of each unit, by path below the lake.
_Digests = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Synced:
    """What became of one unit: how many of its places were copied or removed, and how many bytes that is."""

    unit: str
    n_places: int
    n_bytes: int


def sync_lake(source: Layout, target: Layout) -> Iterator[Synced]:
    """Make the other lake hold what this one does, unit by unit; what only the other one has stays.

    Of a dataset or table that both have, the other becomes what it is here.

    Raises
    ------
    LakeError
        If a file changes while it is copied.
    LostRaceError
        If another machine changes the same table of the other lake.
    """
    ours, theirs = _digests(source), _digests(target)
    for unit, files in sorted(ours.items()):
        yield _sync_unit(source, target, unit, files=files, there=theirs.get(unit, {}))
    if source.settings.exists():
        text = source.settings.read_text(encoding="utf-8")
        change_settings(target, lambda _: text)
        for name in named_files(read_settings(source)):
            _sync_named(source, target, name)


def _sync_unit(
    source: Layout, target: Layout, unit: str, *, files: Mapping[str, str], there: Mapping[str, str]
) -> Synced:
    changed = {place_of(name) for name in files.keys() | there.keys() if files.get(name) != there.get(name)}
    to_copy = [name for name in files if place_of(name) in changed]
    what = unit.rpartition("/")[2]
    has_record = unit == unit_of_dataset(what) and source.record(what).exists()
    record = read_record(source, what) if has_record else None
    is_same = record is None or record == read_record(target, what)
    if not changed and is_same:
        return Synced(unit, 0, 0)
    present_all([source.root / name for name in to_copy])
    with stage(target, what) as staged:
        for name in to_copy:
            _copy(source.root / name, staged, target.root / name, sha256=files[name])
        n_bytes = sum((source.root / name).stat().st_size for name in to_copy)
        places = [target.root / place for place in sorted(changed)]
        staged.commit(*places, record=None if record is None else lambda _: record)
    return Synced(unit, len(changed), n_bytes)


def _sync_named(source: Layout, target: Layout, name: str) -> None:
    """Copy a file that the settings name, unless the other lake has one with the same digest."""
    ours, theirs, copy = source.named(name), target.named(name), working_copy_of(target)
    if not ours.is_file() or (theirs.is_file() and file_digest(theirs) == file_digest(ours)):
        return
    if copy is None:
        theirs.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(present(ours), theirs)
    else:
        copy.bucket.upload(name, present(ours))


def _copy(path: Path, staged: Stage, target: Path, *, sha256: str) -> None:
    written = staged.path(target)
    shutil.copyfile(path, written)
    if file_digest(written) != sha256:
        raise LakeError(f"{path} changed while it was copied. Run it again: what was copied is whole.")


def _digests(layout: Layout) -> _Digests:
    copy = working_copy_of(layout)
    if copy is not None:
        return {
            unit: {name: kept.sha256 for name, kept in held.published.files.items()}
            for unit, held in copy.held_units().items()
            if unit != CATALOGUE and (held.published.files or held.published.record)
        }
    found: _Digests = {}
    for path in _files(layout):
        unit = unit_of(layout, path)
        if unit not in (None, CATALOGUE):
            found.setdefault(unit, {})[path.relative_to(layout.root).as_posix()] = file_digest(path)
    return found


def _files(layout: Layout) -> Iterator[Path]:
    """Give the files of a lake in a folder, but for records, which are made anew, and hidden ones."""
    for folder, inner, names in os.walk(layout.root):
        inner[:] = [name for name in inner if not name.startswith(".")]
        is_of_dataset = Path(folder).parent == layout.datasets
        for name in names:
            if not name.startswith(".") and not (is_of_dataset and name == _RECORD):
                yield Path(folder, name)
