"""Several workers build one lake, with runs in Postgres and a queue in Redis, as `deploy/` has it."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from c2s_assets.schemas.registry import SPLIT_PLAN
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import debris, files_below
from c2s_assets_tests.end_to_end.running_ui import Ui, built, members, running_ui, runs, wait_until
from c2s_assets_tests.requiring import require_programs
from c2s_assets_tests.toy import make_lake

require_programs("initdb", "redis-server")
pytest.importorskip("dagster_celery", reason="the extra cluster is not installed")
psycopg2 = pytest.importorskip("psycopg2", reason="the extra cluster is not installed")

if TYPE_CHECKING:
    from c2s_assets_tests.end_to_end.running_cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.waits]

_NAMES = ("one", "two")
_N_CELLS = 120
_PARTITIONS = '{assetNodeOrError(assetKey: {path: ["raw_h5ad"]}) {... on AssetNode {partitionKeys}}}'
_TICKS = (
    "{repositoriesOrError {... on RepositoryConnection {nodes {sensors "
    "{name sensorState {ticks(limit: 5) {status}}}}}}}"
)
_LEFT = "select version_num, (select count(*) from runs) from alembic_version"
_STARTED = "{runsOrError(filter: {statuses: [STARTED]}) {... on Runs {results {runId}}}}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[Cluster, Ui]]":
    """Two workers, and two datasets to build."""
    from c2s_assets_tests.end_to_end.running_cluster import drop_unrelated, running_cluster

    layout = make_lake(tmp_path_factory.mktemp("cluster"))
    drop_unrelated(layout, _NAMES, n_obs=_N_CELLS)
    with running_cluster(layout, n_workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def alone_lake(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake of the same datasets, built on one machine, with runs in SQLite."""
    from c2s_assets_tests.end_to_end.running_cluster import drop_unrelated

    layout = make_lake(tmp_path_factory.mktemp("alone"))
    drop_unrelated(layout, _NAMES, n_obs=_N_CELLS)
    said = c2s("build", *_NAMES, lake=layout.root)
    assert said.status == 0, said.err
    return layout


def test_what_a_lost_machine_was_building_is_built_by_another_as_one_machine_alone_builds_it(
    alone_lake: Layout, cluster: "tuple[Cluster, Ui]"
) -> None:
    machines, ui = cluster
    wait_until(lambda: machines.find_busy() is not None, seconds=300)
    lost = machines.find_busy()
    assert lost is not None
    machines.kill_worker(lost)
    wait_until(lambda: built(ui) == set(_NAMES), seconds=600)
    assert "FAILURE" in [status for _, status in runs(ui)]
    assert debris(machines.layout) == []
    for name in _NAMES:
        assert _tables(machines.layout, name) == _tables(alone_lake, name)


@pytest.mark.parametrize(("name", "is_deaf"), [("asked", False), ("stopped", True)])
def test_a_run_that_is_terminated_in_the_ui_ends_and_its_worker_goes_on(
    cluster: "tuple[Cluster, Ui]", name: str, is_deaf: bool
) -> None:
    """It waits for a lock, so that it cannot end by itself; one that is deaf to being asked is killed."""
    from c2s_assets_tests.end_to_end.running_cluster import drop_unrelated

    machines, ui = cluster
    [worker] = machines.workers
    with alone(machines.layout, SPLIT_PLAN):
        drop_unrelated(machines.layout, [name], n_obs=_N_CELLS)
        wait_until(lambda: (name, "STARTED") in runs(ui), seconds=300)
        [child] = machines.building()
        if is_deaf:
            os.kill(child, signal.SIGSTOP)
        [run] = ui.ask(_STARTED)["runsOrError"]["results"]
        said = ui.ask(f'mutation {{terminateRun(runId: "{run["runId"]}") {{__typename}}}}')
        assert said == {"terminateRun": {"__typename": "TerminateRunSuccess"}}
        wait_until(lambda: (name, "CANCELED") in runs(ui), seconds=120)
        wait_until(lambda: child not in machines.building(), seconds=60)
        if is_deaf:
            wait_until(lambda: child not in members(worker), seconds=60)
    wait_until(lambda: len(members(worker)) > 1, seconds=60)
    assert worker.poll() is None


def test_a_lake_of_one_machine_is_carried_over_to_postgres_as_it_is(
    alone_lake: Layout, cluster: "tuple[Cluster, Ui]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an operator does it, into a database that knows nothing: runs are left behind, tables are not."""
    from c2s_assets_tests.end_to_end.running_cluster import DEPLOY

    machines, _ = cluster
    monkeypatch.setenv("C2S_POSTGRES", _new_database(machines.postgres.address, "carried"))
    before = files_below(alone_lake.datasets) | files_below(alone_lake.raw)
    shutil.copy(DEPLOY / "dagster.yaml", alone_lake.dagster_home)
    with running_ui(alone_lake) as ui:
        wait_until(lambda: min(_n_ticks(ui, sensor) for sensor in ("inbox", "refresh")) >= 2, seconds=300)
        assert sorted(ui.ask(_PARTITIONS)["assetNodeOrError"]["partitionKeys"]) == sorted(_NAMES)
        assert runs(ui) == []
    said = c2s("build", "--outdated", lake=alone_lake.root)
    assert (said.status, said.out.count("everything is built, and nothing is outdated")) == (0, 2), said.err
    assert files_below(alone_lake.datasets) | files_below(alone_lake.raw) == before


def test_a_postgres_of_a_newer_dagster_is_named_and_left_as_it_is(
    tmp_path: Path, cluster: "tuple[Cluster, Ui]", monkeypatch: pytest.MonkeyPatch
) -> None:
    from c2s_assets_tests.end_to_end.running_cluster import DEPLOY

    machines, _ = cluster
    layout = make_lake(tmp_path)
    layout.dagster_home.mkdir(parents=True)
    shutil.copy(DEPLOY / "dagster.yaml", layout.dagster_home)
    address = _new_database(machines.postgres.address, "newer")
    monkeypatch.setenv("C2S_POSTGRES", address)
    assert c2s("ls", lake=layout.root).status == 0
    _execute(address, "update alembic_version set version_num = 'f00dfacecafe'")
    before = _execute(address, _LEFT)
    said = c2s("build", "--outdated", lake=layout.root)
    assert said.status == 1
    assert _execute(address, _LEFT) == before == [("f00dfacecafe", 0)]
    assert "the Postgres of runs and events was written by a newer Dagster (schema f00dfacecafe" in said.err


def _new_database(address: str, name: str) -> str:
    """Make a database beside another; the address of the new one."""
    _execute(address, f"create database {name}")
    return f"{address.rpartition('/')[0]}/{name}"


def _execute(address: str, statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(address.replace("+psycopg2", ""))
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        return [] if cursor.description is None else list(cursor.fetchall())


def _n_ticks(ui: Ui, sensor: str) -> int:
    [repository] = ui.ask(_TICKS)["repositoriesOrError"]["nodes"]
    return sum(len(one["sensorState"]["ticks"]) for one in repository["sensors"] if one["name"] == sensor)


def _tables(layout: Layout, name: str) -> dict[str, bytes]:
    """The files of a dataset without its record and its page, of which tests draw no picture."""
    found = files_below(layout.dataset(name))
    return {path: content for path, content in found.items() if path not in ("report.html", "record.json")}
