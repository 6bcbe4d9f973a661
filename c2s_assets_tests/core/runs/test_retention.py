from datetime import UTC, datetime, timedelta

import pytest

from c2s_assets.core.runs.retention import FinishedRun, superseded_runs

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def superseded(*runs, keep_days=90):
    """Runs given as (run_id, what they make, age in days, succeeded)."""
    finished = [
        FinishedRun(run_id, frozenset((name, "toy") for name in makes), NOW - timedelta(days=days), ok)
        for run_id, makes, days, ok in runs
    ]
    return superseded_runs(finished, now=NOW, keep_days=keep_days)


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
