import json

import polars as pl
import pytest

from c2s_assets.core.prompts.composing import PromptComposer
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.core.prompts.templates import all_tasks
from c2s_assets_tests.core.prompts.cells import some_cells


def compose(cells, **spec):
    return PromptComposer(PromptSpec(**spec), LeakFinder()).compose(cells, side="train").records


def test_a_record_asks_of_a_cell_and_answers():
    record = compose(some_cells(1), tasks=["cell_type"], top_n=3).row(0, named=True)
    assert "\nCell: G0 G1 G2\n" in f"\n{record['prompt']}\n"
    assert "3" in record["prompt"].replace("G3", "")
    assert {name: value for name, value in record.items() if name not in ("prompt", "template_id")} == {
        "task": "cell_type",
        "response": "alpha-beta T cell",
        "num_genes": 3,
        "n_tokens": None,
        "cell_ids": ["cell0"],
        "split": "train",
    }


def test_cells_are_written_given_what_is_known_of_them():
    record = compose(some_cells(1), tasks=["cell_generation"], top_n=2).row(0, named=True)
    assert record["response"] == "Cell: G0 G1"
    assert "tissue: lung; disease: normal; sex: female; age: 34 years" in record["prompt"]


def test_each_task_is_asked_in_several_wordings_of_which_the_seed_draws_one():
    cells = some_cells(60)
    wordings = compose(cells).group_by("task").agg(pl.col("template_id").n_unique())
    due = {
        name: min(len(task.prompts), 12 if task.is_of_groups else 60) for name, task in all_tasks().items()
    }
    assert dict(wordings.iter_rows()) == due
    assert compose(cells).equals(compose(cells))
    assert compose(cells)["template_id"].to_list() != compose(cells, seed=1)["template_id"].to_list()


def test_a_record_is_the_same_whatever_else_its_block_holds():
    cells = some_cells(20)
    tasks = [name for name, task in all_tasks().items() if not task.is_of_groups]
    whole = compose(cells, tasks=tasks)
    parts = pl.concat([compose(cells[:7], tasks=tasks), compose(cells[7:], tasks=tasks)])
    assert sorted(map(json.dumps, parts.to_dicts())) == sorted(map(json.dumps, whole.to_dicts()))


def test_records_are_in_the_order_of_their_cells():
    """Sentences that stand side by side make the table half as large as those that lie far apart."""
    cells = some_cells(20)
    firsts = compose(cells)["cell_ids"].list.first()
    place = {cell: row for row, cell in enumerate(cells["cell_id"])}
    assert firsts.n_unique() == 20
    assert [place[cell] for cell in firsts] == sorted(place[cell] for cell in firsts)


@pytest.mark.parametrize("task", ["tissue_of_cells", "cells_generation"])
def test_groups_are_cells_of_one_donor_and_tissue_each_once(task):
    cells = some_cells(60, tissue=["lung", "lung", "blood"] * 20, donor_uid=["a", "b", "b", "a"] * 15)
    records = compose(cells, tasks=[task], cells_per_group=4)
    ids = records["cell_ids"]
    assert ids.list.len().unique().to_list() == [4]
    assert ids.explode().is_duplicated().sum() == 0
    known = cells.select("cell_id", "donor_uid", "tissue").iter_rows()
    of = {cell: (donor, tissue) for cell, donor, tissue in known}
    assert all(len({of[cell] for cell in group}) == 1 for group in ids)
    for record in records.iter_rows(named=True):
        text = record["prompt"] if task == "tissue_of_cells" else record["response"]
        for number, cell in enumerate(record["cell_ids"], start=1):
            sentence = cells.filter(cell_id=cell)["cell_sentence"][0]
            assert f"\nCell {number}: {sentence}\n" in f"\n{text}\n"
        assert record["num_genes"] == 4 * 6


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"donor_uid": None}, id="no donors"),
        pytest.param({"has_known_donor": False}, id="pooled"),
        pytest.param({"tissue": None}, id="no tissue"),
        pytest.param({"donor_uid": [f"d{n}" for n in range(12)]}, id="one cell a donor"),
    ],
)
def test_without_donors_of_several_cells_there_are_no_groups(columns):
    cells = some_cells(**columns).with_columns(pl.col("donor_uid", "tissue").cast(pl.String))
    assert compose(cells, tasks=["tissue_of_cells", "cells_generation"]).is_empty()


def test_what_is_unknown_is_not_asked():
    cells = some_cells(2, cell_type=["unknown", "B cell"])
    assert compose(cells, tasks=["cell_type"])["cell_ids"].to_list() == [["cell1"]]


def test_a_cell_without_a_sentence_is_in_no_record():
    cells = some_cells(3, cell_sentence=["", "A B", ""])
    assert compose(cells, cells_per_group=2)["cell_ids"].explode().unique().to_list() == ["cell1"]


def test_no_cells_have_no_records_but_all_columns():
    assert compose(some_cells(5)).head(0).equals(compose(some_cells(5).head(0)))


def test_no_wording_holds_a_number_or_a_place_that_is_not_filled():
    for record in compose(some_cells(60)).iter_rows(named=True):
        assert "{" not in record["prompt"] + record["response"]
