import polars as pl
import pytest

from c2s_assets.core.ages.proposals import propose_unit

HUMAN, MOUSE = "Homo sapiens", "Mus musculus"


def proposed(values, *, unit_in_name=None, organism=None):
    found = propose_unit(pl.Series("age", values), unit_in_name=unit_in_name, organism=organism)
    return None if found is None else found.unit


@pytest.mark.parametrize(
    ("values", "organism", "unit"),
    [
        ([21.0, 84.0, None], HUMAN, "years"),
        ([300, 840], HUMAN, "months"),
        ([3, 18, 24], MOUSE, "months"),
        ([3, 4], MOUSE, "months"),
        ([0.25, 1.5, 2.0], MOUSE, "years"),
        ([30, 104], MOUSE, "weeks"),
        ([90, 720], MOUSE, "days"),
        ([3, 18, 24], None, "years"),
        (["20-29", "30-39", "80+"], HUMAN, "years"),
        (["3", "18", "24"], MOUSE, "months"),
    ],
)
def test_the_unit_follows_from_the_values_and_the_organism(values, organism, unit):
    assert proposed(values, organism=organism) == unit


def test_labels_that_name_their_unit_need_none():
    found = propose_unit(pl.Series(["3m", "18m"]), unit_in_name="weeks", organism=MOUSE)
    assert found is not None
    assert (found.unit, found.why) == (None, "its labels name their unit")


def test_the_name_of_the_column_is_asked_before_the_values():
    assert proposed([3, 18, 24], unit_in_name="weeks", organism=MOUSE) == "weeks"


def test_weeks_of_people_are_left_to_the_owner():
    assert propose_unit(pl.Series(["12w", "16w"]), unit_in_name=None, organism=HUMAN) is None
    assert propose_unit(pl.Series([12, 16]), unit_in_name="weeks", organism=HUMAN) is None
    assert propose_unit(pl.Series(["12w", "16w"]), unit_in_name=None, organism=MOUSE) is not None


@pytest.mark.parametrize(
    "values",
    [["young", "old"], [-1, -2], [1e6, 2e6], [None], []],
    ids=["words", "below", "above", "none", "no cell"],
)
def test_what_holds_no_ages_is_not_proposed(values):
    series = pl.Series("age", values, dtype=pl.String if "old" in values else pl.Float64)
    assert propose_unit(series, unit_in_name=None, organism=HUMAN) is None
    assert propose_unit(series, unit_in_name="years", organism=HUMAN) is None
