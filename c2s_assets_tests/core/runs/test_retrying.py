import pytest

from c2s_assets.core.runs.retrying import FREE_KILLS, WAITS_SECONDS, Try, due_at


def test_what_was_never_tried_is_due():
    assert due_at([]) == 0.0


@pytest.mark.parametrize("n_failed", [1, 2, len(WAITS_SECONDS) + 3])
def test_after_failures_it_waits_longer_and_longer_from_the_last(n_failed):
    wait = WAITS_SECONDS[min(n_failed, len(WAITS_SECONDS) - 1)]
    assert due_at([Try("v", 1_000.0 + n) for n in range(n_failed)]) == 1_000.0 + n_failed - 1 + wait


def test_a_machine_that_was_stopped_is_no_fault_of_a_dataset_unless_it_happens_again_and_again():
    killed = [Try("v", 1_000.0, "killed")] * FREE_KILLS
    assert due_at(killed) == 1_000.0
    assert due_at([*killed, Try("v", 2_000.0, "killed")]) == 2_000.0 + WAITS_SECONDS[1]
    assert due_at([*killed, Try("v", 2_000.0)]) == 2_000.0 + WAITS_SECONDS[1]
