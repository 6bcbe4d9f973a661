"""What was published is loaded by `datasets`, in a process and cache of its own, and is what the lake is."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import c2s_assets
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.clients.publishing import without_waits
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.hub import WRITER, LocalHub, serve_hub

pytestmark = pytest.mark.slow

KEY = ["dataset_id", "cell_id"]
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
    layout = make_corpus(tmp_path_factory.mktemp("corpus"))
    with layout.settings.open("a", encoding="utf-8") as file:
        file.write(
            "releases: {corpus: {repo_id: me/corpus, licence: CC BY 4.0, licence_of_sources: CC BY 4.0}}\n"
        )
    return layout


@pytest.fixture
def hub(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub with the release as version 1.0."""
    without_waits(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    with serve_hub(tmp_path / "hub") as hub:
        for arguments in (("release", "corpus"), ("publish", "corpus")):
            said = c2s(*arguments, lake=layout.root, hub=hub.url)
            assert said.status == 0, said.err
        yield hub


def load(hub: LocalHub, folder: Path, calls: dict[str, tuple[str | None, dict[str, Any]]]) -> dict[str, Any]:
    """Load in a fresh process, and return what it says; the rows are in files of the folder."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-c", _LOADING, str(folder), json.dumps(calls)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


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
    assert sorted(said["configs"]) == ["all", "blood", "lung", "mouse"]
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
