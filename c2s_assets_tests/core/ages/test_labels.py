"""Ages as people write them, one by one and as the labels of a column."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.ages.columns import read_age_column
from c2s_assets.core.ages.intervals import PRENATAL, UNKNOWN, AgeInterval, years
from c2s_assets.core.ages.labels import read_age_labels

always = settings(derandomize=True, max_examples=100, deadline=None)


def _from_birth(age, low, high):
    return AgeInterval(age=age, age_low=low, age_high=high, life_stage="postnatal")


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param("15-20", _from_birth(17.5, 15, 20), id="end not counted"),
        pytest.param("20-29", _from_birth(25, 20, 30), id="ten years with both ends"),
        pytest.param("20-24", _from_birth(22.5, 20, 25), id="five years with both ends"),
        pytest.param("65-79", _from_birth(72.5, 65, 80), id="fifteen years with both ends"),
        pytest.param("18-30", _from_birth(24, 18, 30), id="any other width"),
        pytest.param("0.5-4.5", _from_birth(2.5, 0.5, 4.5), id="fractions"),
        pytest.param("45-45", _from_birth(45, 45, 46), id="a range of one"),
        pytest.param("80+", _from_birth(80, 80, None), id="plus"),
        pytest.param("80+ years", _from_birth(80, 80, None), id="plus and unit"),
        pytest.param(">80", _from_birth(80, 80, None), id="above"),
        pytest.param(">= 80 yrs", _from_birth(80, 80, None), id="at least"),
        pytest.param("\u226580", _from_birth(80, 80, None), id="at least in one character"),
        pytest.param("<5", _from_birth(2.5, 0, 5), id="below"),
        pytest.param("45", _from_birth(45, 45, 46), id="single"),
        pytest.param("45.5", _from_birth(45.5, 45.5, 45.5), id="single fraction"),
        pytest.param("45 years old", _from_birth(45, 45, 46), id="single in words"),
        pytest.param("45-year-old", _from_birth(45, 45, 46), id="single with hyphens"),
        pytest.param("15\u201320", _from_birth(17.5, 15, 20), id="en dash"),
        pytest.param(" 20 - 29  Years ", _from_birth(25, 20, 30), id="spaces and capitals"),
        pytest.param("20-29y", _from_birth(25, 20, 30), id="one-letter unit"),
        pytest.param("3-6 months", _from_birth(4.5 / 12, 0.25, 0.5), id="months"),
    ],
)
def test_a_group_is_read(group, expected):
    assert read_age_labels([group], unit="years")[group] == expected


@pytest.mark.parametrize(
    "group",
    [
        "",
        "adult",
        "old",
        "unknown",
        "30-20",
        "200",
        "100-200",
        "160+",
        "-5",
        "20s to 30s",
        "newborn",
        "[20",
        "E",
        "3 of 4",
        "5-",
        "+",
        "<5+",
        "<0",
        "15-20 parsecs",
        "1-2-3",
        "9" * 400,
    ],
)
def test_what_is_no_age_is_not_guessed_at(group):
    assert read_age_labels([group], unit="years")[group] == UNKNOWN


WRITTEN = {
    (45, 45, 46): ["45 years", "45yo", "45 y.o.", "45 yrs.", "45y", "Age: 45", "aged 45", "45 years of age"],
    (0.25, 0.25, 4 / 12): ["3m", "3 months", "3-month-old", "3 mo", "3 M"],
    (1.5, 1.5, 19 / 12): ["18m", "18-month-old", "1 year 6 months", "1y6m"],
    (18 / 52.18, 18 / 52.18, 19 / 52.18): ["18w", "18 weeks", "18 wks"],
    (60 / 365.25, 60 / 365.25, 61 / 365.25): ["P60", "p 60", "PND60", "postnatal day 60"],
    (25, 20, 30): [
        *("20 to 29", "20\u201329", "[20,30)", "(20, 30]", "[20,29]", "20_29", "20s", "between 20 and 29"),
        *("age group 20-29", "20-29 yrs", "20y-29y", "\uff12\uff10-29"),
    ],
    (85, 85, None): ["85 and over", "85 years and over", "85 or older", "85+", "85 plus", "85 & above"],
    (80, 80, None): ["over 80", ">80", "\u2265 80", "older than 80", "[80, inf)", "80+ yrs", "80 years +"],
    (2.5, 0, 5): ["<5", "under 5", "younger than 5", "(-inf, 5]", "\u22644", "4 and under"],
    (1.25, 0.5, 2): ["6 months to 2 years", "0.5-2"],
}


@pytest.mark.parametrize(
    ("label", "expected"), [(label, ages) for ages, labels in WRITTEN.items() for label in labels]
)
def test_an_age_is_read_however_it_is_written(label, expected):
    read = read_age_labels([label], unit="years")[label]
    assert (read.age, read.age_low, read.age_high) == pytest.approx(expected)
    assert read.life_stage == "postnatal"


@pytest.mark.parametrize(
    "label", ["E14.5", "e18", "GW20", "20 pcw", "12.5 dpc", "PCW 9-10", "fetal", "prenatal"]
)
def test_before_birth_there_is_no_age(label):
    assert read_age_labels([label], unit="years")[label] == PRENATAL


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["18-24", "25-34", "35-44", "65+"], {"18-24": (18, 25), "35-44": (35, 45)}),
        (["18-24", "24-30"], {"18-24": (18, 24)}),
        (["18-24", "25-33", "40-47"], {"18-24": (18, 25), "40-47": (40, 48)}),
        (["15-20", "20-25", "70-74"], {"15-20": (15, 20), "70-74": (70, 74)}),
        (["0-2", "3-12", "13-17", "18 and over"], {"0-2": (0, 3), "13-17": (13, 18)}),
        (["[20,30]", "(30,40]"], {"[20,30]": (20, 30), "(30,40]": (30, 40)}),
        (["18-24"], {"18-24": (18, 24)}),
    ],
    ids=[
        "census",
        "shared ends",
        "one without neighbour",
        "shared ends decide",
        "children",
        "R's cut",
        "alone",
    ],
)
def test_whether_the_upper_end_is_counted_in_follows_from_the_neighbours(labels, expected):
    read = read_age_labels(labels, unit="years")
    assert {label: (read[label].age_low, read[label].age_high) for label in expected} == expected


def test_without_a_unit_only_labels_that_have_their_own_say_anything():
    read = read_age_labels(["3m", "45", "20-29", "80+", "P7", "20-29 years", "[20,30)"], unit=None)
    assert {label for label, interval in read.items() if interval != UNKNOWN} == {"3m", "P7", "20-29 years"}


def test_a_letter_for_the_sex_is_no_unit():
    assert set(read_age_labels(["45M", "62F"], unit="years").values()) == {UNKNOWN}
    assert read_age_labels(["45M"], unit="years")["45M"].age == 3.75


@always
@given(
    n=st.integers(0, 99),
    unit=st.sampled_from(["years", "months", "weeks", "days"]),
    form=st.sampled_from(["{n} {unit}", "{n}{unit}", "{n}-{one}-old", "{n} {unit} old", " {n}  {UNIT} "]),
)
def test_a_number_with_its_unit_is_that_age_whatever_unit_the_column_has(n, unit, form):
    label = form.format(n=n, unit=unit, one=unit[:-1], UNIT=unit.upper())
    for of_column in (None, "years", "days"):
        assert read_age_labels([label], unit=of_column)[label].age == pytest.approx(years(n, unit))


@always
@given(starts=st.lists(st.integers(0, 50), min_size=2, max_size=8, unique=True))
def test_groups_that_adjoin_leave_no_gap_and_do_not_overlap(starts):
    begins = [2 * start for start in sorted(starts)]
    labels = [f"{low}-{high - 1}" for low, high in itertools.pairwise(begins)]
    read = list(read_age_labels([*labels, f"{begins[-1]}+"], unit="years").values())
    for one, other in itertools.pairwise(read):
        assert one.age_high == other.age_low


@always
@given(label=st.text(max_size=100))
def test_any_text_is_an_age_within_bounds_or_unknown(label):
    read = read_age_labels([label], unit="years")[label]
    assert read.age is None or 0 <= read.age <= 150
    assert read.age_low is None or read.age_high is None or read.age_low <= read.age_high


@pytest.mark.parametrize(
    ("values", "unread"),
    [
        (["45", "adult", None, "adult", "old"], [("adult", 2), ("old", 1)]),
        ([45, -1, -1, 999], [(-1.0, 2), (999.0, 1)]),
        ([float("nan"), None, 3.0], []),
        ([True, False], [("true", 1), ("false", 1)]),
        ([], []),
    ],
    ids=["texts", "numbers", "missing", "flags", "no cells"],
)
def test_what_says_no_age_is_counted(values, unread):
    column = read_age_column(pl.Series(values), name="age", unit="years")
    assert column.unread.rows() == unread
