import re

import polars as pl
import pytest

from c2s_assets.core.ages.columns import read_age_column
from c2s_assets.core.cells import claims
from c2s_assets.core.cells.candidates import ObsColumn, age_candidates, donor_candidates
from c2s_assets.core.cells.outcomes import names_nobody

IN_DATASETS_YAML = "in the dataset's entry of datasets.yaml"


def assert_says(finding, pattern):
    assert re.search(pattern, finding.message), finding.message


def cells(donors=("a", "b"), **columns):
    height = len(donors)
    return pl.DataFrame(
        {
            "cell_id": [f"cell{i}" for i in range(height)],
            "donor_id": donors,
            "has_known_donor": [donor is not None and not names_nobody(donor) for donor in donors],
            "organism": ["Homo sapiens"] * height,
            "age": [30.0] * height,
            "age_low": [30.0] * height,
            "age_high": [31.0] * height,
            "age_method": ["stage_label"] * height,
            "life_stage": ["postnatal"] * height,
            **columns,
        },
        schema_overrides={
            "donor_id": pl.String,
            "organism": pl.String,
            "has_known_donor": pl.Boolean,
            **dict.fromkeys(("age", "age_low", "age_high"), pl.Float32),
        },
    )


UNKNOWN = {"age": [None], "age_low": [None], "age_high": [None], "life_stage": ["unknown"]}


def test_cell_ids_that_differ_are_unique():
    assert claims.cell_ids_are_unique(cells()).holds
    assert claims.cell_ids_are_unique(cells(())).holds


def test_cell_ids_that_repeat_are_named():
    finding = claims.cell_ids_are_unique(cells(["a"] * 5, cell_id=["x", "y", "y", "z", "y"]))
    assert not finding.holds
    assert finding.message.startswith("1 cell ids stand for several cells, the first is 'y'.")
    assert "obs_names_make_unique" in finding.message
    assert finding.rows is not None
    assert finding.rows.rows() == [("y", 3)]


@pytest.mark.parametrize(
    ("donors", "holds", "message", "n_unknown"),
    [
        (["a", "b", "a"], True, "2 donors, every cell has one.", 0),
        (
            ["a", "unknown", None, " Pooled"],
            False,
            "3 of 4 cells have no donor .* They are only used for training",
            3,
        ),
        (["unknown", "unknown"], False, "2 of 2 cells have no donor .* They are only used for training", 2),
        ([None, None], False, "2 of 2 cells have no donor .* single cells are split", 2),
        ([], True, "0 donors", 0),
    ],
    ids=["all known", "some unknown", "all called unknown", "no donor column", "no cells"],
)
def test_donors_are_known(donors, holds, message, n_unknown):
    finding = claims.donors_are_known(cells(donors))
    assert finding.holds == holds
    assert finding.figures["n_cells_without_donor"] == n_unknown
    assert_says(finding, message)
    assert holds or "donor_column " + IN_DATASETS_YAML in finding.message


def test_donors_out_of_sight_are_not_told_as_none():
    finding = claims.donors_are_known(cells([None]), unread="obs/donor_id has 1j. Store it as text.")
    assert not finding.holds
    assert_says(
        finding, r"'donor_id' cannot be read, so nothing is split: obs/donor_id has 1j\. Store it as text\."
    )
    assert "single cells are split" not in finding.message


@pytest.mark.parametrize(
    ("donors", "doubtful"),
    [
        ({"P1": 40, "P2": 40, "P3": 40, "Negative 1": 5}, ["Negative 1"]),
        ({"P1": 40, "P2": 40, "P3": 40, "nicht zugeordnet": 5}, ["nicht zugeordnet"]),
        ({"P1": 40, "P2": 40, "P3": 40, "Negative 1": 40}, []),
        ({"HIV_negative_1": 1, "HIV_negative_2": 30, "HIV_positive_1": 30}, []),
        ({"ann": 1, "bob": 30, "cleo": 30, "P4": 30}, []),
        ({"P1": 40, "P2": 40, "P3": 40, "unassigned": 5}, []),
        ({}, []),
    ],
    ids=[
        "a word of demultiplexing",
        "the only one without a number",
        "too many cells",
        "how the authors name people",
        "names",
        "known to be none",
        "no cells",
    ],
)
def test_a_donor_of_few_cells_that_reads_like_an_outcome_is_reported(donors, doubtful):
    finding = claims.donors_are_no_outcomes(cells([d for d, n in donors.items() for _ in range(n)]))
    assert finding.holds == (not doubtful)
    assert finding.rows is not None
    assert finding.rows["donor_id"].to_list() == doubtful
    if doubtful:
        assert_says(finding, f"'{doubtful[0]}' .5 cells.*set it to 'unknown' in obs and add the file again")


