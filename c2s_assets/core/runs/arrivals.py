"""Which files of the inbox are to be built now: those that are complete, and those that came to nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from c2s_assets.core.runs.retrying import Try, due_at

_SEEN, _WANTED, _REFUSED = "seen", "wanted", "refused"


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
class Memory:
    """What is remembered of files from one look to the next: at which state of each file we are.

    Attributes
    ----------
    states
        Dataset id to `seen`, `wanted` or `refused`, and the version of the file.
    """

    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """Dataset id to the version of its file at the last look."""
        return {dataset_id: state.partition(" ")[2] for dataset_id, state in self.states.items()}

    @property
    def wanted(self) -> dict[str, str]:
        """Dataset id to the version that is to be built, and is not known to be."""
        return {
            dataset_id: version
            for dataset_id, version in self.versions.items()
            if self.states[dataset_id].startswith(_WANTED)
        }


@dataclass(frozen=True)
class Decision:
    """What to do about the files that came.

    Attributes
    ----------
    build
        Dataset id to the version of its file, of those to ask a build for.
    resting
        Dataset id to when it is tried again, in seconds since the epoch.
    refused
        Datasets whose file stays in the inbox until it changes.
    gone
        Datasets whose file is no longer in the inbox, and that no run builds.
    """

    build: dict[str, str]
    resting: dict[str, float]
    refused: list[str]
    remember: Memory
    gone: list[str]


def decide_arrivals(
    waiting: Mapping[str, Arrival],
    before: Memory,
    *,
    taken: Mapping[str, Arrival],
    tries: Mapping[str, Sequence[Try]],
    busy: frozenset[str],
    now: float,
    at_most: int,
) -> Decision:
    """Ask for a build of each file that no longer changes, untried ones first, and again if that failed.

    A file that is still being copied changes between two looks. One that a build has taken out of the inbox
    is wanted until a build of it succeeds, even if it had only just come. What was refused is left alone
    until it is another file.

    Parameters
    ----------
    waiting
        Dataset id to the file that waits for it.
    before
        What the last decision said to remember.
    taken
        Dataset id to its source file, of those that waited, no longer wait, and are not built.
    tries
        Runs so far that were asked for a version of a file, by dataset, oldest first.
    busy
        Datasets that any run is building.
    now
        Seconds since the epoch.
    at_most
        Runs to wait or run at once.
    """
    remember = dict(_remembered(waiting, before, taken=taken, tries=tries, busy=busy))
    due: list[tuple[int, str, str]] = []
    resting: dict[str, float] = {}
    under_way = set()
    for dataset_id, version in Memory(remember).wanted.items():
        of_version = _of_version(tries.get(dataset_id, ()), version, is_taken=dataset_id in taken)
        if dataset_id in busy or any(one.ended_at is None for one in of_version):
            under_way.add(dataset_id)
        elif now < due_at(of_version):
            resting[dataset_id] = due_at(of_version)
        else:
            due.append((len(of_version), dataset_id, version))
    n_free = max(at_most - len(under_way), 0)
    refused = [dataset_id for dataset_id, state in remember.items() if state.startswith(_REFUSED)]
    build = {dataset_id: version for _, dataset_id, version in sorted(due)[:n_free]}
    gone = sorted(before.states.keys() - waiting.keys() - taken.keys() - busy)
    return Decision(build, resting, refused, Memory(remember), gone)


def due_again(
    waiting: Mapping[str, Arrival],
    *,
    taken: Mapping[str, Arrival],
    tries: Mapping[str, Sequence[Try]],
    busy: frozenset[str],
    now: float,
) -> dict[str, float]:
    """Say when files that came to nothing are tried again, whatever the last look has remembered.

    Returns
    -------
    Dataset id to seconds since the epoch, of those that rest until then; see `decide_arrivals`.
    """
    before = Memory({name: f"{_WANTED} {one.version}" for name, one in {**taken, **waiting}.items()})
    return decide_arrivals(waiting, before, taken=taken, tries=tries, busy=busy, now=now, at_most=0).resting


def _remembered(
    waiting: Mapping[str, Arrival],
    before: Memory,
    *,
    taken: Mapping[str, Arrival],
    tries: Mapping[str, Sequence[Try]],
    busy: frozenset[str],
) -> Iterator[tuple[str, str]]:
    for dataset_id, arrival in waiting.items():
        version, last = arrival.version, before.states.get(dataset_id, "")
        if last.partition(" ")[2] != version:
            yield dataset_id, f"{_SEEN} {version}"
        elif last.startswith(_REFUSED) or _ended_as(tries.get(dataset_id, ()), version, "refused"):
            yield dataset_id, f"{_REFUSED} {version}"
        else:
            yield dataset_id, f"{_WANTED} {version}"
    for dataset_id, version in before.versions.items():
        found = tries.get(dataset_id, ())
        is_ours = dataset_id in taken and taken[dataset_id].version == version
        is_settled = _ended_as(found, version, "succeeded") or _ended_as(found, version, "refused")
        # Of what a run has taken, or does not find, is known what became of it only when that has ended.
        if dataset_id not in waiting and (dataset_id in busy or (is_ours and not is_settled)):
            yield dataset_id, f"{_WANTED} {version}"


def _of_version(tries: Sequence[Try], version: str, *, is_taken: bool) -> list[Try]:
    """Give the tries that count: of a file that waits, those since the last success, which took another."""
    found = [one for one in tries if one.version == version]
    if is_taken:
        return found
    n_before = max((n for n, one in enumerate(found, start=1) if one.outcome == "succeeded"), default=0)
    return found[n_before:]


def _last(tries: Sequence[Try], version: str) -> Try | None:
    return next((one for one in reversed(tries) if one.version == version), None)


def _ended_as(tries: Sequence[Try], version: str, outcome: str) -> bool:
    last = _last(tries, version)
    return last is not None and last.outcome == outcome
