"""Groups of cells: of one donor and type, alike in all that is said of them."""

from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from c2s_assets.core.tabular.groups import READ, group_cells
from c2s_assets.core.tabular.members import Members

_SIDES = pl.Schema({"split": pl.String(), "fold": pl.Int32()})
_USUAL = {
    "donor_uid": "d/1",
    "has_known_donor": True,
    "organism": "Homo sapiens",
    "cell_type": "B cell",
    "tissue": "blood",
    "age": 30.0,
    "age_low": 30.0,
    "age_high": 31.0,
    "disease": "normal",
    "split": "train",
    "fold": 0,
}


def grouped(*cells: dict[str, Any]) -> Members:
    """Group cells that are as usual but for what is given of each."""
    return group_cells(pl.DataFrame([_USUAL | cell for cell in cells], schema={**READ, **_SIDES}))


def members_of(groups: Members) -> list[list[int]]:
    return [groups.cells[begin:end].tolist() for begin, end in pairwise(groups.bounds)]


def test_cells_of_one_donor_and_type_are_a_group() -> None:
    groups = grouped({}, {"donor_uid": "d/2"}, {"cell_type": "T cell"}, {}, {"donor_uid": "d/2"})
    assert members_of(groups) == [[0, 3], [2], [1, 4]]
    assert groups.rows["donor_uid"].to_list() == ["d/1", "d/1", "d/2"]
    assert groups.rows["n_cells"].to_list() == [2, 1, 2]


@pytest.mark.parametrize(
    "other",
    [
        {"tissue": "lung"},
        {"age": 40.0, "age_low": 40.0, "age_high": 41.0},
        {"assay": "Smart-seq2"},
        {"suspension_type": "nucleus"},
        {"disease": "asthma"},
        {"tissue_type": "organoid"},
        {"cell_type": None},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_is_said_of_one_cell_of_a_group_holds_for_all(other: dict[str, Any]) -> None:
    groups = grouped({}, other, {})
    assert sorted(members_of(groups)) == [[0, 2], [1]]


@pytest.mark.parametrize(
    "left_out",
    [{"split": None, "fold": None}, {"has_known_donor": False, "fold": None}, {"donor_uid": None}],
    ids=["on no side", "of a pool", "without a donor"],
)
def test_cells_that_say_nothing_of_a_donor_are_in_no_group(left_out: dict[str, Any]) -> None:
    assert members_of(grouped(left_out, {}, left_out)) == [[1]]
    assert grouped(left_out).rows.is_empty()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({}, {"is_open_ended": False, "age_months": None, "is_healthy": True, "disease_list": ["normal"]}),
        ({"age": 80.0, "age_low": 80.0, "age_high": None}, {"is_open_ended": True}),
        ({"age": None, "age_low": None, "age_high": None}, {"is_open_ended": None, "age_months": None}),
        ({"organism": "Mus musculus", "age": 0.25}, {"age_months": 3.0}),
        ({"disease": "asthma || COVID-19"}, {"is_healthy": False, "disease_list": ["asthma", "COVID-19"]}),
        ({"disease": "Healthy"}, {"is_healthy": True}),
        ({"disease": "normal || asthma"}, {"is_healthy": False}),
        ({"disease": None}, {"is_healthy": None, "disease_list": None}),
    ],
    ids=["usual", "open", "no age", "mouse", "two diseases", "healthy", "normal and ill", "no disease"],
)
def test_ages_and_diseases_are_told_as_models_take_them(cell: dict[str, Any], said: dict[str, Any]) -> None:
    row = grouped(cell).rows.row(0, named=True)
    assert {name: row[name] for name in said} == said


def test_the_order_of_the_file_does_not_change_the_groups() -> None:
    cells = [{"donor_uid": f"d/{n % 3}", "cell_type": "AB"[n % 2]} for n in range(12)]
    there, back = grouped(*cells), grouped(*cells[::-1])
    assert there.rows.equals(back.rows)
    assert members_of(back) == [sorted(11 - cell for cell in group) for group in members_of(there)]
