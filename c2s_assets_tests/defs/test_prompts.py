"""`training_prompts`, built of a toy dataset."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2s_assets.core.prompts.templates import all_tasks
from c2s_assets.core.prompts.tokens import TokenCounter
from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.prompts import writing
from c2s_assets_tests.defs.building import (
    BuildReport,
    Workshop,
    broken,
    debris,
    failures,
    files_below,
    open_workshop,
)
from c2s_assets_tests.storage.prompts.test_tokenizer import write_tokenizer
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

ASSETS = upstream(["training_prompts"])


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A lake with a dataset whose prompts are built."""
    layout = make_lake(tmp_path_factory.mktemp("prompts"), "toy")
    layout.settings.write_text("prompts: {top_n: 5}\n")
    with open_workshop(layout) as workshop:
        assert not failures(_build(workshop))
        yield workshop


def test_prompts_are_those_of_the_sides(workshop: Workshop) -> None:
    records, cells = workshop.read("training_prompts", "toy"), workshop.train_test("toy")
    asked = records.explode("cell_ids").join(cells, left_on="cell_ids", right_on="cell_id")
    assert (asked["split"] == asked["side"]).all()
    assert set(records["split"]) == set(cells["side"])
    types = asked.filter(task="cell_type")
    assert types.height == cells.height
    assert (types["response"] == types["cell_type"]).all()
    assert set(records["task"]) == set(all_tasks())


def test_its_figures_and_checks_are_shown(workshop: Workshop) -> None:
    report = _build(workshop)
    assert not {name for name in broken(report) if name.startswith("training_prompts/")}
    record = workshop.layout.record("toy").read_text()
    assert "None of 444 questions gives its answer away; 0 were left out." in record


def test_the_same_dataset_gives_the_same_prompts(workshop: Workshop) -> None:
    parts = workshop.layout.parts("training_prompts", "toy")
    before = {path.name: path.read_bytes() for path in parts.iterdir()}
    assert not failures(_build(workshop))
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"obs": {"cell_type": None}},
            "No prompts of cell_type, as no cell with a sentence has a known",
        ),
        ({"n_donors": 0}, "No prompts of tissue_of_cells, as no known donor has 5 cells of one tissue"),
        ({"n_obs": 1, "n_donors": 1}, "No prompts of tissue_of_cells, as no known donor has 5 cells"),
    ],
    ids=["no cell types", "no donors", "one cell"],
)
def test_a_task_without_prompts_is_told_with_its_reason(
    tmp_path: Path, options: dict[str, object], said: str
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", **options)
    with open_workshop(layout) as workshop:
        report = _build(workshop)
        assert not failures(report)
        assert "training_prompts/every_task_has_prompts" in broken(report)
        assert said in next(c.message for c in report.broken if c.claim == "every_task_has_prompts")
        assert workshop.read("training_prompts", "toy").columns[0] == "task"


def test_a_tokenizer_that_is_none_leaves_the_prompts_as_they_were(workshop: Workshop) -> None:
    before = files_below(workshop.layout.dataset("toy") / "training_prompts")
    settings = workshop.layout.settings.read_text()
    (workshop.layout.root / "tokenizer.json").write_text("{}")
    workshop.layout.settings.write_text("prompts: {tokenizer: tokenizer.json, max_tokens: 100}\n")
    try:
        report = _build(workshop)
    finally:
        workshop.layout.settings.write_text(settings)
    assert "which is no tokenizer.json" in failures(report)["training_prompts"]
    assert files_below(workshop.layout.dataset("toy") / "training_prompts") == before
    assert debris(workshop.layout) == []


def test_records_before_a_block_that_the_tokenizer_counts_otherwise_are_counted_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(texts: Sequence[str], with_ends: bool) -> NDArray[np.int64]:
        return np.array([len(text.split()) + with_ends - ("GENE7 " in text) for text in texts], np.int64)

    monkeypatch.setattr(writing, "open_tokenizer", lambda *_: TokenCounter(count))
    monkeypatch.setattr(writing, "_CELLS_AT_ONCE", 1)
    settings = workshop.layout.settings.read_text()
    workshop.layout.settings.write_text(
        "prompts: {tasks: [cell_type], tokenizer: tokenizer.json, top_n: 9}\n"
    )
    try:
        assert not failures(_build(workshop))
        records = workshop.read("training_prompts", "toy")
    finally:
        workshop.layout.settings.write_text(settings)
        assert not failures(_build(workshop))
    due = [
        int(count([one], True)[0] + count([two], True)[0] + 1)
        for one, two in records.select("prompt", "response").iter_rows()
    ]
    assert records["n_tokens"].to_list() == due
    assert len({len(one.split()) - n for one, n in records.select("prompt", "n_tokens").iter_rows()}) > 1


def test_a_budget_below_one_gene_is_told(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    write_tokenizer(layout.root / "tokenizer.json")
    layout.settings.write_text(
        "prompts: {tasks: [cell_type, sex], tokenizer: tokenizer.json, max_tokens: 3}\n"
    )
    with open_workshop(layout) as workshop:
        report = _build(workshop)
        assert not failures(report)
        assert not workshop.layout.parts("training_prompts", "toy").exists()
    (said,) = [check.message for check in report.broken if check.claim == "every_task_has_prompts"]
    assert "cell_type, as max_tokens has no room for one gene of each cell in 60 of them: raise it" in said


def _build(workshop: Workshop) -> BuildReport:
    from c2s_assets.defs.service import build

    return build(workshop.instance, workshop.definitions, "toy", assets=ASSETS)
