import pytest

from c2s_assets.core.refresh import WAITS_SECONDS, Held, Plan, Request, Try, plan_refresh, unfinished

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
        (Held(None, 100.0, is_built=True), "revised"),
        (Held("v1", 100.0, is_built=False), "unfinished"),
    ],
    ids=["not there", "another version", "not from Discover", "its build was stopped"],
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


def test_a_failed_version_is_tried_again_after_a_wait_and_then_given_up():
    tries = []
    for number, wait in enumerate(WAITS_SECONDS, start=1):
        last = tries[-1].ended_at if tries else 0.0
        early = plan({"a": "v1"}, tries={"a": tries}, now=last + wait - 1)
        assert early.resting == (["a"] if wait else [])
        assert asked({"a": "v1"}, tries={"a": tries}, now=last + wait) == [("a", number, "new")]
        tries.append(Try("v1", last + wait + 100.0))
    given_up = plan({"a": "v1"}, tries={"a": tries}, now=NOW)
    assert (given_up.requests, given_up.given_up, given_up.is_settled) == ([], ["a"], True)


def test_a_version_that_comes_back_is_built_again_under_another_number():
    """With the version alone as run key Dagster would drop the request in silence."""
    held = {"a": Held("v2", since=500.0, is_built=True)}
    tries = {"a": [Try("v1", 100.0, succeeded=True)] * 3}
    assert asked({"a": "v1"}, held=held, tries=tries) == [("a", 4, "revised")]


def test_a_run_that_succeeded_without_its_last_document_is_not_repeated():
    held = {"a": Held("v1", since=500.0, is_built=False)}
    assert plan({"a": "v1"}, held=held, tries={"a": [Try("v1", 600.0, succeeded=True)]}).is_settled
    assert asked({"a": "v1"}, held=held, tries={"a": [Try("v1", 400.0, succeeded=True)]}) == [
        ("a", 2, "unfinished")
    ]
