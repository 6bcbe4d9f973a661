"""Removing objects that nothing names any more, and no reader or build that is under way can need.

An object is condemned when nothing names it, and removed by a later run, once it has been condemned for long
enough: whoever read a version before it was replaced has that time to fetch it. Who publishes takes other
keys than condemned ones (see `condemned`), so that what is removed cannot be named meanwhile.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from c2s_assets.core.errors import BucketError
from c2s_assets.schemas.bucket import ShownFiles
from c2s_assets.storage.bucket.bucket import Bucket, BucketObject
from c2s_assets.storage.lake.condemned import CONDEMNED, Condemned
from c2s_assets.storage.lake.publication import HEADS, read_heads, unit_of_head
from c2s_assets.storage.lake.units import CATALOGUE

# Of everything else in the bucket nothing is known: it may be somebody else's.
_OURS = ("datasets/", "raw/", "catalogue/", "inbox/", "releases/")
# What a unit is published as: <place>/<digest>/<file>; a file that somebody drops has no digest above it.
_DIGEST = re.compile(r"/[0-9a-f]{64}(-[0-9a-f]{8})?/")
# The part of the catalogue that says what it shows.
_SHOWN = ".json"


@dataclass(frozen=True)
class Collected:
    """What was found: objects that nothing names, their bytes, and how many of them had their time."""

    n_orphans: int
    n_bytes: int
    n_doomed: int


def collect(bucket: Bucket, *, now: datetime, age: timedelta, is_removed: bool) -> Collected:
    """Condemn what nothing names, and remove what was condemned long enough ago.

    Parameters
    ----------
    age
        For how long an object stays that nothing names; longer than any commit or reader takes.
    is_removed
        Otherwise nothing is changed.

    Raises
    ------
    LostRaceError
        If somebody else does the same at this moment.
    """
    before = bucket.read(CONDEMNED)
    known = Condemned() if before is None else Condemned.model_validate_json(before.text)
    objects = {one.key: one for one in bucket.objects("") if is_ours(one.key)}
    condemned = condemn(objects, named=_named(bucket), known=known.since, now=now)
    doomed = doomed_of(objects, condemned, now=now, age=age)
    if is_removed:
        text = Condemned(since=dict(condemned)).model_dump_json()
        bucket.swap(CONDEMNED, text, expected=None if before is None else before.etag)
        # Somebody may have named them since they were looked at, who knew of no list yet.
        bucket.delete(sorted(doomed - _named(bucket)))
    n_bytes = sum(objects[key].size_bytes for key in condemned)
    return Collected(len(condemned), n_bytes, len(doomed))


def is_ours(key: str) -> bool:
    """Whether an object is one of those that hold a file of the lake."""
    return key.startswith(_OURS) and _DIGEST.search(key) is not None


def condemn(
    objects: Collection[str], *, named: Collection[str], known: Mapping[str, datetime], now: datetime
) -> dict[str, datetime]:
    """Say of all objects that nothing names since when that is known."""
    return {key: known.get(key, now) for key in sorted(objects) if key not in named}


def doomed_of(
    objects: Mapping[str, BucketObject],
    condemned: Mapping[str, datetime],
    *,
    now: datetime,
    age: timedelta,
) -> set[str]:
    """Choose the condemned objects that have had their time, and were not sent anew within it."""
    return {
        key
        for key, since in condemned.items()
        if now - since >= age and now - objects[key].last_modified >= age
    }


def _named(bucket: Bucket) -> set[str]:
    held = read_heads(bucket, [unit_of_head(one.key) for one in bucket.objects(HEADS)])
    named = {kept.object for unit in held.values() for kept in unit.published.files.values()}
    if CATALOGUE in held:
        for kept in held[CATALOGUE].published.files.values():
            if kept.object.endswith(_SHOWN):
                named |= _shown(bucket, kept.object)
    return named


def _shown(bucket: Bucket, key: str) -> set[str]:
    """Return the objects that the catalogue shows, also those that were replaced since it was built."""
    found = bucket.read(key)
    try:
        return set() if found is None else ShownFiles.model_validate_json(found.text).objects()
    except ValueError as error:
        raise BucketError(
            f"{bucket.address}: {key} is not as this version of c2s_assets writes it ({error}), so nobody "
            f"knows what the catalogue needs, and nothing was removed. Update c2s_assets."
        ) from error
