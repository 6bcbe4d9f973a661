"""Eight whole builds at once, beside a catalogue that is renewed and readers of it, each a process."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.defs.service import build
from c2s_assets.schemas.documents import ValidationReport
from c2s_assets.schemas.registry import shown, wanted_tables
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import debris, files_below, open_workshop
from c2s_assets_tests.end_to_end import racing
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

pytestmark = pytest.mark.slow

# Cells of each dataset, so that none can be taken for another.
N_CELLS = {f"d{number}": 40 + 8 * number for number in range(8)}
READERS = ("query", "duckdb")
_CATALOGUED = [declared.name for declared in shown() if declared.is_default]
_SECONDS = 240.0  # for each step, on a machine with much else to do
_PROBLEM = re.compile(r"Traceback|locked|[Ll]ock on|Conflicting|Error\b")


class Race:
    """Processes that are made ready one by one and begin together."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self._layout, self._folder = layout, folder
        self._processes: dict[str, BaseProcess] = {}
        folder.mkdir()

    def start(self, roles: Mapping[str, Sequence[str]]) -> None:
        """Start processes by name, each to play a role."""
        environ = environment(self._layout.root)
        for name, role in roles.items():
            process = racing.FORKS.Process(
                target=racing.play, args=(self._folder, name, role), kwargs={"environ": environ}
            )
            process.start()
            self._processes[name] = process

    def wait_until_ready(self) -> None:
        """Wait until all that were started have imported what they need."""
        deadline = time.monotonic() + _SECONDS
        while not all((self._folder / f"ready-{name}").exists() for name in self._processes):
            assert time.monotonic() < deadline
            for name, process in self._processes.items():
                assert process.is_alive(), self.said(name)
            time.sleep(0.01)

    def begin(self) -> None:
        """Let all begin."""
        (self._folder / "go").touch()

    def stop(self, name: str) -> int:
        """Let one that goes round and round end, after one more round, and return its status."""
        (self._folder / f"stop-{name}").touch()
        return self.end(name)

    def end(self, name: str) -> int:
        """Wait for one, and return its status."""
        process = self._processes[name]
        process.join(timeout=_SECONDS)
        assert process.exitcode is not None, self.said(name)
        return process.exitcode

    def said(self, name: str) -> str:
        """All that it has written."""
        files = (racing.output_of(self._folder, name), racing.errors_of(self._folder, name))
        return "".join(file.read_text() for file in files if file.exists())

    def answers(self, name: str) -> list[list[list[object]]]:
        """What it has answered in each round."""
        return [json.loads(line) for line in racing.output_of(self._folder, name).read_text().splitlines()]

    def kill(self) -> None:
        """End those that still run."""
        for process in self._processes.values():
            if process.is_alive():
                process.kill()
                process.join(timeout=30)


@contextmanager
def race(layout: Layout, folder: Path) -> Iterator[Race]:
    found = Race(layout, folder)
    try:
        yield found
    finally:
        found.kill()


def drop(layout: Layout, dataset_id: str) -> None:
    """Put a dataset of no collection into the inbox: in one, who is built first decides of shared donors."""
    number, n_obs = list(N_CELLS).index(dataset_id), N_CELLS[dataset_id]
    drop_toy_h5ad(layout, dataset_id, n_obs=n_obs, n_axes=EMBEDDINGS, seed=number, uns={"citation": None})


def test_eight_builds_at_once_disturb_neither_each_other_nor_the_catalogue_nor_its_readers(
    tmp_path: Path,
) -> None:
    layout, alone = make_lake(tmp_path), make_lake(tmp_path / "alone")
    for dataset_id in N_CELLS:
        drop(layout, dataset_id)
    drop(alone, "d0")

    with race(layout, tmp_path / "race") as racers:
        racers.start({"catalogue": ["catalogue"]})
        with open_workshop(alone) as workshop:  # on the core that is still free
            assert build(workshop.instance, workshop.definitions, "d0", assets=wanted_tables()).succeeded
        racers.wait_until_ready()
        racers.start({name: [name] for name in READERS})
        racers.start({name: ["c2s", "build", name] for name in N_CELLS})
        racers.wait_until_ready()
        racers.begin()
        statuses = {name: racers.end(name) for name in N_CELLS}
        # The catalogue first, so that the last answers are of all that was built.
        statuses |= {name: racers.stop(name) for name in ("catalogue", *READERS)}
        said = {name: racers.said(name) for name in statuses}
        answers = {name: racers.answers(name) for name in READERS}
        renewals = racers.answers("catalogue")

    assert set(statuses.values()) == {0}, said
    assert [text for text in said.values() if _PROBLEM.search(text)] == []
    assert len(renewals) > 2
    assert [renewal for renewal in renewals if renewal != [True, []]] == []
    assert _n_built_at_once(layout) == len(N_CELLS)
    for name in READERS:
        _check_answers(answers[name])
    assert files_below(layout.dataset("d0")) == files_below(alone.dataset("d0"))
    for dataset_id in N_CELLS:
        _check_whole(layout, dataset_id)
    assert debris(layout) == []


def _n_built_at_once(layout: Layout) -> int:
    """The most builds that Dagster saw running at one moment; none of its runs may have failed."""
    with dg.DagsterInstance.from_config(str(layout.dagster_home)) as instance:
        runs = instance.get_run_records()
    assert {run.dagster_run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    builds = [run for run in runs if run.dagster_run.job_name == "build_dataset"]
    assert sorted(run.dagster_run.tags["dagster/partition"] for run in builds) == sorted(N_CELLS)
    spans = [(run.start_time or 0.0, run.end_time or 0.0) for run in builds]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def _check_answers(answers: list[list[list[object]]]) -> None:
    """Every table is whole or absent in every answer, as the catalogue says, and never goes away again."""
    seen: dict[str, set[str]] = {}
    for answer in answers:
        shown = {}
        for dataset_id, n_cells, tables, n_rows, n_sentences, n_splits, *totals in answer:
            assert n_cells == n_rows == N_CELLS[dataset_id]
            assert n_sentences == ("cell_sentences" in tables) * n_cells
            assert n_splits == ("split_manifest" in tables) * 4
            assert totals == [sum(row[3] for row in answer), sum(row[4] for row in answer)]
            shown[dataset_id] = set(tables)
        for dataset_id, tables in seen.items():
            assert tables <= shown.get(dataset_id, set())
        seen = shown
    assert seen == {dataset_id: set(_CATALOGUED) for dataset_id in N_CELLS}
    assert len({str(answer) for answer in answers}) > 2, "the catalogue was renewed while they read"


def _check_whole(layout: Layout, dataset_id: str) -> None:
    """Every asset of a dataset is there, made of its own source."""
    report = read_document(layout.validation_report(dataset_id), ValidationReport)
    built = {asset.asset for asset in report.assets if asset.state == "built"}
    assert built == {*wanted_tables()} - {"validation_report"}
    n_cells = N_CELLS[dataset_id]
    folder = layout.dataset(dataset_id)
    for table in ("expression", "cell_sentences", "projections"):
        for path in (folder / table).iterdir():
            cell_ids = pl.read_parquet(path, columns=["cell_id"])["cell_id"]
            assert cell_ids.to_list() == [f"cell_{row:04d}" for row in range(n_cells)], path
    sides = pl.read_parquet([*folder.glob("train/*.parquet"), *folder.glob("test/*.parquet")])
    assert sorted(sides["cell_id"]) == [f"cell_{row:04d}" for row in range(n_cells)]
    assert set(sides["dataset_id"]) == {dataset_id}
