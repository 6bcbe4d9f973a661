"""Publishing what takes its place in a working copy: objects first, then one conditional PUT for each unit.

Objects lie in `<place of the table>/<digest>/` and are never changed; what a unit consists of says
`published/<unit>.json`, and swapping that is the moment in which the new version is there. Who is killed
before leaves objects that nothing names, see `storage.collecting`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from c2s_assets.core.errors import BucketError, DownloadError, LostRaceError
from c2s_assets.schemas.bucket import HeldUnit, PublishedFile, PublishedUnit, check_below
from c2s_assets.schemas.record import Record
from c2s_assets.storage.lake.condemned import free_key
from c2s_assets.storage.lake.digest import file_digest, files_of_tree, tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.units import unit_of, unit_of_dataset, unit_of_lake
from c2s_assets.storage.lake.working_copy import WorkingCopy, working_copy_of

if TYPE_CHECKING:  # of the extra s3
    from c2s_assets.storage.bucket.bucket import Bucket, BucketText

HEADS = "published/"
_AT_ONCE = 4
# Of one dataset several machines may build different tables; each of them loses at most to all others.
_MOST_TRIES = 50

RecordChange = Callable[[Record], Record]


def head_key(unit: str) -> str:
    """Return the key of the object that says what a unit consists of."""
    return f"{HEADS}{unit}.json"


def unit_of_head(key: str) -> str:
    """Return the unit that an object of `head_key` speaks of."""
    return key.removeprefix(HEADS).removesuffix(".json")


def parse_head(bucket: "Bucket", unit: str, found: "BucketText") -> HeldUnit:
    """Read what a bucket says that a unit consists of.

    Raises
    ------
    BucketError
        If it is none of ours, or of a newer version; nothing is done of it.
    """
    try:
        check_below(unit)
        return HeldUnit(etag=found.etag, published=PublishedUnit.model_validate_json(found.text))
    except ValueError as error:
        raise BucketError(
            f"{bucket.address}: {head_key(unit)} is not as this version of c2s_assets writes it ({error}). "
            f"Update c2s_assets if another machine has a newer one; else somebody wrote over it: remove the "
            f"object, and build that again."
        ) from error


def read_heads(bucket: "Bucket", units: Sequence[str]) -> dict[str, HeldUnit]:
    """Read what each of some units consists of; one that is gone meanwhile is left out.

    Raises
    ------
    BucketError
        See `parse_head`.
    """
    heads = zip(units, bucket.read_all(map(head_key, units)), strict=True)
    return {unit: parse_head(bucket, unit, head) for unit, head in heads if head is not None}


@dataclass
class _Change:
    """What becomes of the files of a unit."""

    emptied: list[str] = field(default_factory=list)
    files: dict[str, PublishedFile] = field(default_factory=dict)

    def of(self, before: PublishedUnit, record: Record | None) -> PublishedUnit:
        kept = {name: one for name, one in before.files.items() if not self._empties(name)}
        return PublishedUnit(files={**kept, **self.files}, record=record)

    def _empties(self, name: str) -> bool:
        return any(name == place or name.startswith(f"{place}/") for place in self.emptied)


@dataclass(frozen=True)
class SentFiles:
    """Files that are sent and not named yet; made by `prepare`."""

    copy: WorkingCopy
    dataset_id: str
    _changes: Mapping[str, _Change]
    _taken: dict[str, tuple[HeldUnit, Mapping[str, PublishedFile]]] = field(default_factory=dict)

    def swap(self, record: RecordChange | None) -> Record:
        """Let the new versions be the ones that are there; return the record of the dataset as it is now.

        Of a dataset only what changes is replaced, whatever became of the rest meanwhile. A table of the
        whole lake is made of its last version, so that it must still be that.

        Raises
        ------
        LostRaceError
            If another machine has changed a table of the whole lake.
        """
        own = unit_of_dataset(self.dataset_id)
        units = {unit: bool(change.files) for unit, change in self._changes.items()}
        if record is not None:
            units.setdefault(own, True)
        if units:  # who only reads may have no right to try it
            self.copy.require_conditions()
        # What is moved is there twice before it is there no more.
        for unit in sorted(units, key=lambda name: not units[name]):
            self._swap(unit, record if unit == own else None)
        now = self._taken[own][0].published.record if own in self._taken else None
        return now or Record(dataset_id=self.dataset_id)

    def settle(self) -> None:
        """Note what the working copy holds, now that the files have their places in it."""
        for unit, (now, known) in self._taken.items():
            self.copy.take(unit, now, known=known)
        self.copy.remove_loose({name for change in self._changes.values() for name in change.emptied})

    def _swap(self, unit: str, record: RecordChange | None) -> None:
        change = self._changes.get(unit, _Change())
        held = self.copy.held(unit)
        before = held
        # Until it is settled, nobody knows what is here.
        self.copy.forget(unit)
        for _ in range(_MOST_TRIES):
            published = PublishedUnit() if before is None else before.published
            now = change.of(published, self._record(unit, published, change, record))
            try:
                etag = self.copy.bucket.swap(
                    head_key(unit), now.render(), expected=None if before is None else before.etag
                )
            except LostRaceError:
                if unit.startswith(unit_of_lake("")):
                    self.copy.put_back(unit, held)
                    raise
                before = self._read(unit)
            except DownloadError:
                self.copy.put_back(unit, held)
                raise
            else:
                here = {} if held is None else held.published.files
                self._taken[unit] = (HeldUnit(etag=etag, published=now), {**here, **change.files})
                return
        raise LostRaceError(
            f"{self.copy.bucket.address}: {unit} was changed by others {_MOST_TRIES} times meanwhile. Run it "
            f"again."
        )

    def _record(
        self, unit: str, before: PublishedUnit, change: _Change, record: RecordChange | None
    ) -> Record | None:
        if record is not None:
            return record(before.record or Record(dataset_id=self.dataset_id))
        is_removed = unit in change.emptied
        return None if is_removed else before.record

    def _read(self, unit: str) -> HeldUnit | None:
        found = self.copy.bucket.read(head_key(unit))
        if found is None:
            return None
        return parse_head(self.copy.bucket, unit, found)


def prepare(layout: Layout, dataset_id: str, sources: Mapping[Path, Path]) -> SentFiles | None:
    """Send what will take its place in a working copy; None if the lake is none.

    Parameters
    ----------
    sources
        Where each target is now; of one that is not there nothing remains.
    """
    copy = working_copy_of(layout)
    if copy is None:
        return None
    changes: dict[str, _Change] = {}
    to_send: list[tuple[str, Path]] = []
    for target, source in sources.items():
        unit = unit_of(layout, target)
        if unit is not None:
            change = changes.setdefault(unit, _Change())
            change.emptied.append(_name(layout, target))
            known = _held_file(copy, source)
            if known is not None:
                change.files[_name(layout, target)] = known
                continue
            for name, path, kept in _files_to_be(layout, target, source, copy=copy):
                change.files[name] = kept
                to_send.append((kept.object, path))
    for source in sources.values():
        moved_from = unit_of(layout, source)
        if moved_from is not None and source.exists():
            changes.setdefault(moved_from, _Change()).emptied.append(_name(layout, source))
    if to_send:
        copy.require_conditions()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(lambda one: copy.bucket.upload_unless_there(*one), to_send):
            pass
    return SentFiles(copy, dataset_id, changes)


def _files_to_be(
    layout: Layout, target: Path, source: Path, *, copy: WorkingCopy
) -> Iterator[tuple[str, Path, PublishedFile]]:
    """Give each file of a target: its name in the lake, where it is now, and as what it is published."""
    if not source.exists():
        return
    folder = target.relative_to(layout.root).with_suffix("").as_posix()
    digest = tree_digest(source)
    for file in files_of_tree(source):
        place = target if file == source else target / file.relative_to(source)
        inner = place.name if file == source else place.relative_to(target).as_posix()
        kept = PublishedFile(
            object=free_key(copy.bucket, f"{folder}/{digest}", inner),
            size_bytes=file.stat().st_size,
            sha256=file_digest(file),
        )
        yield _name(layout, place), file, kept


def _held_file(copy: WorkingCopy, source: Path) -> PublishedFile | None:
    """Return as what a file is published already that is moved within the lake."""
    unit = unit_of(copy.layout, source)
    held = None if unit is None else copy.held(unit)
    return None if held is None else held.published.files.get(_name(copy.layout, source))


def _name(layout: Layout, path: Path) -> str:
    return path.relative_to(layout.root).as_posix()
