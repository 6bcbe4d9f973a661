"""A lake and a Dagster database of an older c2s_assets are opened by this one, and go on as they were."""

import json
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.core.splits.sides import SIDES
from c2s_assets.defs.automation.refresh import WHY, refresh
from c2s_assets.defs.resources import Store
from c2s_assets.defs.service import open_instance
from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import Said, c2s
from c2s_assets_tests.discover import serve_discover
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

pytestmark = pytest.mark.slow

# Written by the earlier commits of these names, see the README beside them.
ARCHIVES = sorted((Path(__file__).parents[1] / "older_lakes").glob("*.tar.xz"))

_DISCOVERED, _OWN = "atlas", "own"
_N_CELLS = "select dataset_id, count(*) as n_cells from cells group by all order by all"
# Before there were records, fingerprints, a plan of the split and pages.
_CAME_LATER = ("record.json", "cell_fingerprints.parquet", "report.html")
# Dagster's schema of July 2024, five steps before that of Dagster 1.13.
_OLDER_SCHEMA = "update alembic_version set version_num = '284a732df317'"
_DOWNGRADES = {
    "history/runs.db": [
        "drop index if exists idx_runs_by_backfill_id",
        "alter table runs drop column backfill_id",
        "alter table bulk_actions drop column job_name",
        "drop table backfill_tags",
        _OLDER_SCHEMA,
    ],
    "history/runs/index.db": [
        "alter table concurrency_limits drop column using_default_limit",
        _OLDER_SCHEMA,
    ],
    "schedules/schedules.db": [_OLDER_SCHEMA],
}


@dataclass(frozen=True)
class Older:
    """A lake with a file of somebody's own and a dataset of a Discover that is still there."""

    layout: Layout
    discover_url: str

    def run(self, *arguments: str) -> Said:
        """Run a command, which is to end well."""
        said = c2s(*arguments, lake=self.layout.root, cellxgene=self.discover_url)
        assert said.status == 0, said.err
        return said

    def sides(self) -> dict[tuple[str, str], list[str]]:
        """Cells by dataset and side."""
        return {
            (dataset_id, side): pl.read_parquet(folder / "*.parquet")["cell_id"].to_list()
            for dataset_id in (_DISCOVERED, _OWN)
            for side in SIDES
            if (folder := self.layout.parts(side, dataset_id)).exists()
        }

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """Have the refresh sensor look, as the daemon does."""
        with open_instance(self.layout) as instance:
            store = Store(root=str(self.layout.root))
            result = refresh(dg.build_sensor_context(instance=instance, resources={"store": store}))
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        return result


@pytest.fixture(scope="module")
def discover_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_discover(seconds=600) as discover:
        discover.add(_DISCOVERED, write_toy_h5ad(tmp_path_factory.mktemp("discover") / "atlas.h5ad", seed=3))
        yield discover.url


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, discover_url: str) -> Layout:
    """What an older c2s_assets left, written by this one, and then taken back."""
    layout = make_lake(tmp_path_factory.mktemp("built"), _OWN)
    layout.settings.write_text("cellxgene: {min_cells: 0}")
    older = Older(layout, discover_url)
    older.run("select", "--refresh")
    older.run("build", _DISCOVERED, _OWN, "--only", "train_test,expression,unstructured_metadata")
    for dataset_id in (_DISCOVERED, _OWN):
        for name in _CAME_LATER:
            (layout.dataset(dataset_id) / name).unlink(missing_ok=True)
    for path in (layout.split_plan, layout.split_marks, layout.split_copies):
        path.unlink(missing_ok=True)
    _take_back(layout.dagster_home)
    return layout


def _take_back(home: Path) -> None:
    (home / ".c2s-settings.yaml").unlink()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    for name, statements in _DOWNGRADES.items():
        connection = sqlite3.connect(home / name)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()


@pytest.fixture
def older(built: Layout, tmp_path: Path, discover_url: str) -> Older:
    shutil.copytree(built.root, tmp_path / "lake")
    return Older(Layout(tmp_path / "lake"), discover_url)


def test_it_is_listed_with_its_last_runs_and_what_is_outdated(older: Older) -> None:
    listed = older.run("ls").out
    assert listed.count("last run: success") == 2
    assert listed.count("its step is version") >= 2
    assert "pools:" in (older.layout.dagster_home / "dagster.yaml").read_text()


def test_it_answers_queries(older: Older) -> None:
    answer = older.run("query", _N_CELLS).out
    assert [re.findall(r"\w+", line) for line in answer.splitlines() if "60" in line] == [
        ["atlas", "60"],
        ["own", "60"],
    ]


def test_a_refresh_tick_asks_for_what_is_missing_or_outdated_and_fetches_nothing(older: Older) -> None:
    asked = older.tick()
    assert isinstance(asked, dg.SensorResult)
    (request,) = asked.run_requests or []
    assert (request.partition_key, request.tags[WHY]) == (_DISCOVERED, "unfinished")
    assert dg.AssetKey("cell_metadata") in (request.asset_selection or ())
    assert dg.AssetKey("raw_h5ad") not in (request.asset_selection or ())


def test_a_build_renews_them_and_no_cell_changes_its_side(older: Older) -> None:
    sides = older.sides()
    sources = {path: path.stat().st_mtime_ns for path in older.layout.raw.glob("*.h5ad")}
    older.run("build", "--outdated")
    assert older.sides() == sides
    assert {path: path.stat().st_mtime_ns for path in sources} == sources
    again = older.run("build", "--outdated").out
    assert again.count("everything is built, and nothing is outdated") == 2
    settled = older.tick()
    assert isinstance(settled, dg.SensorResult)
    assert settled.run_requests == []
    assert json.loads(settled.cursor or "{}")["state"] is not None


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.partition(".")[0])
def archived(request: pytest.FixtureRequest, tmp_path: Path, discover_url: str) -> Older:
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    return Older(Layout(tmp_path / "lake"), discover_url)


def test_a_lake_of_an_earlier_commit_says_what_is_outdated_and_builds_that_alone(archived: Older) -> None:
    layout, sides = archived.layout, archived.sides()
    listed = archived.run("ls").out
    assert "last run: success" in listed
    (cells,) = [line for line in archived.run("query", _N_CELLS).out.splitlines() if _DISCOVERED in line]
    assert "24" in cells
    asked = archived.tick()
    assert isinstance(asked, dg.SensorResult)
    (request,) = asked.run_requests or []
    assert (request.partition_key, request.tags[WHY]) == (_DISCOVERED, "unfinished")
    assert dg.AssetKey("raw_h5ad") not in (request.asset_selection or ())

    dataset = Dataset(layout, _DISCOVERED, read_settings(layout))
    before = {name: state for name, state in dataset.state().items() if name in upstream(["train_test"])}
    stale = [name for name, state in before.items() if state.standing != "built"]
    kept = {
        path: path.stat().st_ino
        for name in before.keys() - {*stale}
        for path in layout.places(name, _DISCOVERED)
        if path.exists() and name != "train_test"  # that is asked for, and so is built
    }
    assert layout.raw_h5ad(_DISCOVERED) in kept
    for name in stale:
        if before[name].standing == "outdated":
            assert re.search(rf"{name}\b.*", listed), f"{name} is outdated, and c2s ls does not say so"
    said = archived.run("build", "--outdated", _DISCOVERED, "--only", "train_test").out
    assert set(re.findall(r"^  (\w+) .* s$", said, re.MULTILINE)) == {*stale, "train_test"}
    assert {path: path.stat().st_ino for path in kept} == kept
    assert archived.sides() == sides
    assert not [name for name in before if dataset.state()[name].standing != "built"]
