"""Downloads over http and https, which go on where they were cut: within a call, or from call to call."""

import base64
import errno
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from c2s_assets.clients.http import Reply, send, shown, with_patience
from c2s_assets.core.errors import BusyServerError, DownloadError
from c2s_assets.storage.sources.part import Part, PartNote, open_part, url_digest

# CELLxGENE's largest h5ad is about 100 GB.
MAX_BYTES = 200 * 2**30
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")
# RFC 9530, and RFC 3230 before it.
_SHA256 = re.compile(r"sha-256=:?([A-Za-z0-9+/]{43}=)", re.IGNORECASE)

# Names that say how a file is served rather than what it is.
_GENERIC_NAMES = frozenset(
    {"", "content", "data", "dataset", "download", "file", "files", "get", "local", "raw", "source"}
)
_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Downloaded:
    """What the server said of the file; `url` is without credentials and query, `last_modified` a day."""

    url: str
    etag: str | None
    size_bytes: int
    last_modified: date | None = None


@dataclass(frozen=True)
class Announced:
    """What a server says of a file before it sends it; `url` is without credentials and query.

    `name` is that in the address or, where that says nothing of the file, the one that the server gives it.
    """

    url: str
    name: str
    etag: str | None
    size_bytes: int | None


def download(
    url: str,
    path: Path,
    *,
    max_bytes: int = MAX_BYTES,
    size_bytes: int | None = None,
    progress: Progress | None = None,
) -> Downloaded:
    """Fetch a file to `path`, which appears whole or not at all.

    What has arrived waits in `<path>.part`, with a note beside it of the version that it is of: a server
    that tells versions apart (by ETag or Last-Modified) and knows ranges is asked for the rest only. That
    holds after a cut, and in the next call if this one is killed or gives up because the server is busy.
    After any other error nothing is left. User, password and query of the address are used, and shown
    nowhere.

    Parameters
    ----------
    size_bytes
        Size that the file must have, where it is known beforehand.
    progress
        Is told, with every piece, how many bytes have arrived and how many there will be, if that is known.

    Raises
    ------
    BusyServerError
        If the server, after some tries, is still busy, too slow, or breaks off.
    DownloadError
        If the address, or one that it redirects to, is not http or https, or it redirects from the internet
        to this machine or its network; the server refuses; the file is larger than `max_bytes` or the free
        space on the disk, or not of the size or the digest that was announced; or another process is
        fetching it to this path.
    """
    with open_part(path) as part:
        fetch = _Fetch(url, part, max_bytes=max_bytes, size_bytes=size_bytes, progress=progress)
        try:
            etag, last_modified = with_patience(fetch.attempt, reached=lambda: part.furthest)
        except BusyServerError:
            if part.note(url) is None:
                part.discard()
            raise
        except DownloadError:
            part.discard()
            raise
        part.finish(path)
        return Downloaded(url=shown(url), etag=etag, size_bytes=part.n_bytes, last_modified=last_modified)


def announce(url: str) -> Announced:
    """Ask what a server would send, without fetching it.

    Raises
    ------
    BusyServerError, DownloadError
        As those of `download`.
    """

    def ask() -> Announced:
        with send(url, headers={}) as reply:
            return Announced(shown(url), _file_name(url, reply), reply.etag, reply.length)

    return with_patience(ask, reached=lambda: 0)


def is_url(text: str) -> bool:
    """Whether a text is meant as an address rather than as a path."""
    return "://" in text


