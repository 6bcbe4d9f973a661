import pytest

from c2s_assets.core.settings_merge import merge_settings

BEFORE = {"queue": {"runs": 2, "seconds": 1}, "log": True, "old": 1}
OURS = {"queue": {"runs": 3, "seconds": 1, "downloads": 2}, "log": True, "new": {"a": 1}}


@pytest.mark.parametrize(
    ("theirs", "before", "merged"),
    [
        (BEFORE, BEFORE, OURS),
        (
            {**BEFORE, "queue": {"runs": 8, "seconds": 1}},
            BEFORE,
            {**OURS, "queue": {"runs": 8, "seconds": 1, "downloads": 2}},
        ),
        ({"queue": {"runs": 2}, "log": True}, BEFORE, {**OURS, "queue": {"runs": 3, "downloads": 2}}),
        ({**BEFORE, "mine": 7}, BEFORE, {**OURS, "mine": 7}),
        ({**BEFORE, "queue": None}, BEFORE, {**OURS, "queue": None}),
        (BEFORE, {}, {**OURS, "queue": {"runs": 2, "seconds": 1, "downloads": 2}, "old": 1}),
        (OURS, OURS, OURS),
    ],
    ids=[
        "untouched becomes the new one",
        "what was changed stays",
        "what was removed stays away",
        "what was added stays",
        "what was emptied stays empty",
        "where nobody knows what came, what is missing is added",
        "nothing is new",
    ],
)
def test_new_settings_arrive_and_what_the_operator_did_stays(theirs, before, merged):
    assert merge_settings(theirs, before=before, ours=OURS) == merged
