"""Finding a lake: in a folder of this machine, or in a bucket, of which a folder here becomes the copy."""

import hashlib
import os
from pathlib import Path

from c2s_assets.core.errors import C2SError
from c2s_assets.storage.bucket.address import is_bucket_address, parse_bucket_address
from c2s_assets.storage.lake.evicting import evict
from c2s_assets.storage.lake.layout import Layout, locate_lake
from c2s_assets.storage.lake.refreshing import refresh
from c2s_assets.storage.lake.shapes import BINDING
from c2s_assets.storage.lake.working_copy import Binding, working_copy_of, write_beside

_CACHE_GB, _DEFAULT_GB = "C2S_CACHE_GB", "100"
_CACHE, _ENDPOINT = "C2S_CACHE", "AWS_ENDPOINT_URL_S3"


def find_lake(address: str | Path | None) -> Layout:
    """Find the lake in a folder, see `locate_lake`, or in a bucket, ``s3://BUCKET/PREFIX``, as it is now.

    Of a lake in a bucket the working copy is found; it lies in ``$C2S_CACHE``, by default `c2s_assets` below
    the user's folder for caches, and keeps ``$C2S_CACHE_GB`` of what was read, by default 100.

    Raises
    ------
    C2SError
        If there can be no lake, or obstore is not installed.
    BucketError, BusyServerError
        If the bucket does not answer, or not us.
    """
    layout = known_lake(address)
    copy = working_copy_of(layout)
    if copy is not None:
        copy.bucket.reach()
    renew(layout)
    return layout


def known_lake(address: str | Path | None) -> Layout:
    """Find the lake as `find_lake` does, but one in a bucket as it was seen last from here: nobody is asked.

    Raises
    ------
    C2SError
        See `find_lake`.
    """
    if not is_bucket_address(str(address)):
        return locate_lake(address)
    try:
        import obstore  # noqa: F401, PLC0415
    except ImportError as error:
        raise C2SError(
            f"{address} is in a bucket, for which obstore is needed: pip install 'c2s-assets[s3]'."
        ) from error
    return Layout(_place_of_copy(str(address)))


def renew(layout: Layout) -> None:
    """Bring a lake in a bucket to what it is now, and its copy here within its bounds; of others, nothing.

    Raises
    ------
    BucketError, BusyServerError
        If the bucket does not answer, or not us.
    """
    copy = working_copy_of(layout)
    if copy is not None:
        refresh(layout)
        evict(copy, most_bytes=_most_bytes())


def _place_of_copy(text: str) -> Path:
    """Return the folder of the working copy, which is made and bound if there is none."""
    address = parse_bucket_address(text)
    # Buckets of two providers may have one name.
    place = hashlib.sha256(f"{os.environ.get(_ENDPOINT, '')} {address}".encode()).hexdigest()[:12]
    root = _caches() / "lakes" / f"{address.bucket}-{place}"
    if not (root / BINDING).exists():
        root.mkdir(parents=True, exist_ok=True)
        write_beside(root / BINDING, Binding(address=str(address)).model_dump_json())
    return root.resolve()


def _most_bytes() -> int:
    text = os.environ.get(_CACHE_GB, _DEFAULT_GB)
    try:
        return int(float(text) * 10**9)
    except ValueError as error:
        raise C2SError(f"${_CACHE_GB} is {text!r}. Give gigabytes, such as {_DEFAULT_GB}.") from error


def _caches() -> Path:
    if named := os.environ.get(_CACHE):
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "c2s_assets"
