"""What has arrived of a file so far, kept so that another process can go on where one was stopped."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from c2s_assets.core.errors import DownloadError
from c2s_assets.storage.lake.layout import note_of_part, part_of


class PartNote(BaseModel):
    """Which version of which file a part is of."""

    url_sha256: str  # an address can hold secrets, and this lies on the disk
    etag: str | None
    validator: str  # what `If-Range` takes: the ETag if it is a strong one, else the date of last change
    size_bytes: int | None = Field(gt=0)


class Part:
    """The first bytes of a file, in its `part_of`, and a note of what they are of; made by `open_part`.

    Its process holds a lock on it. Without a note there is nothing to go on from.

    Attributes
    ----------
    n_bytes
        What it holds now.
    furthest
        The most that it ever held.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self._path, self._file = path, file
        self._note_path = note_of_part(path)
        self.n_bytes = self.furthest = file.seek(0, os.SEEK_END)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._path.parent

    def note(self, url: str) -> PartNote | None:
        """Tell of which version of this address the part is, if it is of one and holds anything."""
        try:
            note = PartNote.model_validate_json(self._note_path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return note if self.n_bytes and note.url_sha256 == url_digest(url) else None

    def start(self, note: PartNote | None) -> None:
        """Throw the bytes away and begin those of a version; without a note it cannot be gone on with."""
        self._note_path.unlink(missing_ok=True)
        self.cut(0)
        # Last, so that a note never stands beside bytes of another version; half a one is none.
        if note is not None:
            self._note_path.write_text(note.model_dump_json(), encoding="utf-8")

    def cut(self, n_bytes: int) -> None:
        """Keep the first bytes only."""
        self._file.truncate(n_bytes)
        self.n_bytes = n_bytes

    def append(self, piece: bytes) -> None:
        """Add the next bytes."""
        left = memoryview(piece)
        while left:  # a disk that is nearly full takes some of it
            n_written = self._file.write(left)
            self.n_bytes += n_written
            left = left[n_written:]
        self.furthest = max(self.furthest, self.n_bytes)

    def digest(self) -> str:
        """Return the SHA-256 of all bytes, in hexadecimal."""
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    def finish(self, path: Path) -> None:
        """Let the part, which is whole now, become the file."""
        self._path.replace(path)
        self._note_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove it, and what is known of it."""
        self._note_path.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


@contextmanager
def open_part(path: Path) -> Iterator[Part]:
    """Open or begin the part of a file that is to be at `path`.

    Raises
    ------
    DownloadError
        If another process is fetching it.
    """
    part_path = part_of(path)
    for own in (part_path, note_of_part(part_path)):
        if own.is_symlink():  # not ours, and could lead out of the lake
            own.unlink()
    with part_path.open("ab+", buffering=0) as file:
        if not _lock(file, part_path):
            raise DownloadError(f"{part_path} is being fetched by another process. Wait until it is done.")
        yield Part(part_path, file)


def url_digest(url: str) -> str:
    """Identify an address without showing it."""
    return hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()


def _lock(file: FileIO, path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # Whoever held it before us may have finished: then what we have open is the finished file.
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
