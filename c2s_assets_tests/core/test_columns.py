import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.columns import name_beside

TAKEN = ("age", "donor_id")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tissue", "tissue"),
        ("Age", "Age"),
        ("age", "age_in_source"),
        ("age_in_source", "age_in_source_in_source"),
        ("tissue_in_source", "tissue_in_source"),
        ("in_source", "in_source"),
        ("", ""),
    ],
)
def test_only_a_taken_name_is_changed(name, expected):
    assert name_beside(name, taken=TAKEN) == expected


@settings(derandomize=True, max_examples=50)
@given(
    st.sets(st.builds(lambda a, n: a + "_in_source" * n, st.sampled_from([*TAKEN, "x"]), st.integers(0, 3)))
)
def test_no_two_columns_get_the_same_name_and_none_a_taken_one(names):
    found = {name_beside(name, taken=TAKEN) for name in names}
    assert len(found) == len(names)
    assert not found & set(TAKEN)
