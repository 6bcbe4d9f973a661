"""The copy on this machine of a lake in a bucket: an ordinary lake, of which files are fetched when read.

Beside the lake's own folders lies, in `.published/`, which version of each unit the copy has; `.bucket.json`
says of which bucket it is a copy. Fetching looks for objects that are never changed, so that a copy stays
what it was, whatever is published meanwhile, until it is refreshed. What is not fetched yet: see `shapes`.
"""

import secrets
from collections.abc import Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import BaseModel

from c2s_assets.core.errors import BucketError
from c2s_assets.schemas.bucket import HeldUnit, LooseFile, LooseFiles, PublishedFile, PublishedUnit
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locks import one_at_a_time
from c2s_assets.storage.lake.record import render_record
from c2s_assets.storage.lake.shapes import BINDING, is_shape, put_shape
from c2s_assets.storage.lake.units import files_of_unit, place_of, unit_of, unit_of_dataset

if TYPE_CHECKING:  # of the extra s3, which a lake on this machine does without
    from c2s_assets.storage.bucket.bucket import Bucket

_HELD, _LOOSE, _TRIED = ".published", ".loose.json", ".conditions_are_kept"
# Documents are read whenever somebody asks how a dataset stands, so they are fetched at once.
_DOCUMENT, _MOST_BYTES_OF_DOCUMENT = ".json", 2**20
_AT_ONCE = 16


class Binding(BaseModel):
    """What a working copy is a copy of."""

    address: str


