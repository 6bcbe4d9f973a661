"""A bucket: its objects are read, written, swapped, listed and deleted, and nothing else is asked of it.

Nothing here renames, copies, links or locks: what S3 has is an object that is there whole or not at all, and
a PUT that is refused if the object is no longer the one that was read. Credentials, region and endpoint come
from the environment, as of other clients of S3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_VIRTUAL_HOSTED_STYLE_REQUEST`; or from the
platform. None of them is kept or shown.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from c2s_assets.core.errors import BucketError, BusyServerError, LostRaceError
from c2s_assets.storage.bucket.address import BucketAddress
from c2s_assets.storage.bucket.look import ObjectLook
from c2s_assets.storage.bucket.refusals import is_unreachable, refusals_in_words

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta, PutMode
    from obstore.store import RetryConfig

# A file is sent in parts of this size and fetched in pieces of it, four at a time: a piece that breaks off is
# asked for again alone. S3 takes 10,000 parts.
_PIECE_BYTES = 16 * 2**20
_MOST_PARTS = 9_000
_LOOK_BYTES = 64 * 2**10
_AT_ONCE = 4
_SMALL_AT_ONCE = 32
# Waits are drawn from the shortest one up: 120 of half a second outlast a server that is busy for a minute.
_PATIENCE: "RetryConfig" = {
    "max_retries": 120,
    "retry_timeout": timedelta(minutes=3),
    "backoff": {"init_backoff": timedelta(seconds=0.5), "max_backoff": timedelta(seconds=10), "base": 2},
}
# Whoever mistyped an address is to hear of it soon.
_HASTE: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
_PROBE, _NEVER = "conditions.txt", '"00000000000000000000000000000000"'
_PROBE_TEXT = b"Written to see whether If-Match and If-None-Match are honoured here; nothing reads it.\n"


@dataclass(frozen=True)
class BucketObject:
    """An object as a listing shows it."""

    key: str
    size_bytes: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True)
class BucketText:
    """The text of a small object, and which version of it that is."""

    text: str
    etag: str


@dataclass(frozen=True)
class Bucket:
    """The objects of one lake in a bucket; keys are those below its prefix."""

    address: BucketAddress
    _patience: "RetryConfig" = field(default_factory=lambda: _PATIENCE, compare=False)

    @cached_property
    def _store(self) -> S3Store:
        return self._connect(self._patience)

    def _connect(self, patience: "RetryConfig") -> S3Store:
        return S3Store(
            self.address.bucket,
            prefix=self.address.prefix or None,
            retry_config=patience,
            client_options={"allow_http": True, "timeout": "120s", "connect_timeout": "10s"},
            # Beside the signature, so that who stores it knows it too.
            checksum_algorithm="SHA256",
        )

    def reach(self) -> None:
        """See whether anybody is there at all, without the patience of everything else.

        Raises
        ------
        BusyServerError
            If nobody answers.
        BucketError
            If there is no such bucket, or it gives nothing to us.
        """
        try:
            with refusals_in_words(self.address, _PROBE):
                obstore.get(self._connect(_HASTE), _PROBE)
        except FileNotFoundError:
            return
        except BusyServerError as error:
            if is_unreachable(error):
                raise

    def require_conditions(self) -> None:
        """See that a condition is kept: without, two writers undo each other, and neither hears of it.

        Raises
        ------
        BucketError
            If one is not.
        """
        modes: list[PutMode] = ["create", "create", {"e_tag": _NEVER}]
        kept = [self._is_kept(mode) for mode in modes]
        # Of the first one it shows nothing that it was done: there may have been no such object.
        if not all(kept[1:]):
            raise BucketError(
                f"{self.address}: it ignores If-None-Match or If-Match of PutObject, without which two "
                f"writers undo each other; nothing was written. AWS, MinIO, Ceph and R2 keep them: update "
                f"the server, or have a lake in a folder."
            )

    def _is_kept(self, mode: "PutMode") -> bool:
        try:
            with refusals_in_words(self.address, _PROBE):
                obstore.put(self._store, _PROBE, _PROBE_TEXT, mode=mode)
        except LostRaceError:
            return True
        return False

    def read(self, key: str) -> BucketText | None:
        """Read a small object; None if there is none."""
        try:
            with refusals_in_words(self.address, key):
                found = obstore.get(self._store, key)
                return BucketText(bytes(found.bytes()).decode(), _etag(found.meta))
        except FileNotFoundError:
            return None

    def read_all(self, keys: Iterable[str]) -> Iterator[BucketText | None]:
        """Read many small objects, many at a time; in order."""
        with ThreadPoolExecutor(_SMALL_AT_ONCE) as pool:
            yield from pool.map(self.read, keys)

    def swap(self, key: str, text: str, *, expected: str | None) -> str:
        """Write a small object if it is still the version that is expected; return the new version.

        Parameters
        ----------
        expected
            As `read` said; None if there must be no such object yet.

        Raises
        ------
        LostRaceError
            If it is another one by now.
        """
        mode: PutMode = "create" if expected is None else {"e_tag": expected}
        try:
            with refusals_in_words(self.address, key):
                return str(obstore.put(self._store, key, text.encode(), mode=mode)["e_tag"])
        except (LostRaceError, FileNotFoundError) as error:
            # A first try may have been heard, and only its answer lost; the next one then finds itself.
            now = self.read(key)
            if now is not None and now.text == text:
                return now.etag
            raise LostRaceError(
                f"{self.address}: {key} was changed by another machine meanwhile, and that stays. Run it "
                f"again: it will go on from there."
            ) from error

    def upload(self, key: str, path: Path) -> None:
        """Write a file, in parts if it is large; the object is there once all of them have arrived.

        Raises
        ------
        BusyServerError
            If parts are gone before they are put together.
        """
        size = path.stat().st_size
        try:
            with refusals_in_words(self.address, key):
                obstore.put(
                    self._store,
                    key,
                    path,
                    use_multipart=size > _PIECE_BYTES,
                    chunk_size=max(_PIECE_BYTES, -(-size // _MOST_PARTS)),
                    max_concurrency=_AT_ONCE,
                )
        except FileNotFoundError as error:
            # Of parts that were put together nothing is known any more: only the answer was lost.
            if not self.holds(key, size_bytes=size):
                raise BusyServerError(
                    f"{self.address}: the parts of {key} were gone before it was whole. Run it again."
                ) from error

    def upload_unless_there(self, key: str, path: Path) -> None:
        """Write a file under a key that names its bytes; a large one that is there is not sent again."""
        size = path.stat().st_size
        if size <= _PIECE_BYTES or not self.holds(key, size_bytes=size):
            self.upload(key, path)

    def holds(self, key: str, *, size_bytes: int) -> bool:
        """Whether there is an object of that size."""
        there = self.look(key)
        return there is not None and there.size_bytes == size_bytes

    def download_version(self, key: str, path: Path, *, size_bytes: int, etag: str) -> None:
        """Fetch one version of an object into a new file.

        Raises
        ------
        LostRaceError
            If it is another one by now.
        FileNotFoundError
            If there is no such object.
        """
        options: GetOptions = {"if_match": etag}
        with path.open("wb") as file, ThreadPoolExecutor(_AT_ONCE) as pool:
            starts = range(0, size_bytes, _PIECE_BYTES)
            for _ in pool.map(lambda at: self._fetch(key, file.fileno(), at, size_bytes, options), starts):
                pass

    def download(self, key: str, path: Path, *, size_bytes: int, sha256: str) -> None:
        """Fetch an object into a new file, and see that it is what it should be.

        Raises
        ------
        BusyServerError
            If what arrived is not what was published, so that nothing may be made of it.
        FileNotFoundError
            If there is no such object.
        """
        starts = range(0, size_bytes, _PIECE_BYTES)
        with path.open("wb") as file, ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda start: self._fetch(key, file.fileno(), start, size_bytes, {}), starts):
                pass
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            path.unlink()
            raise BusyServerError(
                f"{self.address}: what arrived of {key} has the sha256 {found[:12]}, and {sha256[:12]} was "
                f"published. Run it again; if it stays so, build the dataset again: the object is damaged."
            )

    def open(self, key: str, *, size_bytes: int) -> io.BufferedReader:
        """Open an object for a look at some of its bytes; what is read of it cannot be verified."""

        def fetch(start: int, stop: int) -> bytes:
            return self.read_range(key, start, stop)

        return io.BufferedReader(ObjectLook(fetch, size_bytes=size_bytes), _LOOK_BYTES)

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        """Read bytes of an object from a position to another one; they cannot be verified.

        Raises
        ------
        FileNotFoundError
            If there is no such object.
        """
        return self._fetch_range(key, start, stop, {})

    def look(self, key: str) -> BucketObject | None:
        """Return what a listing shows of one object; None if there is none."""
        try:
            with refusals_in_words(self.address, key):
                return _as_listed(obstore.head(self._store, key))
        except FileNotFoundError:
            return None

    def objects(self, prefix: str) -> Iterator[BucketObject]:
        """List the objects below a prefix, in no order."""
        with refusals_in_words(self.address, prefix):
            for page in obstore.list(self._store, prefix or None):
                for found in page:
                    yield _as_listed(found)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are gone already count as deleted."""
        for start in range(0, len(keys), 1000):
            with refusals_in_words(self.address, keys[start]):
                obstore.delete(self._store, list(keys[start : start + 1000]))

    def _fetch(self, key: str, file: int, start: int, size_bytes: int, options: "GetOptions") -> None:
        piece = self._fetch_range(key, start, min(start + _PIECE_BYTES, size_bytes), options)
        os.pwrite(file, piece, start)

    def _fetch_range(self, key: str, start: int, stop: int, options: "GetOptions") -> bytes:
        with refusals_in_words(self.address, key):
            found = obstore.get(self._store, key, options={"range": (start, stop), **options})
            return bytes(found.bytes())


def _as_listed(meta: "ObjectMeta") -> BucketObject:
    return BucketObject(meta["path"], int(meta["size"]), _etag(meta), meta["last_modified"])


def _etag(meta: "ObjectMeta") -> str:
    return str(meta["e_tag"])
