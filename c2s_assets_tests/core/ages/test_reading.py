import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.ages.columns import read_age_column
from c2s_assets.core.ages.reading import parse_ages

AGE_COLUMNS = {
    "age": pl.Float32,
    "age_low": pl.Float32,
    "age_high": pl.Float32,
    "age_method": pl.String,
    "life_stage": pl.String,
}
NOTHING = (None, None, None, "unknown", "unknown")


def read(values, *, unit="years"):
    """Read a column of ages as a whole."""
    if values is None:
        return None
    column = pl.Series(values)
    return read_age_column(column, name="age", unit=unit).intervals(column)


def _ages(age=None, *, unit="years", stage=None, stage_id=None, group=None, organism=None, n_obs=None):
    """Parse columns given as lists; the rows of the result."""
    columns = {"stage": stage, "stage_id": stage_id}
    given_lists = [column for column in (age, group, *columns.values()) if column is not None]
    return parse_ages(
        len(given_lists[0]) if n_obs is None else n_obs,
        **{name: None if column is None else pl.Series(column) for name, column in columns.items()},
        age=read(age, unit=unit),
        age_group=read(group),
        organism=organism,
    ).rows()


@pytest.mark.parametrize(
    ("age", "unit", "expected"),
    [
        pytest.param([45, 0], "years", [(45, 45, 46), (0, 0, 1)], id="whole years"),
        pytest.param([45.0, 45.5], "years", [(45, 45, 46), (45.5, 45.5, 45.5)], id="a fraction is itself"),
        pytest.param(["45", " 45.5 "], "years", [(45, 45, 46), (45.5, 45.5, 45.5)], id="numbers as text"),
        pytest.param([3, 18], "months", [(0.25, 0.25, 4 / 12), (1.5, 1.5, 19 / 12)], id="months"),
        pytest.param([8.0], "weeks", [(8 / 52.18, 8 / 52.18, 9 / 52.18)], id="weeks"),
        pytest.param([21], "days", [(21 / 365.25, 21 / 365.25, 22 / 365.25)], id="days"),
        pytest.param([150], "years", [(150, 150, 151)], id="the oldest"),
    ],
)
def test_parse_ages_reads_an_age_column(age, unit, expected):
    for row, interval in zip(_ages(age, unit=unit), expected, strict=True):
        assert row[:3] == pytest.approx(interval, rel=1e-6)
        assert row[3:] == ("age_column", "postnatal")


@pytest.mark.parametrize(
    "age",
    [
        pytest.param([-1], id="negative"),
        pytest.param([151], id="too old"),
        pytest.param([float("inf")], id="infinite"),
        pytest.param([float("nan")], id="not a number"),
        pytest.param([None], id="missing"),
        pytest.param(["adult"], id="text"),
        pytest.param([True], id="a flag"),
    ],
)
def test_an_impossible_age_is_unknown_unless_another_source_knows(age):
    assert _ages(age) == [NOTHING]
    assert _ages(age, stage=["22-year-old stage"]) == [(22, 22, 23, "stage_label", "postnatal")]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(
            {"age": [30], "stage": ["22-year-old stage"], "group": ["40-49"]},
            (30, 30, 31, "age_column", "postnatal"),
            id="the age column first",
        ),
        pytest.param(
            {"stage": ["22-year-old stage"], "group": ["40-49"]},
            (22, 22, 23, "stage_label", "postnatal"),
            id="the stage before the group",
        ),
        pytest.param(
            {"stage": ["adult stage"], "group": ["40-49"]},
            (45, 40, 50, "age_group", "postnatal"),
            id="a point before an interval",
        ),
        pytest.param(
            {"stage": ["adult stage"], "group": ["old"]},
            (None, 15, None, "stage_label", "postnatal"),
            id="an interval if there is no point",
        ),
        pytest.param(
            {"age": [12], "stage": ["12th week post-fertilization stage"], "group": ["10-15"]},
            (None, None, None, "stage_label", "prenatal"),
            id="before birth there is no age",
        ),
        pytest.param(
            {"stage": [None], "stage_id": ["HsapDv:0000116"]},
            (22, 22, 23, "stage_label", "postnatal"),
            id="the id of a missing label",
        ),
        pytest.param(
            {"stage_id": ["HsapDv:0000116"]}, (22, 22, 23, "stage_label", "postnatal"), id="no label column"
        ),
        pytest.param(
            {"age": ["E14.5"], "stage": ["adult stage"]},
            (None, None, None, "age_column", "prenatal"),
            id="an embryonic day in the age column",
        ),
        pytest.param({"stage": ["unknown"], "group": ["unknown"]}, NOTHING, id="nothing known"),
    ],
)
def test_parse_ages_chooses_the_best_source(sources, expected):
    assert _ages(**sources) == [expected]


def test_parse_ages_reads_stages_by_the_organism_of_each_cell():
    organism = pl.Series(["Mus musculus", "Homo sapiens", None])
    assert [row[1] for row in _ages(stage=["late adult stage"] * 3, organism=organism)] == [1.5, 60, 60]
    assert _ages(stage=["late adult stage"], organism="Mus musculus")[0][1] == 1.5


def test_parse_ages_reads_categorical_columns():
    stage = pl.Series(["22-year-old stage", None], dtype=pl.Categorical)
    ages = parse_ages(2, age=None, stage=stage, stage_id=None, age_group=None, organism=None)
    assert ages["age"].to_list() == [22, None]


@pytest.mark.parametrize("n_obs", [0, 3])
def test_parse_ages_without_any_column_knows_nothing(n_obs):
    ages = parse_ages(n_obs, age=None, stage=None, stage_id=None, age_group=None, organism=None)
    assert ages.schema == AGE_COLUMNS
    assert ages.rows() == [NOTHING] * n_obs


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.tuples(
            st.sampled_from([None, 3.0, 45.0, 45.5, -1.0, float("nan")]),
            st.sampled_from([None, "22-year-old stage", "adult stage", "fetal stage", "unknown"]),
            st.sampled_from([None, "20-29", "80+", "?"]),
            st.sampled_from([None, "Homo sapiens", "Mus musculus"]),
        ),
        max_size=30,
    )
)
def test_the_age_of_a_cell_depends_on_nothing_but_its_own_row(cells):
    def parse(rows):
        frame = pl.DataFrame(
            rows,
            orient="row",
            schema={"age": pl.Float64, "stage": pl.String, "group": pl.String, "of": pl.String},
        )
        return parse_ages(
            len(rows),
            age=read(frame["age"]),
            stage=frame["stage"],
            stage_id=None,
            age_group=read(frame["group"]),
            organism=frame["of"],
        )

    together = parse(cells)
    assert together.schema == AGE_COLUMNS
    assert together.rows() == [parse([cell]).row(0) for cell in cells]


def test_an_age_nobody_named_stands_behind_the_stage():
    age, stage = pl.Series(["3m", "3m"]), pl.Series(["22-year-old stage", "adult stage"])
    column = read_age_column(age, name="age", unit=None).intervals(age)
    rows = parse_ages(
        2, age=column, stage=stage, stage_id=None, age_group=None, organism=None, stage_first=True
    ).rows()
    assert [row[0] for row in rows] == [22, 0.25]
