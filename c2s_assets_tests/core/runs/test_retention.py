from datetime import UTC, datetime, timedelta

import pytest

from c2s_assets.core.runs.retention import MOST_FAILED, FinishedRun, superseded_runs

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def superseded(*runs, keep_days=90):
    """Runs given as (run_id, what they make, age in days, succeeded)."""
    finished = [
        FinishedRun(
            run_id, frozenset((name, "toy") for name in makes), NOW - timedelta(days=days), ok, keep_days
        )
        for run_id, makes, days, ok in runs
    ]
    return superseded_runs(finished, now=NOW)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("old", "a", 200, True), ("new", "a", 100, True)], ["old"]),
        ([("old", "a", 200, False), ("new", "a", 1, True)], ["old"]),
        ([("old", "a", 200, True), ("new", "a", 1, False)], []),
        ([("old", "a", 200, True), ("new", "b", 1, True)], []),
        ([("old", "a", 80, True), ("new", "a", 1, True)], []),
        ([("only", "a", 900, True)], []),
        ([("old", "ab", 200, True), ("new", "a", 1, True)], []),
        ([("old", "ab", 200, True), ("one", "a", 1, True), ("other", "b", 2, True)], ["old"]),
        ([], []),
    ],
    ids=[
        "a later success replaces",
        "a later success replaces a failure",
        "a later failure does not",
        "one that made something else does not",
        "a recent run stays",
        "the last success stays however old",
        "one that made a part of it does not",
        "several that made all of it do",
        "no runs",
    ],
)
def test_a_run_goes_when_it_is_old_and_a_later_success_replaced_it(runs, expected):
    assert superseded(*runs) == expected


def test_the_order_in_which_runs_are_given_does_not_matter():
    runs = [("1", "a", 300, True), ("2", "a", 200, False), ("3", "a", 150, True), ("4", "a", 120, False)]
    assert superseded(*runs) == superseded(*reversed(runs)) == ["2", "1"]


def test_of_a_dataset_that_never_succeeds_the_last_tries_stay():
    runs = [(str(day), "a", day, False) for day in range(7 * 60, 0, -7)]
    gone = superseded(*runs, keep_days=30)
    assert sorted(map(int, gone)) == list(range(7 * (MOST_FAILED + 1), 7 * 61, 7))
    # One that made something else as well says of that what nobody else does.
    assert "421" not in superseded(*runs, ("421", "ab", 421, False), keep_days=30)
    # The last success is none of them.
    assert "421" not in superseded(*runs, ("421", "a", 421, True), keep_days=30)