@dataclass(frozen=True)
class WorkingCopy:
    """A lake on this machine, and the bucket that it is a copy of."""

    layout: Layout
    bucket: "Bucket"

    def held(self, unit: str) -> HeldUnit | None:
        """Return which version of a unit is here; None if none is, or nobody knows."""
        place = self._held_place(unit)
        try:
            seen = place.stat()
            return _read_held(place, seen.st_ino, seen.st_mtime_ns, seen.st_size)
        except FileNotFoundError:
            return None

    def held_units(self) -> dict[str, HeldUnit]:
        """Return all units that are here."""
        folder = self.layout.root / _HELD
        names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")]
        return {name: held for name in names if (held := self.held(name)) is not None}

    def require_conditions(self) -> None:
        """Refuse to write into a bucket that does not keep conditions, which is tried once for each copy.

        Raises
        ------
        BucketError
            If it does not.
        """
        place = self.layout.root / _TRIED
        if not place.exists():
            self.bucket.require_conditions()
            place.touch()

    def put_back(self, unit: str, held: HeldUnit | None) -> None:
        """Rely again on the version that was here before `forget`, because nothing has changed."""
        if held is not None:
            self._note(unit, held)

    def forget(self, unit: str) -> None:
        """Let nobody rely on the version that is here, because it is about to change."""
        self._held_place(unit).unlink(missing_ok=True)

    def take(self, unit: str, now: HeldUnit, *, known: Mapping[str, PublishedFile] | None) -> None:
        """Become this version of a unit; to be called by who holds the lake's lock.

        Parameters
        ----------
        known
            What files that are here hold; None if that has to be looked at.
        """
        root, files = self.layout.root, now.published.files
        self.forget(unit)
        with one_at_a_time(self.layout, "fetch.lock"):
            loose = self.loose()
            for path in list(files_of_unit(self.layout, unit)):
                if self._name(path) not in files.keys() | loose.keys():
                    _remove(path, below=root)
            stale = [name for name, kept in files.items() if not self._is_here(name, kept, known)]
            # As in a commit, folders never hold files of two versions; a file is always there, old or new.
            for name in stale:
                if name != place_of(name):
                    (root / name).unlink(missing_ok=True)
            for name in stale:
                put_shape(root / name, files[name].size_bytes)
            self._put_record(unit, now.published)
            self._note(unit, now)
        self.fetch(root / name for name in stale if _is_document(name, files[name]))

    def fetch(self, paths: Iterable[Path]) -> None:
        """Fetch the bytes of files that are shapes.

        Raises
        ------
        BucketError
            If an object is gone.
        BusyServerError
            If the bucket does not answer, or what arrives is not what was published.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(self._fetch, paths):
                pass

    def open(self, path: Path) -> IO[bytes]:
        """Open the object that a shape stands for, for a look at some of its bytes."""
        kept = self.published(path)
        if kept is not None:
            return self.bucket.open(kept.object, size_bytes=kept.size_bytes)
        name = self._name(path)
        loose = self.loose().get(name)
        return path.open("rb") if loose is None else self.bucket.open(name, size_bytes=loose.size_bytes)

    def published(self, path: Path) -> PublishedFile | None:
        """Return as what a file is published that is here; None if it is not, or nobody knows."""
        unit = unit_of(self.layout, path)
        held = None if unit is None else self.held(unit)
        return None if held is None else held.published.files.get(self._name(path))

    def _fetch(self, path: Path) -> None:
        kept, loose = self.published(path), self.loose().get(self._name(path))
        if kept is None and loose is None:
            return
        arrived = self.layout.staging / "fetched" / secrets.token_hex(8)
        arrived.parent.mkdir(parents=True, exist_ok=True)
        try:
            if kept is not None:
                self.bucket.download(kept.object, arrived, size_bytes=kept.size_bytes, sha256=kept.sha256)
            elif loose is not None:
                name = self._name(path)
                self.bucket.download_version(name, arrived, size_bytes=loose.size_bytes, etag=loose.etag)
        except FileNotFoundError as error:
            key = self._name(path) if kept is None else kept.object
            raise BucketError(
                f"{self.bucket.address}: {key} is gone, which {path.name} is published as. It was "
                f"replaced more than a week ago, perhaps: run this again. If it stays so, build it again."
            ) from error
        else:
            with one_at_a_time(self.layout, "fetch.lock"):
                # Another version may have been taken meanwhile.
                is_same = (self.published(path), self.loose().get(self._name(path))) == (kept, loose)
                if is_shape(path) and is_same:
                    arrived.replace(path)
        finally:
            arrived.unlink(missing_ok=True)

    def loose(self) -> dict[str, LooseFile]:
        """Return the files that people put into the bucket as they are, as far as is known here."""
        with suppress(FileNotFoundError):
            return LooseFiles.model_validate_json((self.layout.root / _LOOSE).read_bytes()).files
        return {}

    def note_loose(self, files: dict[str, LooseFile]) -> None:
        """Note which of them are here."""
        write_beside(self.layout.root / _LOOSE, LooseFiles(files=files).model_dump_json())

    def remove_loose(self, names: Set[str]) -> None:
        """Remove those from the bucket that were taken, unless there is another one of that name by now."""
        known = self.loose()
        for name in names & known.keys():
            there = self.bucket.look(name)
            if there is not None and there.etag == known[name].etag:
                self.bucket.delete([name])
        if names & known.keys():
            self.note_loose({name: one for name, one in known.items() if name not in names})

    def _is_here(self, name: str, kept: PublishedFile, known: Mapping[str, PublishedFile] | None) -> bool:
        path = self.layout.root / name
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return False
        if size != kept.size_bytes:
            return False
        if is_shape(path):
            return True
        if known is not None:
            return name in known and known[name].sha256 == kept.sha256
        return file_digest(path) == kept.sha256

    def _put_record(self, unit: str, published: PublishedUnit) -> None:
        dataset_id = unit.removeprefix("datasets/")
        if unit != unit_of_dataset(dataset_id):
            return
        place = self.layout.record(dataset_id)
        if published.record is None:
            _remove(place, below=self.layout.root)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_beside(place, render_record(published.record))

    def _note(self, unit: str, held: HeldUnit) -> None:
        place = self._held_place(unit)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_beside(place, held.model_dump_json())

    def _held_place(self, unit: str) -> Path:
        return self.layout.root / _HELD / f"{unit}.json"

    def _name(self, path: Path) -> str:
        return path.relative_to(self.layout.root).as_posix()


# DuckDB asks it of every file that it opens, several times for one answer.
@lru_cache(maxsize=4_096)
def _read_held(place: Path, *_: int) -> HeldUnit:
    """Read what a unit is held as; the same file, which another one replaces, is read once."""
    return HeldUnit.model_validate_json(place.read_bytes())


def working_copy_of(layout: Layout) -> WorkingCopy | None:
    """Return what a lake is a working copy of; None if it is a lake for itself."""
    return _working_copy(layout.root) if (layout.root / BINDING).exists() else None


@cache
def _working_copy(root: Path) -> WorkingCopy:
    from c2s_assets.storage.bucket.address import parse_bucket_address  # noqa: PLC0415
    from c2s_assets.storage.bucket.bucket import Bucket  # noqa: PLC0415

    binding = Binding.model_validate_json((root / BINDING).read_bytes())
    return WorkingCopy(Layout(root), Bucket(parse_bucket_address(binding.address)))


def is_removed(layout: Layout, dataset_id: str) -> bool:
    """Whether a dataset was taken out of a lake in a bucket, on whatever machine."""
    copy = working_copy_of(layout)
    held = None if copy is None else copy.held(unit_of_dataset(dataset_id))
    return held is not None and held.published == PublishedUnit()


def write_beside(path: Path, text: str) -> None:
    """Let a file hold a text, of which a reader sees all or nothing."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _remove(path: Path, *, below: Path) -> None:
    """Remove a file, and the folders that it leaves empty."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if below in (folder.parent, folder):
            return
        with suppress(OSError):
            folder.rmdir()


def _is_document(name: str, kept: PublishedFile) -> bool:
    return name.endswith(_DOCUMENT) and kept.size_bytes <= _MOST_BYTES_OF_DOCUMENT
