import pytest

from c2s_assets.core.cells.candidates import ObsColumn, age_candidates, donor_candidates


def columns(*names, n_distinct=3):
    return [ObsColumn(name, "float64", "array", n_distinct) for name in names]


@pytest.mark.parametrize(
    "name",
    ["patient", "Patient_ID", "subject", "mouse.id", "donorName", "individual", "orig.ident", "sample_id"],
)
def test_a_column_that_may_name_donors_is_a_candidate(name):
    assert donor_candidates(columns(name), used=set()) == [f"{name!r} with 3 values"]


@pytest.mark.parametrize(
    "name", ["donor_age", "patient sex", "sample_type", "mouse_strain", "id", "batch", "n_donors"]
)
def test_what_is_said_of_donors_names_none(name):
    assert donor_candidates(columns(name), used=set()) == []


@pytest.mark.parametrize(
    "name",
    [
        "age",
        "Age",
        "AGE",
        "age_in_years",
        "AgeYears",
        "donor_age",
        "age.at.death",
        "Age_group",
        "age (years)",
    ],
)
def test_a_column_that_may_hold_ages_is_a_candidate(name):
    assert age_candidates(columns(name), used=set()) == [f"{name!r}, a column of numbers with 3 values"]


@pytest.mark.parametrize(
    "name", ["stage", "page", "age_score", "usage", "agent", "passage", "image", "AgeAccel"]
)
def test_what_only_sounds_like_an_age_is_none(name):
    assert age_candidates(columns(name), used=set()) == []


def test_columns_that_are_used_or_hold_nothing_are_no_candidates():
    assert age_candidates(columns("age"), used={"age"}) == []
    assert donor_candidates(columns("patient", n_distinct=1), used=set()) == []
    assert age_candidates([ObsColumn("age", None, None, None)], used=set()) == []


def test_labels_are_told_from_numbers():
    assert age_candidates([ObsColumn("age", "int8", "categorical", 4)], used=set()) == [
        "'age', a column of labels with 4 values"
    ]
