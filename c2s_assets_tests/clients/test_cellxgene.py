"""The client of CELLxGENE Discover against the local one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from c2s_assets.clients.cellxgene import DISCOVER_URL, Discover, Records
from c2s_assets.core.discover.assets import H5adAsset, h5ad_asset
from c2s_assets.core.errors import BusyServerError, DownloadError, InvalidDatasetIdError
from c2s_assets_tests.clients.answering import Reply, answering
from c2s_assets_tests.discover import COLLECTIONS, DATASETS, MALFORMED, serve_discover
from c2s_assets_tests.serving import record_waits

CATALOGUE = Path(__file__).parents[3] / "shared" / "data" / "cellxgene_catalogue_2025-11.parquet"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("NO_PROXY", "*")
    return record_waits(monkeypatch)


def _datasets(client: Discover) -> list[Any]:
    records = client.datasets().records
    assert records is not None
    return records


def _collections(client: Discover) -> list[Any]:
    records = client.collections().records
    assert records is not None
    return records


def test_the_public_address_is_the_default() -> None:
    assert Discover() == Discover(DISCOVER_URL)


def test_datasets_and_collections_come_as_they_are_sent() -> None:
    with serve_discover() as discover:
        ids = discover.generate(20, b"h5ad")
        client = Discover(f"{discover.url}/")
        datasets, collections = _datasets(client), _collections(client)
        assert (discover.n_requests[DATASETS], discover.n_requests[COLLECTIONS]) == (1, 1)
        paths = [discover.h5ad_path(dataset_id) for dataset_id in ids]

    assert [record["dataset_id"] for record in datasets] == ids
    assert [h5ad_asset(record) for record in datasets] == [
        H5adAsset(f"{discover.url}{path}", 4) for path in paths
    ]
    assert datasets[0]["a_field_of_tomorrow"] == {"nested": [0]}
    assert "mean_genes_per_cell" not in datasets[4]
    assert datasets[4]["suspension_type"] is None
    assert len({record["organism"][0]["label"] for record in datasets}) == 2
    members = [record["dataset_id"] for collection in collections for record in collection["datasets"]]
    assert members == ids
    assert None in [collection["doi"] for collection in collections]


def test_versions_are_newest_first_and_none_once_withdrawn() -> None:
    with serve_discover() as discover:
        first = discover.add("atlas", b"one", title="An atlas", cell_count=3)
        second = discover.revise("atlas", b"second", cell_count=4)
        client = Discover(discover.url)
        versions = client.versions("atlas")
        assert versions is not None
        assert [record["dataset_version_id"] for record in versions] == [second, first]
        assert [record["cell_count"] for record in versions] == [4, 3]
        assert [h5ad_asset(record).size_bytes for record in versions] == [6, 3]  # type: ignore[union-attr]
        assert _datasets(client) == versions[:1]

        discover.withdraw("atlas")
        assert client.versions("atlas") is None
        assert _datasets(client) == []
        with pytest.raises(DownloadError, match="answered 404"):
            client.versions("never_there")


@pytest.mark.parametrize("dataset_id", ["../../control", "", "a/b", "a?b", "a b", ".."])
def test_no_address_is_made_of_a_hostile_id(dataset_id: str) -> None:
    with serve_discover() as discover:
        with pytest.raises(InvalidDatasetIdError):
            Discover(discover.url).versions(dataset_id)
        assert not discover.n_requests


@pytest.mark.parametrize("fault", ["busy", "broken", "cut"])
def test_a_passing_fault_ends_with_the_listing(waits: list[float], fault: str) -> None:
    with serve_discover() as discover:
        ids = discover.generate(3)
        discover.misbehave(DATASETS, fault, n_times=2, retry_after="5" if fault == "busy" else None)  # type: ignore[arg-type]
        assert [record["dataset_id"] for record in _datasets(Discover(discover.url))] == ids
    assert waits == ([6.0, 7.0] if fault == "busy" else [1.0, 2.0])


def test_a_lasting_fault_is_an_error() -> None:
    with serve_discover() as discover:
        discover.generate(3)
        discover.misbehave(DATASETS, "cut", n_times=100)
        with pytest.raises(BusyServerError, match="It was tried 5 times"):
            _datasets(Discover(discover.url))


def test_malformed_records_and_empty_listings_are_for_the_caller_to_judge() -> None:
    with serve_discover() as discover:
        discover.generate(3)
        discover.misbehave(DATASETS, "malformed")
        assert _datasets(Discover(discover.url))[3:] == MALFORMED
        discover.misbehave(DATASETS, "empty")
        assert _datasets(Discover(discover.url)) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            b'{"detail": "maintenance", "status": 1}',
            "answered an object with the keys 'detail', 'status' where",
        ),
        (b"{}", "answered an object without keys where a list of records was expected"),
        (b'"text"', "answered 'text' where"),
        (b"null", "answered null where"),
        (b"<html>", "is not JSON (Expecting value: line 1 column 1 (char 0)) and begins with '<html>'"),
    ],
)
def test_what_is_no_list_is_an_error_that_says_what_was_found(body: bytes, found: str) -> None:
    with answering(Reply(body=body)) as server, pytest.raises(DownloadError, match=re.escape(found)):
        _datasets(Discover(server.url))


def test_a_listing_that_is_known_by_its_etag_is_not_sent_again() -> None:
    with serve_discover() as discover:
        discover.generate(3)
        client = Discover(discover.url)
        first = client.datasets()
        n_sent = discover.n_sent[DATASETS]
        assert first.records is not None
        assert first.etag is not None
        assert client.datasets(etag=first.etag) == Records(None, first.etag)
        assert discover.n_sent[DATASETS] == n_sent
        discover.add("one_more", b"h5ad")
        changed = client.datasets(etag=first.etag)
        assert changed.records is not None
        assert len(changed.records) == 4
        assert changed.etag != first.etag


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the folder of real data sets is not there")
def test_the_catalogue_of_2025_is_listed_whole() -> None:
    real = pl.read_parquet(CATALOGUE)
    with serve_discover() as discover:
        discover.from_catalogue(CATALOGUE)
        datasets = _datasets(Discover(discover.url))
        collections = _collections(Discover(discover.url))
    assert [record["dataset_id"] for record in datasets] == real["dataset_id"].to_list()
    assert {record["collection_id"] for record in collections} == set(real["collection_id"])
    assert {record["name"] for record in collections} == set(real["collection_name"])


def test_the_local_discover_is_a_process_that_can_be_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    (tmp_path / "new.h5ad").write_bytes(b"new file")
    command = [sys.executable, "-m", "c2s_assets_tests.discover", "--datasets", "2", "--seconds", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            client = Discover(url)
            first, second = (record["dataset_id"] for record in _datasets(client))
            h5ad = str(tmp_path / "new.h5ad")
            version = _post(url, "revise", dataset_id=first, h5ad=h5ad)
            _post(url, "add", dataset_id="third", h5ad=h5ad, title="Third")
            _post(url, "withdraw", dataset_id=second)
            _post(url, "misbehave", path=DATASETS, fault="broken")
            assert httpx.post(f"{url}/control/answer").status_code == 404
            assert httpx.post(f"{url}/control/revise", json={"dataset_id": "x"}).status_code == 400
            datasets = {record["dataset_id"]: record for record in _datasets(client)}
            assert client.versions(second) is None
            requests = httpx.get(f"{url}/control/requests").json()["n_requests"]
        finally:
            process.terminate()
    assert set(datasets) == {first, "third"}
    assert datasets[first]["dataset_version_id"] == version
    assert datasets["third"]["title"] == "Third"
    assert requests[DATASETS] == 3


def _post(url: str, name: str, **arguments: str) -> object:
    answer = httpx.post(f"{url}/control/{name}", content=json.dumps(arguments))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_local_discover_answers_so_many_requests_and_for_so_long() -> None:
    with serve_discover(max_requests=1) as discover:
        assert _datasets(Discover(discover.url)) == []
        with pytest.raises(BusyServerError):
            _datasets(Discover(discover.url))
    with serve_discover(seconds=0) as discover, pytest.raises(BusyServerError):
        _datasets(Discover(discover.url))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "expected"), [("http://127.0.0.1:9", "http://127.0.0.1:9"), ("", DISCOVER_URL)]
)
def test_the_code_location_takes_the_address_from_the_environment(value: str, expected: str) -> None:
    code = "from c2s_assets.definitions import defs; print(defs.resources['cellxgene'].discover().base_url)"
    environment = {**os.environ, "C2S_CELLXGENE_URL": value}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == expected
