"""`health_report` and `c2s health`, on a lake with a dataset of which nothing is built."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.events import JobFailureData, RunFailureReason

from c2s_assets.defs.automation.inbox import ARRIVAL
from c2s_assets.defs.health import look_at_health
from c2s_assets.defs.service import register
from c2s_assets.schemas.health import Health
from c2s_assets.schemas.registry import wanted_tables
from c2s_assets.schemas.violations import violations
from c2s_assets.storage.sources.inbox import look_into_inbox
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import Workshop, open_workshop
from c2s_assets_tests.defs.test_catalogue import put_listing
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A lake with a file of which nothing is built, and a report on it."""
    layout = make_lake(tmp_path_factory.mktemp("health"))
    drop_toy_h5ad(layout, "toy")
    with open_workshop(layout) as workshop:
        register(workshop.instance, "toy")
        assert _materialize(workshop)
        yield workshop


def test_the_report_says_of_a_dataset_how_it_stands_and_why(workshop: Workshop) -> None:
    report = pl.read_parquet(workshop.layout.health_report)
    assert violations(report, Health).is_empty()
    (row,) = report.to_dicts()
    assert (row["dataset_id"], row["standing"], row["hours_stale"]) == ("toy", "never built", 0)
    assert row["outdated"] == wanted_tables()
    assert row["why"] == ["nothing of it was built yet"]


def test_a_later_look_knows_since_when(workshop: Workshop) -> None:
    later = datetime.now(UTC) + timedelta(hours=40)
    (row,) = look_at_health(workshop.instance, workshop.layout, now=later).to_dicts()
    assert row["hours_stale"] == pytest.approx(40, abs=0.5)


def test_a_file_of_the_inbox_that_rests_after_a_failure_has_its_next_try(workshop: Workshop) -> None:
    """In an instance of its own, which knows one run that failed."""
    layout, now = workshop.layout, datetime.now(UTC)
    waiting, _ = look_into_inbox(layout)
    job = workshop.definitions.resolve_job_def("build_dataset")
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {ARRIVAL: waiting["toy"].version, "dagster/partition": "toy"}
        run = instance.create_run_for_job(job, tags=tags)
        why = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)
        instance.report_run_failed(run, "the disk was full", why)
        (row,) = look_at_health(instance, layout, now=now).to_dicts()
    minutes = (datetime.fromisoformat(row["next_try_at"]) - now).total_seconds() / 60
    assert minutes == pytest.approx(10, abs=1)


def test_the_command_names_what_is_stale_and_ends_with_1_if_it_is_for_too_long(workshop: Workshop) -> None:
    lake = workshop.layout.root
    said = c2s("health", lake=lake)
    assert (said.status, said.err) == (0, "")
    assert "toy " in said.out
    assert "never built for 0 h   nothing of it was built yet" in said.out
    assert json.loads(c2s("health", "--json", lake=lake).out)[0]["standing"] == "never built"
    _age_report(workshop.layout.health_report)
    said = c2s("health", lake=lake)
    assert said.status == 1
    assert "1 of 1 datasets are stale for more than 36 hours: toy, never built for" in said.err


def test_what_is_selected_of_discover_and_not_fetched_is_told(workshop: Workshop) -> None:
    h5ad = {"filetype": "H5AD", "filesize": 2_000, "url": "https://datasets.example.org/a.h5ad"}
    put_listing(workshop.layout, "selected", "other", assets=[h5ad])
    workshop.layout.settings.write_text("cellxgene: {datasets: [selected]}\n")
    rows = look_at_health(workshop.instance, workshop.layout, now=datetime.now(UTC))
    standings = dict(rows.select("dataset_id", "standing").iter_rows())
    assert standings == {"selected": "not fetched", "toy": "never built"}
    assert rows.filter(dataset_id="selected")["listed_version"].null_count() == 0


def _age_report(path: Path) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat(timespec="seconds")
    pl.read_parquet(path).with_columns(stale_since=pl.lit(long_ago)).write_parquet(path)


def _materialize(workshop: Workshop) -> bool:
    job = workshop.definitions.resolve_job_def("report_health")
    return job.execute_in_process(instance=workshop.instance).success
