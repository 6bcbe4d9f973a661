"""Objects in a bucket that nothing names and that are about to be removed: who publishes takes other keys.

An object may be published again, by who makes the same bytes. One that is condemned is removed by and by, and
nobody who sends it could tell when: the same bytes then go under another key. What is condemned stays for
longer than a commit takes, so that a list which is a few minutes old will do.
"""

import secrets
import time
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from c2s_assets.storage.bucket.bucket import Bucket

CONDEMNED = "condemned.json"
_VALID_SECONDS = 600


class Condemned(BaseModel):
    """Objects that nothing named when they were looked at, and since when."""

    since: dict[str, datetime] = {}


def free_key(bucket: "Bucket", folder: str, name: str) -> str:
    """Return the key below a folder under which a file is published, which nobody is about to remove."""
    key = f"{folder}/{name}"
    condemned = _condemned(bucket, int(time.monotonic() // _VALID_SECONDS))
    return f"{folder}-{secrets.token_hex(4)}/{name}" if key in condemned else key


@lru_cache(maxsize=8)
def _condemned(bucket: "Bucket", _: int) -> frozenset[str]:
    found = bucket.read(CONDEMNED)
    return frozenset() if found is None else frozenset(Condemned.model_validate_json(found.text).since)
