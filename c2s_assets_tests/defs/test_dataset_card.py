"""The card of a dataset: its numbers are those of the files, and each line of code in it runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.dataset_card import look_at_card
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_lake(tmp_path_factory.mktemp("card"))
    primary = [cell >= 4 for cell in range(60)]
    drop_toy_h5ad(layout, "blood", obs={"is_primary_data": primary, "batch": "b | 1"})
    layout.settings.write_text("datasets: {blood: {licence: CC BY 4.0}}\n", encoding="utf-8")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "blood", *upstream(["dataset_card"])).success
    return layout


@pytest.fixture
def card(layout: Layout) -> str:
    return (layout.dataset("blood") / "README.md").read_text(encoding="utf-8")


def problems(layout: Layout) -> list[str]:
    dataset = Dataset(layout, "blood", read_settings(layout))
    found = look_at_card(dataset, layout.dataset("blood"))
    return [finding.message for finding in found if not finding.holds]


def test_it_counts_the_rows_of_the_sides(layout: Layout, card: str) -> None:
    train = pl.read_parquet(layout.dataset("blood") / "train/*.parquet")
    (line,) = [line for line in card.splitlines() if line.startswith("| train |")]
    assert line.split(" | ")[1:4] == [str(train.height), str(train["donor_uid"].n_unique()), "1"]
    assert "| they are not the canonical copy | 4 |" in card
    assert "license: cc-by-4.0" in card
    assert "| `batch` | string |  |  | As the source has it. |" in card


def test_it_is_true_and_a_changed_number_or_picture_is_found(layout: Layout, card: str) -> None:
    assert problems(layout) == []
    path = layout.dataset("blood") / "README.md"
    path.write_text(card.replace("56 cells of 4 donors", "57 cells of 4 donors"), encoding="utf-8")
    assert "README.md says in line" in problems(layout)[0]
    path.write_text(card, encoding="utf-8")
    picture = layout.dataset("blood") / "_images/ages.svg"
    drawn = picture.read_text(encoding="utf-8")
    picture.unlink()
    assert problems(layout) == ["_images/ages.svg is not there. Make it again."]
    picture.write_text(drawn, encoding="utf-8")
    assert problems(layout) == []


def test_each_line_of_its_code_runs_in_the_folder_of_the_lake(
    layout: Layout, card: str, tmp_path: Path
) -> None:
    lines = "\n".join(re.findall(r"```python\n(.*?)```", card, re.DOTALL))
    asked = "print(sorted(cells), cells['train'].num_rows, rows.shape, counted.shape, list(frame.columns))"
    done = subprocess.run(
        [sys.executable, "-c", f"{lines}\n{asked}"],
        cwd=layout.root,
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == (
        "['test', 'train'] 42 (42, 3) (1, 2) ['cell_id', 'cell_sentence', 'age']"
    )
