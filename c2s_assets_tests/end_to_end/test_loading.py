"""What was published is loaded by `datasets`, in a process and cache of its own, and is what the lake is."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from markdown_it import MarkdownIt

import c2s_assets
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.clients.publishing import hub_to_write
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.end_to_end.browser import CHROMIUM, open_browser
from c2s_assets_tests.hub import LocalHub

pytestmark = pytest.mark.slow

KEY = ["dataset_id", "cell_id"]
# Configs beside the cells, with the files of one of their splits.
TABLES = {
    "sources": ("table", "sources.parquet"),
    "vocabulary": ("table", "vocabulary.parquet"),
    "split_manifest": ("table", "_split_manifest.parquet"),
    "features": ("table", "_features/*.parquet"),
    "prompts": ("test", "_prompts/*.test.parquet"),
    "pseudobulk": ("train", "_pseudobulk/*.train.parquet"),
}
_LOADING = """
import json, sys
from datasets import get_dataset_config_names, load_dataset

folder, calls = sys.argv[1], json.loads(sys.argv[2])
names = get_dataset_config_names("me/corpus")
seen = {}
for label, (config, options) in calls.items():
    loaded = load_dataset("me/corpus", config, **options)
    for side, rows in loaded.items():
        if options.get("streaming"):
            from datasets import Dataset
            rows = Dataset.from_list(list(rows), features=rows.features)
        rows.to_parquet(f"{folder}/{label}-{side}.parquet")
    seen[label] = {
        side: {name: str(kind) for name, kind in rows.features.items()} for side, rows in loaded.items()
    }
print(json.dumps({"configs": names, "features": seen}))
"""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_corpus(tmp_path_factory, "pseudobulk", "training_prompts")
    with layout.settings.open("a", encoding="utf-8") as file:
        file.write(
            "releases: {corpus: {repo_id: me/corpus, licence: CC BY 4.0, licence_of_sources: CC BY 4.0}}\n"
        )
    return layout


@pytest.fixture
def hub(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub with the release as version 1.0."""
    with hub_to_write(tmp_path / "hub", monkeypatch) as hub:
        for arguments in (("release", "corpus"), ("publish", "corpus")):
            said = c2s(*arguments, lake=layout.root, hub=hub.url)
            assert said.status == 0, said.err
        yield hub


def fresh_environment(hub: LocalHub, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }


def load(hub: LocalHub, folder: Path, calls: dict[str, tuple[str | None, dict[str, Any]]]) -> dict[str, Any]:
    """Load in a fresh process, and return what it says; the rows are in files of the folder."""
    environment = fresh_environment(hub, folder)
    said: dict[str, Any] = json.loads(run(_LOADING, str(folder), json.dumps(calls), environment=environment))
    return said


def run(code: str, *arguments: str, environment: dict[str, str]) -> str:
    """Run code in a fresh process, and return the last line that it prints."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def rows(folder: Path, label: str) -> pl.DataFrame:
    found = [
        pl.read_parquet(path).with_columns(pl.lit(side).alias("from"))
        for side in SIDES
        if (path := folder / f"{label}-{side}.parquet").exists()
    ]
    return pl.concat(found).sort(KEY)


def test_features_rows_and_values_are_those_of_the_lake(
    layout: Layout, hub: LocalHub, tmp_path: Path
) -> None:
    said = load(
        hub,
        tmp_path,
        {
            "default": (None, {}),
            "all": ("all", {}),
            "lung": ("lung", {}),
            "tag": ("blood", {"revision": "1.0"}),
            "stream": ("all", {"streaming": True}),
            "folder": (None, {"data_dir": "mouse"}),
        },
    )
    assert set(said["configs"]) == {"all", *TABLES, "blood", "lung", "mouse"}
    expected = c2s_assets.open_lake(layout.root).training().collect().sort(KEY)
    for label in ("default", "all", "stream"):
        found = rows(tmp_path, label)
        assert found.drop("from").equals(expected), label
        assert found["from"].equals(expected["split"].alias("from"))
    for label, dataset_id in (("lung", "lung"), ("tag", "blood"), ("folder", "mouse")):
        assert rows(tmp_path, label).drop("from").equals(expected.filter(dataset_id=dataset_id)), label
    kinds = [kinds for of_sides in said["features"].values() for kinds in of_sides.values()]
    assert all(kind == kinds[0] for kind in kinds), "the same features in every config and side"
    assert kinds[0]["age"] == "Value('float32')"


def test_tables_beside_the_cells_are_configs_with_the_rows_that_were_staged(
    layout: Layout, hub: LocalHub, tmp_path: Path
) -> None:
    load(hub, tmp_path, {name: (name, {}) for name in TABLES})
    for name, (split, pattern) in TABLES.items():
        found = pl.read_parquet(tmp_path / f"{name}-{split}.parquet")
        staged = pl.read_parquet(layout.release("corpus") / pattern)
        assert found.height > 0, name
        assert found.equals(staged), name
    words = set(pl.read_parquet(layout.release("corpus") / "vocabulary.parquet")["symbol"])
    sentences = c2s_assets.open_lake(layout.root).training().collect()["cell_sentence"]
    assert words >= set(sentences.str.split(" ").explode()) - {""}


def test_each_line_of_code_in_the_card_runs(layout: Layout, hub: LocalHub, tmp_path: Path) -> None:
    card = (layout.release("corpus") / "README.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```python\n(.*?)```", card, re.DOTALL))
    asked = "print(list(cells), rows.shape, counted['n_cells'].sum(), frame.shape)"
    train = pl.read_parquet(layout.release("corpus") / "blood/train/*.parquet")
    said = run(f"{lines}\n{asked}", environment=fresh_environment(hub, tmp_path))
    assert said == f"['train', 'test'] ({train.height}, 3) {train.height} ({train.height}, 3)"


@pytest.mark.usefixtures("hub")
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_card_is_shown_by_a_browser_with_its_tables_and_pictures(layout: Layout, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(layout.release("corpus"), tmp_path / "shown"))
    text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2]
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    (folder / "README.html").write_text(f"<!doctype html><meta charset=utf-8>{shown}", encoding="utf-8")
    with open_browser(tmp_path / "profile") as browser:
        browser.open((folder / "README.html").as_uri())
        pictures = "[...document.images]"
        browser.wait_for(f"{pictures}.length == 4 && {pictures}.every(one => one.naturalWidth > 300)")
        columns = "[...document.querySelectorAll('table')].map(t => [...t.rows].map(r => r.cells.length))"
        assert all(len(set(widths)) == 1 for widths in browser.evaluate(columns)), "no text breaks a row"
        assert browser.evaluate("document.querySelectorAll('h1').length") == 1
        assert "of which the first" in browser.text()
