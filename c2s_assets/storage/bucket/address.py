"""Addresses of buckets."""

import re
from dataclasses import dataclass

from c2s_assets.core.errors import C2SError

# Other stores have addresses of their own, and are reached by their S3 face.
_SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_=+@,()!-][A-Za-z0-9._=+@,()!-]*")


@dataclass(frozen=True)
class BucketAddress:
    """A bucket, and what the keys of all objects of a lake begin with; empty for the whole bucket."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return "/".join(part for part in (f"{_SCHEME}{self.bucket}", self.prefix) if part)


def is_bucket_address(text: str) -> bool:
    """Whether a text is meant for the address of a bucket, however it is written."""
    return text.startswith(_SCHEME)


def parse_bucket_address(text: str) -> BucketAddress:
    """Read ``s3://bucket/prefix``.

    Raises
    ------
    C2SError
        If it names no bucket that there can be, or a prefix that is no path.
    """
    bucket, _, prefix = text.removeprefix(_SCHEME).rstrip("/").partition("/")
    parts = prefix.split("/") if prefix else []
    if not _BUCKET.fullmatch(bucket) or not all(_PART.fullmatch(part) for part in parts):
        raise C2SError(
            f"{text!r} is no address of a lake in a bucket. Write s3://BUCKET/PREFIX: 3 to 63 small letters, "
            f"digits, dots and hyphens, then folders without spaces."
        )
    return BucketAddress(bucket, prefix)
