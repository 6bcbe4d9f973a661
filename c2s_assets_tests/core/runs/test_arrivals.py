import pytest

from c2s_assets.core.runs.arrivals import Arrival, decide_arrivals

FILE = Arrival(size_bytes=100, modified_ns=1)
GROWN = Arrival(size_bytes=200, modified_ns=2)


def look(*states):
    """What is built at each of several looks at one file; None: it is not there."""
    remembered, built = {}, []
    for state in states:
        decision = decide_arrivals({} if state is None else {"atlas": state}, remembered)
        remembered = decision.remember
        built.append(decision.build == ["atlas"])
    return built


@pytest.mark.parametrize(
    ("states", "built"),
    [
        ([FILE, FILE, FILE, FILE], [False, True, False, False]),
        ([FILE, GROWN, GROWN], [False, False, True]),
        ([FILE, FILE, GROWN, GROWN], [False, True, False, True]),
        ([FILE, FILE, None, FILE, FILE], [False, True, False, False, True]),
        ([None, FILE], [False, False]),
    ],
    ids=[
        "a file that rests is built once",
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
    first = decide_arrivals({"a": FILE, "b": FILE}, {})
    second = decide_arrivals({"a": FILE, "b": GROWN, "c": FILE}, first.remember)
    assert (first.build, second.build) == ([], ["a"])


def test_what_is_gone_is_forgotten():
    remembered = decide_arrivals({"a": FILE}, {}).remember
    assert decide_arrivals({}, remembered).remember == {}