@pytest.mark.parametrize(
    ("columns", "holds", "figures"),
    [
        ({}, True, (1, 0, 0, 0)),
        ({"age": [None]}, True, (0, 1, 0, 0)),
        ({"age": [None], "age_low": [None]}, True, (0, 1, 0, 0)),
        ({**UNKNOWN, "life_stage": ["prenatal"]}, True, (0, 0, 1, 0)),
        (UNKNOWN, False, (0, 0, 0, 1)),
    ],
    ids=["an age", "an interval", "an open interval", "before birth", "nothing"],
)
def test_ages_are_known(columns, holds, figures):
    finding = claims.ages_are_known(cells(["a"], **columns))
    names = ("n_with_age", "n_with_interval_only", "n_prenatal", "n_unknown")
    assert (finding.holds, tuple(finding.figures[name] for name in names)) == (holds, figures)
    assert ("age_column or age_group_column " + IN_DATASETS_YAML in finding.message) != holds


def test_cells_without_an_age_because_they_are_unborn_are_told_from_others():
    finding = claims.ages_are_known(cells(["a"], **{**UNKNOWN, "life_stage": ["prenatal"]}))
    assert_says(finding, "0 of 1 cells have an age. 1 are of a stage before birth, which has none.")


def test_ages_that_cannot_be_read_are_shown_with_their_cells_and_other_columns_named():
    values = pl.Series(["45", "adult", "adult", "old"])
    column = read_age_column(values, name="age", unit="years")
    finding = claims.ages_are_known(cells(["a"], **UNKNOWN), columns=[column])
    assert_says(
        finding, "Column 'age' holds 'adult' .2 cells., 'old' .1 cells., which cannot be read as ages."
    )
    assert "age_column in" not in finding.message
    found = age_candidates([ObsColumn("Age", "float64", "array", 43)], used={"age"})
    finding = claims.ages_are_known(cells(["a"], **UNKNOWN), candidates=found)
    assert_says(
        finding, "obs has 'Age', a column of numbers with 43 values: if it holds ages, give it as age_column"
    )


def test_many_labels_that_cannot_be_read_are_cut_short():
    column = read_age_column(pl.Series([f"x{i}" for i in range(50)]), name="age", unit="years")
    finding = claims.ages_are_known(cells(["a"], **UNKNOWN), columns=[column])
    assert_says(finding, "'x4' .1 cells. and 45 more, which")


def test_columns_that_may_name_donors_are_named():
    found = donor_candidates([ObsColumn("patient", "int8", "categorical", 12)], used=set())
    finding = claims.donors_are_known(cells([None]), candidates=found)
    assert_says(
        finding, "obs has 'patient' with 12 values: give the one that names the donors as donor_column in"
    )
    finding = claims.donors_are_known(cells(["unknown"]), column="DonorID")
    assert_says(finding, "donor column under another name than 'DonorID', give it as donor_column in")


def test_ages_are_counted_by_method():
    finding = claims.ages_are_known(cells(["a"] * 3, age_method=["x", "y", "x"]))
    assert finding.rows is not None
    assert finding.rows.rows() == [("x", 2), ("y", 1)]
    assert finding.figures["frac_with_age"] == 1.0


def test_ages_of_no_cells_are_known():
    assert claims.ages_are_known(cells(())).holds


def mice(ages, method="age_column"):
    unknown = dict.fromkeys(("age_low", "age_high"), [None] * len(ages))
    return cells(
        ["a"] * len(ages),
        **unknown,
        age=ages,
        age_method=[method] * len(ages),
        organism=["Mus musculus"] * len(ages),
    )


def test_ages_that_were_reached_are_plausible():
    assert claims.ages_are_plausible(mice([0.25, 2.0, None])).holds
    assert claims.ages_are_plausible(cells(["a"], age=[122.0])).holds
    assert claims.ages_are_plausible(mice([30.0]).with_columns(organism=pl.lit("Canis lupus"))).holds
    assert claims.ages_are_plausible(cells(())).holds


def test_an_age_that_nobody_reached_names_the_unit_that_is_meant():
    column = read_age_column(pl.Series([3.0, 18.0, 24.0]), name="age", unit="years")
    finding = claims.ages_are_plausible(mice([3.0, 18.0, 24.0]), columns=[column])
    assert not finding.holds
    assert finding.message == (
        "2 of 3 cells would be of a Mus musculus of up to 24 years; none is known that lived for more than "
        "5. If column 'age' holds months, write age_column: age and age_unit: months in the dataset's "
        "entry of datasets.yaml."
    )
    assert finding.rows is not None
    assert finding.rows.rows() == [("Mus musculus", "age_column", 5.0, 2, 24.0)]


def test_an_age_that_no_unit_explains_asks_for_the_organism():
    finding = claims.ages_are_plausible(mice([45.0], method="stage_label"))
    assert_says(finding, "another organism, name it as organism in the dataset's entry")


def test_numbers_beyond_any_age_name_the_unit_that_is_meant():
    column = read_age_column(pl.Series([540.0, 700.0]), name="age", unit="years")
    finding = claims.ages_are_known(mice([None]).with_columns(life_stage=pl.lit("unknown")), columns=[column])
    assert_says(finding, "cannot be read as ages. If they are days rather than years, write age_unit: days")


def test_what_becomes_of_cells_without_an_age_is_said_where_others_have_one():
    some = cells(["a", "a"], age=[30.0, None], age_low=[30.0, None], age_high=[31.0, None])
    assert_says(claims.ages_are_known(some), "are on no side, unless datasets.yaml says split")
    assert "neither train" not in claims.ages_are_known(cells(["a"], **UNKNOWN)).message
