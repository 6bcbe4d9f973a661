"""When a build that came to nothing is tried again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_DAY = 86_400.0
# Times between the tries of one version; the last is repeated. A server may be away for hours or days, and a
# file that cannot be built is not to be fetched every day for ever.
WAITS_SECONDS = (0.0, 600.0, 14_400.0, _DAY, _DAY, _DAY, 7 * _DAY)
# So many tries count for nothing whose process was killed: a machine that was stopped says nothing of a
# dataset. One that takes all memory there is gets its process killed each time.
FREE_KILLS = 3

Outcome = Literal["under way", "succeeded", "killed", "refused", "failed"]


@dataclass(frozen=True)
class Try:
    """A run that was asked for one version of a dataset.

    Attributes
    ----------
    ended_at
        In seconds since the epoch; None while it waits or runs.
    outcome
        Refused is what is wrong with the dataset itself, and will not pass.
    """

    version: str
    ended_at: float | None
    outcome: Outcome = "failed"


def due_at(ended: Sequence[Try]) -> float:
    """Say when the next try is due after these, in seconds since the epoch."""
    n_free = min(sum(one.outcome == "killed" for one in ended), FREE_KILLS)
    wait = WAITS_SECONDS[min(len(ended) - n_free, len(WAITS_SECONDS) - 1)]
    return max((one.ended_at or 0.0 for one in ended), default=0.0) + wait


def clock(seconds: float) -> str:
    """Write a time, in seconds since the epoch, as the clocks here show it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