@dataclass(frozen=True)
class _Fetch:
    """One file to be fetched, and the part that has arrived of it."""

    url: str
    part: Part
    max_bytes: int
    size_bytes: int | None
    progress: Progress | None

    def attempt(self) -> tuple[str | None, date | None]:
        """Ask for what is missing, once, and add it to the part; return ETag and day of the whole file."""
        part, note = self.part, self.part.note(self.url)
        headers = {}
        if note is not None:
            # Of a part that lacks nothing the last byte is asked for again: there is no range of no bytes.
            part.cut(part.n_bytes if note.size_bytes is None else min(part.n_bytes, note.size_bytes - 1))
            headers = {"Range": f"bytes={part.n_bytes}-", "If-Range": note.validator}
        with send(self.url, headers=headers, accepted=(416,) if note else ()) as reply:
            n_expected = self._begin(reply, note)
            most = self.max_bytes if n_expected is None else n_expected
            with _said_if_full(part.folder):
                for piece in reply.pieces(max_bytes=most - part.n_bytes):
                    part.append(piece)
                    if self.progress is not None:
                        self.progress(part.n_bytes, n_expected)
            self._check_whole(reply, n_expected)
            etag = note.etag if note is not None and reply.status == 206 else reply.etag
            return etag, _day(reply.headers.get("Last-Modified", ""))

    def _begin(self, reply: Reply, note: PartNote | None) -> int | None:
        """Go on with the part or start it anew; return the size of the whole file, if it is known."""
        total = reply.length
        if reply.status in (206, 416):
            total = _continued_total(reply, note, n_bytes=self.part.n_bytes)
            if total is None:
                self.part.start(None)
                raise BusyServerError(
                    f"{shown(self.url)} does not send the rest of what has arrived ({reply.status}), so that "
                    f"is thrown away."
                )
            self._check_size(reply, total)
        else:
            self._check_size(reply, total)
            self.part.start(_note_of(self.url, reply))
        n_expected = self.size_bytes if total is None else total
        n_free = _free_bytes(self.part.folder)
        if n_expected is not None and n_expected - self.part.n_bytes > n_free:
            raise DownloadError(
                f"{shown(self.url)} needs {n_expected - self.part.n_bytes:,} bytes more, and the disk of "
                f"{self.part.folder} has {n_free:,} left. Make room there."
            )
        return n_expected

    def _check_size(self, reply: Reply, total: int | None) -> None:
        if total is None:
            return
        if self.size_bytes is not None and total != self.size_bytes:
            kind = reply.headers.get("Content-Type", "unknown")[:60]
            raise DownloadError(
                f"{shown(self.url)} is {total:,} bytes (type: {kind}) where {self.size_bytes:,} bytes were "
                f"announced. Refresh the listing, or check the address."
            )
        if total > self.max_bytes:
            raise DownloadError(
                f"{shown(self.url)} is {total:,} bytes; at most {self.max_bytes:,} are accepted. Check the "
                f"address."
            )

    def _check_whole(self, reply: Reply, n_expected: int | None) -> None:
        n_bytes = self.part.n_bytes
        if n_expected is not None and n_bytes < n_expected:
            raise BusyServerError(f"{shown(self.url)} broke off after {n_bytes:,} of {n_expected:,} bytes.")
        announced = _announced_sha256(reply.headers)
        if announced is not None and self.part.digest() != announced:
            raise DownloadError(
                f"{shown(self.url)} did not arrive as it was sent: its SHA-256 is not the announced "
                f"{announced[:12]}. Try again."
            )


def _continued_total(reply: Reply, note: PartNote | None, *, n_bytes: int) -> int | None:
    """Size of the whole file if the reply is its rest from `n_bytes` on, of the version that we have."""
    found = _CONTENT_RANGE.fullmatch(reply.headers.get("Content-Range", ""))
    if reply.status != 206 or note is None or found is None:
        return None
    start, total = int(found[1]), int(found[2])
    is_same = start == n_bytes and note.size_bytes in (None, total) and reply.etag in (None, note.etag)
    return total if is_same else None


def _note_of(url: str, reply: Reply) -> PartNote | None:
    """Note the version, if the server names it in a way that a range can be asked of it."""
    is_strong = reply.etag is not None and not reply.etag.startswith("W/")
    validator = reply.etag if is_strong else reply.sendable("Last-Modified")
    if validator is None or reply.length == 0:
        return None
    return PartNote(url_sha256=url_digest(url), etag=reply.etag, validator=validator, size_bytes=reply.length)


def _announced_sha256(headers: Mapping[str, str]) -> str | None:
    found = _SHA256.search(headers.get("Repr-Digest", headers.get("Digest", "")))
    return base64.b64decode(found[1]).hex() if found else None


def _day(text: str) -> date | None:
    """Read the day from a date of HTTP; None if it is none."""
    try:
        return parsedate_to_datetime(text).date()
    except (ValueError, OverflowError):
        return None


def _file_name(url: str, reply: Reply) -> str:
    """Name the file: repositories serve it under `content`, `download`, or a number of their own."""
    name = PurePosixPath(unquote(urlsplit(shown(url)).path)).name
    stem, dot, _ = name.partition(".")
    if dot and stem.lower() not in _GENERIC_NAMES:
        return name
    header = Message()
    header["Content-Disposition"] = _LINE_BREAKS.sub(" ", reply.headers.get("Content-Disposition", ""))
    given = header.get_filename("").replace("\\", "/")
    return PurePosixPath(given).name or name


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@contextmanager
def _said_if_full(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DownloadError(f"the disk of {folder} is full. Make room there.") from error
