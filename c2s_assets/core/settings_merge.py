"""Settings that come with a new version, and what an operator has changed of those that came before."""

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]


def merge_settings(theirs: Settings, *, before: Settings, ours: Settings) -> dict[str, Any]:
    """Take over what is new; what somebody has added, changed or removed stays as they want it.

    Parameters
    ----------
    theirs
        As they are now.
    before
        As they came; empty if nobody knows, which leaves everything that is there.
    ours
        As they come now.
    """
    merged: dict[str, Any] = {}
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        was_theirs, was_ours = name in theirs, name in before
        if not was_theirs:
            if not was_ours:
                merged[name] = ours[name]
        elif isinstance(theirs[name], Mapping) and isinstance(ours.get(name), Mapping):
            known = before.get(name)
            below = known if isinstance(known, Mapping) else {}
            merged[name] = merge_settings(theirs[name], before=below, ours=ours[name])
        elif not was_ours or theirs[name] != before[name]:
            merged[name] = theirs[name]
        elif name in ours:
            merged[name] = ours[name]
    return merged
