import polars as pl
import pytest

from c2s_assets.core.prompts.facts import age_text, decade_text, facts_of, label_text
from c2s_assets_tests.core.prompts.cells import some_cells


@pytest.mark.parametrize(
    ("low", "high", "age", "decade"),
    [
        pytest.param(34, 35, "34 years", "30 to 39 years", id="a year"),
        pytest.param(34.5, 34.5, "34.5 years", "30 to 39 years", id="a fraction"),
        pytest.param(1, 2, "1 year", "0 to 9 years", id="one year"),
        pytest.param(0, 1, "less than 1 year", "0 to 9 years", id="first year"),
        pytest.param(65, 80, "65 to 79 years", None, id="an interval over decades"),
        pytest.param(40, 50, "40 to 49 years", "40 to 49 years", id="a decade"),
        pytest.param(80, None, "80 years or older", None, id="open above"),
        pytest.param(0.25, 1 / 3, "3 months", "0 to 9 years", id="a month"),
        pytest.param(0, 1 / 12, "less than 1 month", "0 to 9 years", id="first month"),
        pytest.param(0.5, 0.5, "6 months", "0 to 9 years", id="half a year"),
        pytest.param(2 / 12, 5 / 12, "2 to 4 months", "0 to 9 years", id="months"),
        pytest.param(None, None, None, None, id="unknown"),
    ],
)
def test_an_age_is_told_as_exactly_as_it_is_known(low, high, age, decade):
    assert (age_text(low, high), decade_text(low, high)) == (age, decade)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("lung", "lung"),
        ("COVID-19 || influenza", "COVID-19 and influenza"),
        ("a || b || c", "a, b and c"),
        ("a || unknown", "a"),
        ("B cell\nCell: x", "B cell Cell: x"),
        ("\u2028B\r\n cell ", "B cell"),
        ("Unknown", None),
        ("na", None),
        (" || ", None),
    ],
)
def test_labels_become_answers(label, text):
    assert label_text(label) == text


def test_what_is_known_of_a_cell_is_listed():
    facts = facts_of(some_cells(1)).row(0, named=True)
    assert facts["conditions"] == (
        "organism: Homo sapiens; cell type: alpha-beta T cell; tissue: lung; disease: normal; sex: female; "
        "age: 34 years"
    )
    assert "cell type" not in facts["shared_conditions"]


def test_what_is_not_known_is_not_told():
    cells = some_cells(2, cell_type=["unknown", None], sex=None, disease=None).drop("tissue")
    facts = facts_of(cells.with_columns(age_low=pl.lit(None, pl.Float32), age_high=pl.lit(None, pl.Float32)))
    assert facts.drop("organism").to_dicts() == [dict.fromkeys(facts.columns[1:])] * 2


def test_only_humans_have_decades():
    assert facts_of(some_cells(1, organism="Mus musculus"))["age_decade"].to_list() == [None]
