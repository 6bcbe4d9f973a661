import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.columns import INDEX_OF_PANDAS, names_beside

TAKEN = ("age", "donor_id", INDEX_OF_PANDAS)
CURATED = ("sex", "tissue")
NAMES = st.builds(
    lambda name, case, n, ending: getattr(name, case)() + ending * n,
    st.sampled_from([*TAKEN, *CURATED, "x", "straße", "ID", "a.b", ""]) | st.text(max_size=3),
    st.sampled_from(["lower", "upper", "title", "swapcase"]),
    st.integers(0, 3),
    st.sampled_from(["_in_source", "_In_Source"]),
)


def named(*names):
    return list(names_beside(names, taken=TAKEN, curated=CURATED).values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("score", "score"),
        ("Score", "Score"),
        ("age", "age_in_source"),
        ("Age", "Age_in_source"),
        ("age_in_source", "age_in_source_in_source"),
        ("AGE_IN_SOURCE", "AGE_IN_SOURCE_in_source"),
        ("sex", "sex"),
        ("Sex", "Sex_in_source"),
        ("sex_in_source", "sex_in_source_in_source"),
        ("score_in_source", "score_in_source"),
        (INDEX_OF_PANDAS, f"{INDEX_OF_PANDAS}_in_source"),
        ("filename", "filename"),
        ("in_source", "in_source"),
        ("", ""),
    ],
)
def test_only_a_name_that_is_taken_or_nearly_a_curated_one_is_changed(name, expected):
    assert named(name) == [expected]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Sex", "sex"], ["Sex_in_source", "sex"]),
        (["sex", "SEX", "Sex"], ["sex", "SEX_in_source", "Sex_in_source_2"]),
        (["Batch", "batch"], ["Batch_in_source", "batch"]),
        (["Batch", "BATCH"], ["Batch_in_source", "BATCH"]),
        (["donor_id", "Donor_ID"], ["donor_id_in_source", "Donor_ID_in_source_2"]),
        (["Age", "AGE", "Age_in_source_2"], ["Age_in_source_3", "AGE_in_source", "Age_in_source_2"]),
        (["Age", "AGE"], ["Age_in_source_2", "AGE_in_source"]),
        (
            ["Batch", "batch", "batch_IN_source"],
            ["Batch_in_source_2", "batch", "batch_IN_source"],
        ),
    ],
    ids=[
        "the curated one keeps the name",
        "three",
        "the one in lower case",
        "the first in the alphabet, whatever the order",
        "the curated one is displaced as well",
        "a number that the source has already",
        "none has a name that is taken",
        "a name that is free by chance only",
    ],
)
def test_of_names_that_differ_in_case_only_one_is_kept(names, expected):
    assert named(*names) == expected


@settings(derandomize=True, max_examples=300)
@given(st.lists(NAMES, unique=True, max_size=12), st.randoms(use_true_random=False))
def test_no_two_columns_differ_in_case_only_whatever_their_order(names, random):
    found = names_beside(names, taken=TAKEN, curated=CURATED)
    assert list(found) == names
    compared = {name.casefold() for name in found.values()}
    assert len(compared) == len(names)
    assert compared.isdisjoint(TAKEN)
    assert all(name in CURATED for name in found.values() if name.casefold() in CURATED)
    random.shuffle(names)
    assert names_beside(names, taken=TAKEN, curated=CURATED) == found


@settings(derandomize=True, max_examples=100)
@given(st.lists(NAMES, unique=True, max_size=12))
def test_names_of_a_table_of_ours_stay_if_they_come_back_beside_others(names):
    """`train_test` puts the columns of `cell_metadata` beside further ones of its own."""
    once = names_beside(names, taken=TAKEN, curated=CURATED).values()
    assert names_beside(once, taken=["split"]) == {
        name: f"{name}_in_source" if name.casefold().startswith("split") else name for name in once
    }
