import pytest

from c2s_assets.core.discover.refresh import (
    Held,
    Plan,
    Request,
    Rest,
    describe_plan,
    plan_refresh,
    unfinished,
)
from c2s_assets.core.runs.retrying import WAITS_SECONDS, Try, clock

BUILT = Held("v1", since=100.0, is_built=True)
NOW = 1_000_000.0


def plan(wanted, *, held=None, tries=None, busy=(), now=NOW, at_most=25):
    return plan_refresh(
        wanted, held=held or {}, tries=tries or {}, busy=frozenset(busy), now=now, at_most=at_most
    )


def asked(*args, **kwargs):
    return [(one.dataset_id, one.attempt, one.why) for one in plan(*args, **kwargs).requests]


def test_what_is_built_is_left_alone():
    assert plan({"a": "v1"}, held={"a": BUILT}) == Plan()
    assert plan({"a": "v1"}, held={"a": BUILT}).is_settled
    assert unfinished({"a": "v1"}, {"a": BUILT}) == {}


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (None, "new"),
        (Held("v0", 100.0, is_built=True), "revised"),
        (Held(None, 100.0, is_built=False), "revised"),
        (Held("v1", 100.0, is_built=False), "unfinished"),
    ],
    ids=["not there", "another version", "damaged", "its build was stopped"],
)
def test_what_is_not_built_is_asked_for_and_why(held, why):
    found = plan({"a": "v1"}, held={"a": held} if held else {})
    assert found.requests == [Request("a", "v1", 1, why)]
    assert not found.is_settled


def test_revised_datasets_come_first_and_the_rest_waits():
    held = {"z": Held("v0", 1.0, is_built=True)}
    found = plan({"a": "v1", "b": "v1", "z": "v1"}, held=held, at_most=2)
    assert [one.dataset_id for one in found.requests] == ["z", "a"]
    assert found.n_later == 1


def test_what_is_under_way_takes_a_place_and_is_not_asked_for_again():
    under_way = {"a": [Try("v1", None)]}
    found = plan({"a": "v1", "b": "v1", "c": "v1", "d": "v1"}, tries=under_way, busy=["b"], at_most=3)
    assert [one.dataset_id for one in found.requests] == ["c"]
    assert (found.n_under_way, found.n_later, found.is_settled) == (2, 1, False)


def test_a_run_of_another_version_does_not_count():
    assert asked({"a": "v2"}, tries={"a": [Try("v1", 5.0), Try("v1", 6.0), Try("v1", 7.0)]}) == [
        ("a", 1, "new")
    ]


def test_a_failed_version_is_tried_again_after_longer_and_longer_waits():
    tries = []
    for number, wait in enumerate([*WAITS_SECONDS, WAITS_SECONDS[-1]], start=1):
        last = tries[-1].ended_at if tries else 1_000.0
        early = plan({"a": "v1"}, tries={"a": tries}, now=last + wait - 1)
        assert early.resting == ([Rest("a", number - 1, last + wait)] if wait else [])
        assert early.is_settled == (wait > 0)
        assert asked({"a": "v1"}, tries={"a": tries}, now=last + wait) == [("a", number, "new")]
        tries.append(Try("v1", last + wait + 100.0))
    assert tuple(sorted(WAITS_SECONDS)) == WAITS_SECONDS


def test_it_is_settled_until_the_first_that_rests_is_due():
    tries = {"a": [Try("v1", NOW - 10)], "b": [Try("v1", NOW - 20)]}
    found = plan({"a": "v1", "b": "v1"}, tries=tries)
    assert found.is_settled
    assert found.until == NOW - 20 + WAITS_SECONDS[1]
    assert plan({}).until is None


@pytest.mark.parametrize("is_built", [True, False])
def test_a_file_that_a_user_gave_is_left_alone(is_built):
    held = {"a": Held(None, 100.0, is_built=is_built, is_own=True), "b": Held(None, 1.0, True, is_own=True)}
    found = plan({"a": "v1"}, held=held)
    assert found == Plan(own=["a"])
    assert unfinished({"a": "v1"}, held) == {}


def test_what_is_selected_is_told_as_it_stands():
    held = {"built": BUILT, "mine": Held(None, 1.0, is_built=True, is_own=True), "old": Held("v0", 1.0, True)}
    tries = {"runs": [Try("v1", None)], **{f"bad{n}": [Try("v1", NOW - 60)] * 2 for n in range(7)}}
    wanted = dict.fromkeys(["built", "mine", "old", "runs", "x", "y", "z", *tries], "v1")
    told = describe_plan(plan(wanted, held=held, tries=tries, at_most=4), n_wanted=len(wanted))
    due = clock(NOW - 60 + WAITS_SECONDS[2])
    assert told.startswith(
        "14 datasets are selected: 1 built, 2 asked for as new, 1 asked for as revised, 1 under way, "
        "1 later, 7 to be tried again, 1 files of your own. See their last runs: "
        f"bad0 (try 3 at {due}), bad1"
    )
    assert "and 2 more. Left alone, because the lake holds a file that you gave: mine. Exclude them" in told


def test_a_version_that_comes_back_is_built_again_under_another_number():
    """With the version alone as run key Dagster would drop the request in silence."""
    held = {"a": Held("v2", since=500.0, is_built=True)}
    tries = {"a": [Try("v1", 100.0)] * 3}
    assert asked({"a": "v1"}, held=held, tries=tries) == [("a", 4, "revised")]


def test_what_was_removed_after_a_build_is_built_again():
    held = {"a": Held("v1", since=500.0, is_built=False)}
    for ended_at, attempt in ((400.0, 2), (600.0, 2)):
        tries = {"a": [Try("v1", ended_at)]}
        assert asked({"a": "v1"}, held=held, tries=tries) == [("a", attempt, "unfinished")]
    just_now = {"a": [Try("v1", NOW - 1)]}
    assert plan({"a": "v1"}, held=held, tries=just_now).resting[0].until == NOW - 1 + WAITS_SECONDS[1]
