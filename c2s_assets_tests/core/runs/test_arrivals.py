import pytest

from c2s_assets.core.runs.arrivals import Arrival, Memory, decide_arrivals, due_again
from c2s_assets.core.runs.retrying import WAITS_SECONDS, Try

FILE = Arrival(size_bytes=100, modified_ns=1)
GROWN = Arrival(size_bytes=200, modified_ns=2)
NOW = 10_000.0


def decide(waiting, before=None, *, taken=None, tries=None, busy=(), now=NOW, at_most=25):
    return decide_arrivals(
        waiting,
        before or Memory(),
        taken=taken or {},
        tries=tries or {},
        busy=frozenset(busy),
        now=now,
        at_most=at_most,
    )


def wanted(arrival=FILE):
    return Memory({"atlas": f"wanted {arrival.version}"})


def tried(outcome, *, arrival=FILE, ended_at=NOW - 1.0):
    return Try(arrival.version, None if outcome == "under way" else ended_at, outcome)


def look(*states):
    """What is built at each of several looks at one file; None: it is not there."""
    memory, built = Memory(), []
    for state in states:
        decision = decide({} if state is None else {"atlas": state}, memory)
        memory = decision.remember
        built.append("atlas" in decision.build)
    return built


@pytest.mark.parametrize(
    ("states", "built"),
    [
        ([FILE, FILE], [False, True]),
        ([FILE, GROWN, GROWN], [False, False, True]),
        ([FILE, FILE, GROWN, GROWN], [False, True, False, True]),
        ([FILE, FILE, None, FILE, FILE], [False, True, False, False, True]),
        ([None, FILE], [False, False]),
    ],
    ids=[
        "a file that rests is built",
        "a file that grows is waited for",
        "another version is built again",
        "a file that was taken and came back is built again",
        "a new file is waited for",
    ],
)
def test_a_file_is_built_when_it_rests(states, built):
    assert look(*states) == built


def test_a_change_of_time_alone_is_another_version():
    assert Arrival(100, 1).version != Arrival(100, 2).version


def test_files_are_decided_on_one_by_one():
    first = decide({"a": FILE, "b": FILE})
    second = decide({"a": FILE, "b": GROWN, "c": FILE}, first.remember)
    assert (first.build, second.build) == ({}, {"a": FILE.version})


def test_what_is_gone_is_forgotten():
    remembered = decide({"a": FILE}).remember
    assert decide({}, remembered).remember == Memory()


def test_only_so_many_wait_or_run_at_once():
    files = dict.fromkeys("abcde", FILE)
    memory = decide(files).remember
    decision = decide(files, memory, tries={"a": [tried("under way")]}, busy=["b"], at_most=4)
    assert list(decision.build) == ["c", "d"]


@pytest.mark.parametrize("waiting", [{"atlas": FILE}, {}], ids=["waits", "was taken"])
@pytest.mark.parametrize(
    ("outcome", "waits"),
    [("under way", None), ("killed", 0.0), ("failed", WAITS_SECONDS[1])],
)
def test_a_file_whose_build_came_to_nothing_is_tried_again(waiting, outcome, waits):
    taken = {} if waiting else {"atlas": FILE}
    early = decide(waiting, wanted(), taken=taken, tries={"atlas": [tried(outcome)]})
    assert ("atlas" in early.build) == (waits == 0.0)
    assert early.resting == ({"atlas": NOW - 1.0 + waits} if waits else {})
    assert early.remember == wanted()
    late = decide(waiting, wanted(), taken=taken, tries={"atlas": [tried(outcome)]}, now=NOW + 1_000.0)
    assert ("atlas" in late.build) == (waits is not None)


def test_a_file_that_was_taken_is_settled_once_it_is_built_or_refused():
    for outcome in ("succeeded", "refused"):
        decision = decide({}, wanted(), taken={"atlas": FILE}, tries={"atlas": [tried(outcome)]})
        assert (decision.build, decision.remember) == ({}, Memory())


def test_a_source_that_is_another_file_by_now_is_none_of_ours():
    decision = decide({}, wanted(), taken={"atlas": GROWN}, tries={"atlas": [tried("killed")]})
    assert (decision.build, decision.remember) == ({}, Memory())


def test_a_file_that_was_refused_stays_until_it_changes():
    tries = {"atlas": [tried("refused")]}
    first = decide({"atlas": FILE}, wanted(), tries=tries)
    again = decide({"atlas": FILE}, first.remember)
    assert (first.build, first.refused, again.build, again.refused) == ({}, ["atlas"], {}, ["atlas"])
    changed = decide({"atlas": GROWN}, again.remember, tries=tries)
    assert (changed.build, changed.refused) == ({}, [])
    assert decide({"atlas": GROWN}, changed.remember, tries=tries).build == {"atlas": GROWN.version}


def test_the_same_file_dropped_again_after_a_success_is_built_at_once():
    tries = {"atlas": [tried("failed"), tried("failed"), tried("succeeded")]}
    assert decide({"atlas": FILE}, wanted(), tries=tries).build == {"atlas": FILE.version}


def test_a_file_that_was_deleted_before_it_was_taken_is_forgotten():
    decision = decide({}, wanted(), tries={"atlas": [tried("failed")]}, now=NOW + 1_000.0)
    assert (decision.build, decision.remember) == ({}, Memory())


def test_a_newer_file_waits_until_the_build_of_the_older_one_has_ended():
    waiting, tries = {"atlas": GROWN}, {"atlas": [tried("under way")]}
    seen = decide(waiting, wanted(), tries=tries, busy=["atlas"])
    busy = decide(waiting, seen.remember, tries=tries, busy=["atlas"])
    free = decide(waiting, busy.remember, tries={"atlas": [tried("succeeded")]})
    assert (seen.build, busy.build, free.build) == ({}, {}, {"atlas": GROWN.version})


def test_a_version_that_was_taken_when_it_had_just_come_is_built_to_its_end():
    """It took the place of another between the request for that one and its run, which was then killed."""
    just_come = Memory({"atlas": f"seen {GROWN.version}"})
    before = tried("killed")
    decision = decide({}, just_come, taken={"atlas": GROWN}, tries={"atlas": [before]})
    assert decision.build == {"atlas": GROWN.version}
    assert decide({}, just_come, taken={"atlas": FILE}).build == {}


@pytest.mark.parametrize("is_taken", [False, True], ids=["it waits", "a build took it"])
@pytest.mark.parametrize(
    ("outcome", "rests"),
    [("failed", True), ("refused", False), ("under way", False), ("killed", False)],
    ids=["after a failure", "not if it was refused", "not while it is built", "not if it is due at once"],
)
def test_a_file_that_came_to_nothing_is_due_again_whatever_was_remembered(outcome, rests, is_taken):
    files = {"atlas": FILE}
    due = due_again(
        {} if is_taken else files,
        taken=files if is_taken else {},
        tries={"atlas": [tried(outcome)]},
        busy=frozenset(),
        now=NOW,
    )
    assert due == ({"atlas": NOW - 1.0 + WAITS_SECONDS[1]} if rests else {})
