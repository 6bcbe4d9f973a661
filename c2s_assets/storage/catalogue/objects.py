"""What the catalogue of a lake in a bucket shows: objects that are never changed, as DuckDB reads them.

Views know a file as ``c2s://<table>/<dataset_id>/<file>``; a document beside the catalogue says which object
that is, so that one catalogue serves all machines. Of a table that a query names the smallest files are
fetched, to where the lake here has them; of others, and of versions that were replaced, DuckDB reads ranges.

It reads them through Python: its `httpfs` has to be downloaded, and no package has that of DuckDB 2.0. Files
of fsspec will not do: DuckDB 2.0 reads one file from eight threads, also where it computes with one, and sets
its position first. Before the read another thread sets it, and pages end in "don't know what type",
"decompression failure" or "only 0 bytes returned". `SharedFile` has a position for each thread.
"""

import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from fsspec import AbstractFileSystem

from c2s_assets.core.errors import BucketError, LakeError
from c2s_assets.schemas.bucket import PublishedFile, ShownFile, ShownFiles
from c2s_assets.storage.bucket.bucket import Bucket
from c2s_assets.storage.lake.shapes import is_of_shape, is_shape, note_read, present
from c2s_assets.storage.lake.working_copy import WorkingCopy

SCHEME = "c2s"
# Of each table; what is more is read where it lies, and again by the next query.
_FETCHED_BYTES = 64 * 2**20
# Of an object, with a footer in it that may describe a hundred columns.
_END_BYTES = 64 * 2**10
# Of which 64 MB are kept at most.
_MOST_ENDS = 1_000
_AT_ONCE = 16
_NEVER_CHANGED = datetime(1970, 1, 1, tzinfo=UTC)

_Read = Callable[[int, int], bytes]


class LakeFiles(AbstractFileSystem):
    """The files that a catalogue shows, by their names in its views."""

    protocol = SCHEME
    cachable = False

    def __init__(self, copy: WorkingCopy, document: bytes | None = None) -> None:
        super().__init__()
        self._copy, self._document = copy, document or b"{}"
        # Who builds a catalogue looks at all tables, and reads few columns of two.
        self._is_fetching = document is not None
        self._ranges: dict[str, _Ranges] = {}

    @cached_property
    def shown(self) -> ShownFiles:
        """Say which objects they are; of a large lake that takes its time, and not every query needs it."""
        return ShownFiles.model_validate_json(self._document)

    def show(self, name: str, source: Path) -> None:
        """Show a file of the lake as it is published now.

        Raises
        ------
        LakeError
            If nobody knows as what: another process here is about to replace it.
        """
        published = self._copy.published(source)
        if published is None:
            raise LakeError(f"{source.name} is about to be replaced by another process. Run it again.")
        self.shown.files[name] = ShownFile(name=self._name(source), published=published)

    def show_as_it_is(self, name: str, source: Path) -> None:
        """Show a file of the lake as it is whenever somebody asks."""
        self.shown.files[name] = ShownFile(name=self._name(source), published=None)

    def keep(self, is_kept: Callable[[str], bool]) -> None:
        """Show some of the files no more."""
        for name in [name for name in self.shown.files if not is_kept(name)]:
            del self.shown.files[name]

    def glob(self, path: str, **_: Any) -> list[str]:
        """Find files, which are about to be read, and fetch the smallest of them."""
        pattern, known = self._strip_protocol(path), self.shown.columns.keys() | self.shown.files.keys()
        names = [pattern] if pattern in known else [name for name in known if fnmatchcase(name, pattern)]
        found = {name: self.shown.files[name] for name in names if name in self.shown.files}
        if self._is_fetching:
            self._copy.fetch(self._to_fetch(found.values()))
        gone = {name for name, one in found.items() if not one.published and not self._place(one).exists()}
        return sorted(set(names) - gone)

    def open(self, path: str, mode: str = "rb", **_: Any) -> "SharedFile":
        """Open a file for reading."""
        del mode
        name = self._strip_protocol(path)
        if name in self.shown.columns:
            content = self.shown.columns[name]
            return SharedFile(lambda start, stop: content[start:stop], len(content))
        one = self.shown.files[name]
        here = self._open_here(one)
        if here is not None:
            return _shared(here)
        if one.published is None:
            return _shared(present(self._place(one)).open("rb"))
        return SharedFile(self._ranges_of(one.published).read, one.published.size_bytes)

    def look_at(self, names: Iterable[str]) -> None:
        """Fetch the ends of files that are about to be opened, many at a time."""
        kept = [one.published for one in map(self.shown.files.get, names) if one and not self._is_whole(one)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda one: self._ranges_of(one).end, filter(None, kept)):
                pass

    def size(self, path: str) -> int:
        """Return the length of a file in bytes."""
        name = self._strip_protocol(path)
        if name in self.shown.columns:
            return len(self.shown.columns[name])
        one = self.shown.files[name]
        if one.published is not None:
            return one.published.size_bytes
        return present(self._place(one)).stat().st_size

    def modified(self, path: str) -> datetime:
        """Tell when a file was changed: none ever is, or DuckDB need not know."""
        del path
        return _NEVER_CHANGED

    def _name(self, source: Path) -> str:
        return source.relative_to(self._copy.layout.root).as_posix()

    def _place(self, one: ShownFile) -> Path:
        return self._copy.layout.root / one.name

    def _to_fetch(self, files: Iterable[ShownFile]) -> Iterator[Path]:
        sizes = sorted(
            (one.published.size_bytes, one.name, one) for one in files if one.published is not None
        )
        n_bytes = 0
        for size, _, one in sizes:
            n_bytes += size
            if n_bytes <= _FETCHED_BYTES and is_shape(self._place(one)) and self._is_same(one):
                yield self._place(one)

    def _ranges_of(self, kept: PublishedFile) -> "_Ranges":
        if len(self._ranges) > _MOST_ENDS:
            self._ranges.clear()
        return self._ranges.setdefault(kept.object, _Ranges(self._copy.bucket, kept))

    def _is_whole(self, one: ShownFile) -> bool:
        return not is_shape(self._place(one)) and self._is_same(one)

    def _is_same(self, one: ShownFile) -> bool:
        return self._copy.published(self._place(one)) == one.published

    def _open_here(self, one: ShownFile) -> IO[bytes] | None:
        """Open the lake's own file if it is this version, and its bytes are here."""
        place = self._place(one)
        if one.published is None or not self._is_whole(one):
            return None
        try:
            file = place.open("rb")
        except FileNotFoundError:  # another version is about to take its place
            return None
        # What takes its place is forgotten before it does, so that this one was opened in time.
        if self._is_same(one) and not is_of_shape(os.fstat(file.fileno())):
            note_read(file)
            return file
        file.close()
        return None


