"""What to build so that the lake holds the versions that CELLxGENE Discover lists now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

# Times between the tries of one version: a server may be away for hours, and a file that cannot be built
# is not built for ever. After the last the dataset waits for its next version, or for a person.
WAITS_SECONDS = (0.0, 600.0, 14_400.0)


@dataclass(frozen=True)
class Held:
    """What the lake holds of a dataset.

    Attributes
    ----------
    dataset_version_id
        None if the source file did not come from Discover.
    since
        When the source file came, in seconds since the epoch.
    is_built
        Whether the last table was made from it.
    """

    dataset_version_id: str | None
    since: float
    is_built: bool


@dataclass(frozen=True)
class Try:
    """A run that was asked for one version of a dataset; `ended_at` is None while it waits or runs."""

    dataset_version_id: str
    ended_at: float | None
    succeeded: bool = False


@dataclass(frozen=True)
class Request:
    """A run to ask for; `attempt` counts from 1 and is never used twice for one version."""

    dataset_id: str
    dataset_version_id: str
    attempt: int
    why: Literal["new", "revised", "unfinished"]


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
    given_up
        Datasets whose tries all failed.
    """

    requests: list[Request] = field(default_factory=list)
    n_later: int = 0
    n_under_way: int = 0
    resting: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do before the listing, the settings or the lake change."""
        return not (self.requests or self.n_later or self.n_under_way or self.resting)


def unfinished(wanted: Mapping[str, str], held: Mapping[str, Held]) -> dict[str, str]:
    """Pick the datasets that are not built in the wanted version."""
    built = {dataset_id: one.dataset_version_id for dataset_id, one in held.items() if one.is_built}
    return {dataset_id: version for dataset_id, version in wanted.items() if built.get(dataset_id) != version}


def plan_refresh(
    wanted: Mapping[str, str],
    *,
    held: Mapping[str, Held],
    tries: Mapping[str, Sequence[Try]],
    busy: frozenset[str],
    now: float,
    at_most: int,
) -> Plan:
    """Ask for one run per dataset whose wanted version is not built, revised ones first.

    Only tries since the lake's source file came count, so that a version that comes back is built again.

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
    resting, given_up = [], []
    under_way = set()
    for dataset_id, version in sorted(unfinished(wanted, held).items()):
        of_version = [one for one in tries.get(dataset_id, ()) if one.dataset_version_id == version]
        if dataset_id in busy or any(one.ended_at is None for one in of_version):
            under_way.add(dataset_id)
            continue
        found = held.get(dataset_id)
        is_held = found is not None and found.dataset_version_id == version
        since = found.since if found is not None else 0.0
        ended = [one for one in of_version if one.ended_at is not None and one.ended_at >= since]
        if is_held and any(one.succeeded for one in ended):
            continue  # it was built, and has no table of cells to train on
        if len(ended) >= len(WAITS_SECONDS):
            given_up.append(dataset_id)
        elif ended and now < max(one.ended_at or 0.0 for one in ended) + WAITS_SECONDS[len(ended)]:
            resting.append(dataset_id)
        else:
            why = _why(found, is_held=is_held)
            due.append(Request(dataset_id, version, len(of_version) + 1, why))
    n_free = max(at_most - len(under_way), 0)
    due.sort(key=lambda request: (request.why != "revised", request.dataset_id))
    return Plan(due[:n_free], len(due[n_free:]), len(under_way), resting, given_up)


def _why(found: Held | None, *, is_held: bool) -> Literal["new", "revised", "unfinished"]:
    if found is None:
        return "new"
    return "unfinished" if is_held else "revised"
