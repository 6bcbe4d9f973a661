"""Bringing the working copy of a lake in a bucket to what is published now."""

import fcntl
from collections.abc import Mapping

from c2s_assets.schemas.bucket import HeldUnit, PublishedUnit
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locks import lock_file, one_at_a_time
from c2s_assets.storage.lake.loose import look_for_loose, take_loose
from c2s_assets.storage.lake.publication import HEADS, read_heads, unit_of_head
from c2s_assets.storage.lake.settings_file import take_settings
from c2s_assets.storage.lake.staging import recover_while_locked
from c2s_assets.storage.lake.working_copy import WorkingCopy, working_copy_of

_GONE = ""


def refresh(layout: Layout, *, alone_with: str | None = None) -> None:
    """Take what is published by now; of a lake that is no working copy, nothing.

    What dead processes left here is completed first: it is older. What a process on this machine is alone
    with stays as it is until that has ended: what it makes is of the version that it read.

    Parameters
    ----------
    alone_with
        What this process is alone with itself, see `alone`.
    """
    copy = working_copy_of(layout)
    if copy is None:
        return
    held = copy.held_units()
    seen = {unit_of_head(one.key): one.etag for one in copy.bucket.objects(HEADS)}
    changed = [unit for unit, etag in seen.items() if unit not in held or held[unit].etag != etag]
    news = read_heads(copy.bucket, changed)
    news |= {unit: HeldUnit(etag=_GONE, published=PublishedUnit()) for unit in held.keys() - seen.keys()}
    take_settings(copy)
    loose = look_for_loose(copy)
    with one_at_a_time(layout):
        recover_while_locked(layout)
        # What was published from here meanwhile is newer than what was seen.
        news = {unit: now for unit, now in news.items() if copy.held(unit) == held.get(unit)}
        _take_all(copy, news, alone_with=alone_with)
        take_loose(copy, loose)


def _take_all(copy: WorkingCopy, news: Mapping[str, HeldUnit], *, alone_with: str | None) -> None:
    for unit, now in news.items():
        what = unit.removeprefix("lake/")
        if what != alone_with and _is_taken(copy.layout, what):
            continue
        before = copy.held(unit)
        copy.take(unit, now, known=None if before is None else before.published.files)
        if now.etag == _GONE:
            copy.forget(unit)


def _is_taken(layout: Layout, what: str) -> bool:
    """Whether a process on this machine is alone with it."""
    place = layout.staging / f"{what}.lock"
    if not place.exists():
        return False
    try:
        lock_file(place, mode="r+", flags=fcntl.LOCK_NB).close()
    except BlockingIOError:
        return True
    return False
