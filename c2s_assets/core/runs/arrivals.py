"""Which files in the inbox are complete and new."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Arrival:
    """A file in the inbox as it was at one look: changes with its content."""

    size_bytes: int
    modified_ns: int

    @property
    def version(self) -> str:
        """Names this state of the file."""
        return f"{self.size_bytes}-{self.modified_ns}"


@dataclass(frozen=True)
class Decision:
    """Which datasets to build, and what to remember until the next look."""

    build: list[str]
    remember: dict[str, str]


def decide_arrivals(now: Mapping[str, Arrival], before: Mapping[str, str]) -> Decision:
    """Ask for a build of each file that has not changed since the last look and was not asked for yet.

    A file that is still being copied changes between two looks. What is remembered of a file is its
    version and whether its build was requested; forgetting it all costs one look, and at worst a second
    run of the same build.

    Parameters
    ----------
    now
        Dataset id to the file that waits for it.
    before
        What the last decision said to remember.
    """
    build, remember = [], {}
    for dataset_id, arrival in now.items():
        seen, requested = f"seen {arrival.version}", f"requested {arrival.version}"
        last = before.get(dataset_id)
        if last == seen:
            build.append(dataset_id)
        remember[dataset_id] = requested if last in (seen, requested) else seen
    return Decision(build, remember)
