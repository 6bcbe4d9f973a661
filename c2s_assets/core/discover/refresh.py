"""What to build so that the lake holds the versions that CELLxGENE Discover lists now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from c2s_assets.core.runs.retrying import Try, clock, due_at

Why = Literal["new", "revised", "unfinished"]
_WHY: tuple[Why, ...] = get_args(Why)
# Datasets of a kind, in a message.
_NAMED = 5


@dataclass(frozen=True)
class Held:
    """What the lake holds of a dataset.

    Attributes
    ----------
    dataset_version_id
        None if the source file did not come from Discover, or is not the one that was verified.
    since
        When the source file came or the settings changed last, in seconds since the epoch.
    is_built
        Whether everything is there that a build makes of it.
    is_own
        Whether the source file is one that a user gave.
    stale
        What of it is missing or outdated.
    """

    dataset_version_id: str | None
    since: float
    is_built: bool
    is_own: bool = False
    stale: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """A run to ask for.

    Attributes
    ----------
    attempt
        Counts the tries of this version that are known, from 1: old ones may be forgotten.
    after
        When the last of them ended, in seconds since the epoch; 0 if there is none.
    """

    dataset_id: str
    dataset_version_id: str
    attempt: int
    why: Why
    after: float = 0.0


@dataclass(frozen=True)
class Rest:
    """A dataset that could not be built in so many tries, and when the next is due."""

    dataset_id: str
    n_tries: int
    until: float


@dataclass(frozen=True)
class Plan:
    """What to ask for now.

    Attributes
    ----------
    requests
        Runs to start.
    n_later
        Datasets that are due, but have to wait for a free place.
    n_under_way
        Datasets with a run that has not ended.
    resting
        Datasets whose last try failed and whose next is not due yet.
    own
        Datasets of which the lake holds a file that a user gave. It is left alone: nothing else has a copy.
    """

    requests: list[Request] = field(default_factory=list)
    n_later: int = 0
    n_under_way: int = 0
    resting: list[Rest] = field(default_factory=list)
    own: list[str] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do before something changes, or somebody has rested."""
        return not (self.requests or self.n_later or self.n_under_way)

    @property
    def until(self) -> float | None:
        """When the first of those that rest is due, in seconds since the epoch; None if nobody does."""
        return min((rest.until for rest in self.resting), default=None)


def unfinished(wanted: Mapping[str, str], held: Mapping[str, Held]) -> dict[str, str]:
    """Pick the datasets that are to be built in the wanted version, and are not."""
    settled = {
        dataset_id
        for dataset_id, one in held.items()
        if one.is_own or (one.is_built and one.dataset_version_id == wanted.get(dataset_id))
    }
    return {dataset_id: version for dataset_id, version in wanted.items() if dataset_id not in settled}


def plan_refresh(
    wanted: Mapping[str, str],
    *,
    held: Mapping[str, Held],
    tries: Mapping[str, Sequence[Try]],
    busy: frozenset[str],
    now: float,
    at_most: int,
) -> Plan:
    """Ask for one run per dataset whose wanted version is not built, revised and untried ones first.

    Only tries since the lake's source file came count, so that a version that comes back is built again.
    One that succeeded is a try like another: what it made may have been removed since.

    Parameters
    ----------
    wanted
        Dataset id to the version that Discover lists.
    tries
        Runs so far, by dataset.
    busy
        Datasets that any run is building.
    now
        Seconds since the epoch.
    at_most
        Runs of ours that may wait or run at the same time.
    """
    due: list[Request] = []
    resting: list[Rest] = []
    under_way = set()
    for dataset_id, version in sorted(unfinished(wanted, held).items()):
        of_version = [one for one in tries.get(dataset_id, ()) if one.version == version]
        if dataset_id in busy or any(one.ended_at is None for one in of_version):
            under_way.add(dataset_id)
            continue
        found = held.get(dataset_id)
        since = found.since if found is not None else 0.0
        ended = [one for one in of_version if one.ended_at is not None and one.ended_at >= since]
        rest = Rest(dataset_id, len(ended), due_at(ended))
        if now < rest.until:
            resting.append(rest)
        else:
            last = max((one.ended_at or 0.0 for one in of_version), default=0.0)
            due.append(Request(dataset_id, version, len(of_version) + 1, _why(found, version), last))
    n_free = max(at_most - len(under_way), 0)
    due.sort(key=lambda request: (request.why != "revised", request.attempt, request.dataset_id))
    own = sorted(dataset_id for dataset_id, one in held.items() if one.is_own and dataset_id in wanted)
    return Plan(due[:n_free], len(due[n_free:]), len(under_way), resting, own)


def describe_plan(plan: Plan, *, n_wanted: int) -> str:
    """Tell how what is selected stands: built, under way, or why not."""
    counts = {f"asked for as {why}": sum(one.why == why for one in plan.requests) for why in _WHY}
    counts |= {
        "under way": plan.n_under_way,
        "later": plan.n_later,
        "to be tried again": len(plan.resting),
        "files of your own": len(plan.own),
    }
    texts = [f"{n_wanted - sum(counts.values()):,} built"]
    texts += [f"{count:,} {what}" for what, count in counts.items() if count]
    said = f"{n_wanted:,} datasets are selected: {', '.join(texts)}."
    if plan.resting:
        rests = [
            f"{rest.dataset_id} (try {rest.n_tries + 1} at {clock(rest.until)})" for rest in plan.resting
        ]
        said += f" See their last runs: {_listed(rests)}."
    if plan.own:
        said += (
            f" Left alone, because the lake holds a file that you gave: {_listed(plan.own)}. Exclude them in "
            f"datasets.yaml, or take the file out of the lake's folder raw to get Discover's."
        )
    return said


def _why(found: Held | None, version: str) -> Why:
    if found is None:
        return "new"
    return "unfinished" if found.dataset_version_id == version else "revised"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
