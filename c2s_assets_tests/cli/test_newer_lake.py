"""A lake that a newer version wrote is refused with words, and nothing of it is changed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.defs.automation.inbox import inbox
from c2s_assets.defs.automation.refresh import refresh
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.discover import Listing
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.inbox import taken_arrival
from c2s_assets.storage.tables.parquet import write_table
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import files_below
from c2s_assets_tests.toy import make_lake


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_lake(tmp_path_factory.mktemp("newer"), "toy")
    assert c2s("build", "toy", "--only", "dataset_profile", lake=layout.root).status == 0
    record = layout.record("toy")
    of_later = json.loads(record.read_text()) | {"version": 2, "something": "new"}
    record.write_text(json.dumps(of_later))
    return layout


@pytest.mark.parametrize(
    "command",
    [
        *(["ls"], ["show", "toy"], ["build", "toy"], ["build", "--outdated"], ["health"], ["ui"], ["select"]),
        *(["query", "select 1"], ["rm", "toy", "--yes"], ["mv", "toy", "other"], ["path", "toy", "raw_h5ad"]),
    ],
    ids=" ".join,
)
def test_it_is_said_and_left_as_it_is(newer: Layout, command: list[str]) -> None:
    before = files_below(newer.datasets)
    said = c2s(*command, lake=newer.root)
    assert "was written by a newer c2s_assets (form 2 of records; this one knows 1)." in said.out + said.err
    assert "Update c2s_assets here" in said.out + said.err
    assert said.status == (0 if command == ["ls"] else 1)
    assert files_below(newer.datasets) == before
    assert not newer.catalogue.exists()
    assert newer.raw_h5ad("toy").exists()


def test_no_sensor_asks_for_builds_of_it(newer: Layout) -> None:
    newer.settings.write_text("cellxgene: {min_cells: 0}")
    write_table(newer.listing, frame_schema(Listing).to_frame(), schema=arrow_schema(Listing))
    arrived = taken_arrival(newer, "toy")
    assert arrived is not None
    store = Store(root=str(newer.root))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("datasets", ["toy"])
        context = dg.build_sensor_context(instance=instance, resources={"store": store})
        refreshed = refresh(context)
        cursor = json.dumps({"toy": f"wanted {arrived.version}"})
        context = dg.build_sensor_context(instance=instance, resources={"store": store}, cursor=cursor)
        taken = inbox(context)
    assert isinstance(refreshed, dg.SkipReason)
    assert "was written by a newer c2s_assets" in str(refreshed.skip_message)
    assert isinstance(taken, dg.SensorResult)
    assert not taken.run_requests


@pytest.mark.parametrize("file", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_a_database_of_a_newer_dagster_is_named_and_left_as_it_is(tmp_path: Path, file: str) -> None:
    layout = make_lake(tmp_path)
    assert c2s("ls", lake=layout.root).status == 0
    database = layout.dagster_home / file
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("update alembic_version set version_num = 'f00dfacecafe'")
    before = database.read_bytes()
    said = c2s("build", "--outdated", lake=layout.root)
    assert said.status == 1
    assert f"{database} was written by a newer Dagster (schema f00dfacecafe, which Dagster" in said.err
    assert database.read_bytes() == before