class SharedFile(io.RawIOBase):
    """A file that several threads read, each from a position of its own.

    Parameters
    ----------
    read
        Returns the bytes from a position to another one, without that.
    """

    def __init__(self, read: _Read, size_bytes: int, *, close: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.size_bytes = size_bytes
        self._read, self._close, self._own = read, close, threading.local()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any part of it can be read."""
        return True

    def tell(self) -> int:
        """Return the position of this thread."""
        return int(getattr(self._own, "at", 0))

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a position."""
        self._own.at = (
            offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size_bytes}[whence]
        )
        return self.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read that many bytes, or all that are left."""
        start = self.tell()
        stop = self.size_bytes if size is None or size < 0 else min(start + size, self.size_bytes)
        self._own.at = max(start, stop)
        return self._read(start, stop) if stop > start else b""

    def close(self) -> None:
        """Let go of what it reads from."""
        if not self.closed:
            self._close()
        super().close()


def _shared(file: IO[bytes]) -> SharedFile:
    def read(start: int, stop: int) -> bytes:
        return os.pread(file.fileno(), stop - start, start)

    return SharedFile(read, os.fstat(file.fileno()).st_size, close=file.close)


class _Ranges:
    """The bytes of an object, whose end is kept: DuckDB reads the footer several times for one answer."""

    def __init__(self, bucket: Bucket, kept: PublishedFile) -> None:
        self._bucket, self._kept = bucket, kept
        self._end_begins = max(0, kept.size_bytes - _END_BYTES)

    def read(self, start: int, stop: int) -> bytes:
        if start < self._end_begins:
            return self._fetch(start, stop)
        return self.end[start - self._end_begins : stop - self._end_begins]

    @cached_property
    def end(self) -> bytes:
        """The last bytes."""
        return self._fetch(self._end_begins, self._kept.size_bytes)

    def _fetch(self, start: int, stop: int) -> bytes:
        try:
            return self._bucket.read_range(self._kept.object, start, stop)
        except FileNotFoundError as error:
            raise BucketError(
                f"{self._bucket.address}: {self._kept.object} is gone, which the catalogue shows. Perhaps it "
                f"was replaced more than a week ago: ask again, without --as-is."
            ) from error
