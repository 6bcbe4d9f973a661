"""Files come to the inbox of a running `c2s ui`, not as one would wish; lakes vanish, runs are terminated."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2s_assets.core.settings import DatasetsFile
from c2s_assets.storage.dataset import Dataset
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import debris
from c2s_assets_tests.end_to_end.running_ui import (
    RUN,
    Ui,
    built,
    processes,
    running_ui,
    runs,
    wait_for_runs,
    wait_until,
)
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake, write_toy_h5ad

pytestmark = [pytest.mark.slow, pytest.mark.waits]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    with running_ui(make_lake(tmp_path_factory.mktemp("ui"))) as found:
        yield found


def _said_of(ui: Ui, dataset_id: str) -> str:
    """What `c2s ls` says of a dataset."""
    lines = c2s("ls", lake=ui.layout.root).out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(f"{dataset_id} "))
    rest = [line for line in lines[first + 1 :] if line.startswith(" ")]
    return "\n".join([lines[first], *rest])


def _n_cells(ui: Ui, dataset_id: str) -> int | None:
    cells = Dataset(ui.layout, dataset_id, DatasetsFile()).record().built.get("cell_metadata")
    return cells and cells.n_rows


def _ticks(ui: Ui) -> str:
    """What the last ticks of the sensor say."""
    data = ui.ask(
        '{sensorOrError(sensorSelector: {sensorName: "inbox", repositoryName: "__repository__", '
        'repositoryLocationName: "c2s_assets.definitions"}) '
        "{... on Sensor {sensorState {ticks(limit: 20) {skipReason}}}}}"
    )
    return " ".join(str(tick["skipReason"]) for tick in data["sensorOrError"]["sensorState"]["ticks"])


def test_a_file_that_stalls_half_way_is_refused_and_built_once_it_is_whole(ui: Ui, tmp_path: Path) -> None:
    whole = write_toy_h5ad(tmp_path / "whole.h5ad", n_obs=200, n_axes=EMBEDDINGS).read_bytes()
    waiting = ui.layout.inbox_h5ad("half")
    waiting.write_bytes(whole[: len(whole) // 2])
    wait_until(lambda: ("half", "FAILURE") in runs(ui), seconds=600)
    assert "half.h5ad" in _said_of(ui, "half")
    assert "is not a complete HDF5 file" in _said_of(ui, "half")
    wait_until(lambda: "half: its file was refused, see its last run" in _ticks(ui), seconds=300)
    waiting.write_bytes(whole)
    wait_until(lambda: "half" in built(ui), seconds=600)
    assert _n_cells(ui, "half") == 200


def test_one_that_is_deleted_leaves_the_list_and_one_that_is_replaced_is_built_anew(
    ui: Ui, tmp_path: Path
) -> None:
    names = ("first", "newer", "third")
    for seed, name in enumerate(names):
        write_toy_h5ad(tmp_path / f"{name}.h5ad", n_obs=300, n_axes=EMBEDDINGS, seed=seed)
    for name in names:  # whole, so that no look finds one half-written and asks for it later than the others
        (tmp_path / f"{name}.h5ad").rename(ui.layout.inbox_h5ad(name))
    wait_until(lambda: {("first", "STARTED"), ("newer", "STARTED")} <= set(runs(ui)), seconds=600)
    ui.layout.inbox_h5ad("third").unlink()
    wait_until(lambda: not ui.layout.inbox_h5ad("newer").exists(), seconds=300)
    newer = write_toy_h5ad(tmp_path / "newer.h5ad", n_obs=310, n_axes=EMBEDDINGS, seed=9)
    newer.rename(ui.layout.inbox_h5ad("newer"))
    wait_until(lambda: runs(ui).count(("newer", "SUCCESS")) == 2, seconds=300)
    wait_until(lambda: ("third", "FAILURE") in runs(ui), seconds=300)
    assert _n_cells(ui, "newer") == 310
    wait_until(
        lambda: "third" not in c2s("ls", lake=ui.layout.root).out, seconds=300
    )  # nothing is left of it
    assert [status for dataset_id, status in runs(ui) if dataset_id == "third"] == ["FAILURE"]


def test_a_lake_that_vanishes_for_a_while_is_served_again_when_it_is_back(ui: Ui) -> None:
    root = ui.layout.root
    elsewhere = root.rename(root.with_name("elsewhere"))
    time.sleep(30)  # two ticks at least
    said = c2s("ls", lake=root)
    # Dagster makes its folders anew, and empty, if it opens them at the very moment at which the lake goes.
    of_dagster = ui.layout.dagster_home
    is_left_alone = all(path.is_dir() and path.is_relative_to(of_dagster) for path in root.rglob("*"))
    shutil.rmtree(root, ignore_errors=True)
    elsewhere.rename(root)
    assert is_left_alone, "something was written where the lake had been"
    assert said.status == 1
    assert "there is no lake in" in said.err
    drop_toy_h5ad(ui.layout, "after", n_obs=120, n_axes=EMBEDDINGS)
    wait_until(lambda: "after" in built(ui), seconds=600)
    assert ui.process.poll() is None
    assert debris(ui.layout) == []


def test_a_run_that_is_terminated_in_the_ui_ends(ui: Ui) -> None:
    drop_toy_h5ad(ui.layout, "long", n_obs=4000)  # not built before it is terminated
    wait_for_runs(ui, 1)
    (run,) = ui.ask("{runsOrError(limit: 1) {... on Runs {results {runId}}}}")["runsOrError"]["results"]
    ui.ask(f'mutation {{terminateRun(runId: "{run["runId"]}") {{__typename}}}}')
    wait_until(lambda: ("long", "CANCELED") in runs(ui), seconds=300)
    wait_until(lambda: processes(ui, RUN) == [], seconds=60)
