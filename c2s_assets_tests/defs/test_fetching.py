"""`raw_h5ad` of datasets that CELLxGENE Discover offers, from a local one that misbehaves."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.defs.progress import download_progress
from c2s_assets.defs.service import open_instance
from c2s_assets.schemas.documents import Provenance
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.provenance import read_provenance
from c2s_assets_tests.defs.building import Workshop, open_workshop
from c2s_assets_tests.discover import Fault, LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits, skip_retry_waits
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad


@dataclass
class Source:
    """A Discover with one dataset, `atlas`, and a lake that selects it."""

    discover: LocalDiscover
    workshop: Workshop
    h5ad: Path
    waits: list[float]

    @property
    def layout(self) -> Layout:
        return self.workshop.layout

    @property
    def path(self) -> str:
        """Where the newest version is on the server."""
        return self.discover.h5ad_path("atlas")

    def look(self) -> None:
        job = self.workshop.definitions.resolve_job_def("list_cellxgene")
        assert job.execute_in_process(instance=self.workshop.instance).success

    def fetch(self) -> dg.ExecuteInProcessResult:
        """Materialize `raw_h5ad`."""
        job = self.workshop.definitions.resolve_job_def("build_dataset")
        self.workshop.instance.add_dynamic_partitions("datasets", ["atlas"])
        return job.get_subset(asset_selection={dg.AssetKey("raw_h5ad")}).execute_in_process(
            instance=self.workshop.instance, partition_key="atlas", raise_on_error=False
        )

    def held(self) -> Provenance:
        return read_provenance(self.layout, dataset_id="atlas")

    def arrived(self) -> list[str]:
        """Files that a fetch has left behind."""
        folder = self.layout.download("atlas").parent
        return sorted(path.name for path in folder.glob("*"))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    waits = record_waits(monkeypatch)
    skip_retry_waits(monkeypatch)
    layout = make_lake(tmp_path)
    layout.settings.write_text("cellxgene: {datasets: [atlas]}")
    h5ad = write_toy_h5ad(tmp_path / "atlas.h5ad", n_obs=400, n_vars=200)
    with serve_discover() as discover, open_workshop(layout, cellxgene_url=discover.url) as workshop:
        discover.add("atlas", h5ad)
        found = Source(discover, workshop, h5ad, waits)
        found.look()
        yield found


def _failure(result: dg.ExecuteInProcessResult) -> str:
    found = result.failure_data_for_node("raw_h5ad")
    assert found is not None
    return str(found.user_failure_data.description if found.user_failure_data else found.error)


def test_the_version_on_offer_becomes_the_source_with_where_it_came_from(source: Source) -> None:
    result = source.fetch()

    assert result.success
    held = source.held()
    assert source.layout.raw_h5ad("atlas").read_bytes() == source.h5ad.read_bytes()
    assert held.url == f"{source.discover.url}{source.path}"
    assert f"/h5ad/{held.dataset_version_id}.h5ad" == source.path
    assert held.etag
    assert held.retrieved_at
    assert held.size_bytes == source.h5ad.stat().st_size
    shown = result.asset_materializations_for_node("raw_h5ad")[0].metadata
    assert shown["dataset_version_id"].value == held.dataset_version_id
    assert source.arrived() == []


def test_a_version_that_is_there_is_verified_and_not_fetched_again(source: Source) -> None:
    source.fetch()
    assert source.fetch().success
    assert source.discover.n_requests[source.path] == 1


def test_a_new_version_takes_the_place_of_the_old_one(source: Source, tmp_path: Path) -> None:
    source.fetch()
    version = source.discover.revise("atlas", write_toy_h5ad(tmp_path / "new.h5ad", seed=1))
    assert source.fetch().success
    assert source.held().dataset_version_id != version  # the listing does not know of it yet
    source.look()
    assert source.fetch().success
    assert source.held().dataset_version_id == version


@pytest.mark.parametrize("fault", ["busy", "broken", "cut"])
def test_a_server_that_fails_for_a_moment_is_asked_again(source: Source, fault: Fault) -> None:
    source.discover.misbehave(source.path, fault, n_times=2, retry_after="7")
    assert source.fetch().success
    assert source.layout.raw_h5ad("atlas").read_bytes() == source.h5ad.read_bytes()
    assert source.discover.n_sent[source.path] == source.h5ad.stat().st_size  # no byte is sent twice
    assert source.discover.n_requests[source.path] == 3
    assert source.waits == ([8, 9] if fault == "busy" else [1, 2])
    assert source.arrived() == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [("short", "bytes were announced"), ("html", "(type: text/html) where"), ("broken", "answered 500")],
)
def test_what_goes_on_going_wrong_is_told_and_the_old_version_stays(
    source: Source, tmp_path: Path, fault: Fault, message: str
) -> None:
    source.fetch()
    old = source.held()
    source.discover.revise("atlas", write_toy_h5ad(tmp_path / "new.h5ad", seed=1))
    source.look()
    source.discover.misbehave(source.path, fault, n_times=1000)
    result = source.fetch()

    assert not result.success
    assert message in _failure(result)
    assert _failure(result).startswith("dataset atlas: ")
    assert source.held() == old
    assert source.layout.raw_h5ad("atlas").read_bytes() == source.h5ad.read_bytes()
    assert source.arrived() == []
    n_retries = sum(event.is_step_up_for_retry for event in result.all_events)
    assert n_retries == (2 if fault == "broken" else 0)


def test_a_fetch_that_was_given_up_goes_on_in_the_next_run(source: Source) -> None:
    """Each try is cut at 40 % of the rest: after two runs less is sent than the file twice."""
    source.discover.misbehave(source.path, "cut", n_times=15)
    failed = source.fetch()
    n_sent = source.discover.n_sent[source.path]
    assert not failed.success
    assert 0 < n_sent < source.h5ad.stat().st_size
    assert source.arrived() == ["atlas.h5ad.part", "atlas.h5ad.part.json"]
    assert source.fetch().success
    assert source.discover.n_sent[source.path] == source.h5ad.stat().st_size
    assert source.layout.raw_h5ad("atlas").read_bytes() == source.h5ad.read_bytes()
    assert source.arrived() == []


def test_a_file_of_the_right_size_that_is_no_h5ad_is_refused_for_good(source: Source) -> None:
    source.discover.revise("atlas", b"x" * 5000)
    source.look()
    result = source.fetch()
    assert "atlas.h5ad (5,000 bytes) is a text that begins with 'xxxx" in _failure(result)
    assert [check.passed for check in result.get_asset_check_evaluations()] == [False]
    assert source.discover.n_requests[source.path] == 1
    assert source.arrived() == []


def test_a_dropped_file_comes_first(source: Source) -> None:
    drop_toy_h5ad(source.layout, "atlas", seed=5)
    assert source.fetch().success
    assert source.held().dataset_version_id is None
    assert source.discover.n_requests[source.path] == 0


def _deselect(source: Source) -> None:
    source.layout.settings.write_text("cellxgene: {tissue: [nowhere]}")


def _forget(source: Source) -> None:
    source.layout.listing.unlink()


@pytest.mark.parametrize("change", [_deselect, _forget], ids=["not selected", "no listing"])
def test_what_is_not_on_offer_is_not_fetched(source: Source, change: Callable[[Source], None]) -> None:
    change(source)
    result = source.fetch()
    assert "there is no file for it" in _failure(result)
    assert source.discover.n_requests[source.path] == 0


def test_a_damaged_source_is_fetched_again(source: Source) -> None:
    source.fetch()
    source.layout.raw_h5ad("atlas").write_bytes(b"damaged")
    assert source.fetch().success
    assert source.layout.raw_h5ad("atlas").read_bytes() == source.h5ad.read_bytes()


def test_downloads_wait_for_a_place_in_their_pool(source: Source) -> None:
    graph = source.workshop.definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey("raw_h5ad")).pools == {"downloads"}


def test_two_files_are_fetched_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    with open_instance(Layout(tmp_path)) as instance:
        places = instance.event_log_storage
        places.initialize_concurrency_limit_to_default("downloads")  # as Dagster does before a step
        claims = [places.claim_concurrency_slot("downloads", f"run {n}", "raw_h5ad") for n in range(3)]
    assert [claim.is_claimed for claim in claims] == [True, True, False]


def test_progress_is_logged_at_the_end_and_not_with_every_piece(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test")
    with caplog.at_level(logging.INFO, logger="test"):
        arrived = download_progress(log)
        for n_bytes in (10**6, 2 * 10**6, 4 * 10**6):
            arrived(n_bytes, 4 * 10**6)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("4.0 of 4.0 MB have arrived, ")
