"""Assets that fetch while Discover goes on misbehaving: they fail in clear words, and the lake stays."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.clients import cellxgene, pace
from c2s_assets.defs.service import register
from c2s_assets.storage.sources.provenance import read_provenance
from c2s_assets_tests.defs.building import Workshop, debris, files_below, open_workshop
from c2s_assets_tests.discover import COLLECTIONS, DATASETS, MALFORMED, Fault, LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits, skip_retry_waits
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

_FOR_EVER = 1000
_TRIED = "It was tried 5 times. Check the address and the network, or try later."
_CUT = "peer closed connection without sending complete message body"

LISTING_FAULTS: dict[Fault, tuple[str, str]] = {
    "busy": ("answered 429 Too Many Requests.", _TRIED),
    "broken": ("answered 500 Internal Server Error.", _TRIED),
    "cut": (_CUT, _TRIED),
    "slow": ("and then too little to go on.", _TRIED),
    "slow headers": ("sent 0 bytes and then too little to go on.", _TRIED),
    "short": ("is not JSON (", "Check the address, or try later."),
    "html": ("begins with '<!DOCTYPE html>", "Check the address, or try later."),
    "redirect loop": ("redirects more than 5 times.", "Check the address."),
    "huge": ("sends more than the 1,000,000 bytes that are accepted.", "Check the address, or try later."),
    "not a list": ("answered an object with the keys 'detail', 'status'", "Check the address, or try later."),
    "empty": ("Discover lists 0 ", "the last one stays. Try again later; if so many are really gone, "),
}
H5AD_FAULTS: dict[Fault, tuple[str, str]] = {
    "busy": ("answered 429 Too Many Requests.", _TRIED),
    "broken": ("answered 500 Internal Server Error.", _TRIED),
    "cut": (_CUT, _TRIED),
    "slow": ("and then too little to go on.", _TRIED),
    "slow headers": ("sent 0 bytes and then too little to go on.", _TRIED),
    "short": ("bytes (type: application/octet-stream) where ", "Refresh the listing, or check the address."),
    "html": ("is 35 bytes (type: text/html) where ", "Refresh the listing, or check the address."),
    "redirect loop": ("redirects more than 5 times.", "Check the address."),
    "huge": ("bytes that are accepted.", "Check the address, or try later."),
}
# Something has arrived that the next run can go on with.
RESUMED = ("cut", "slow")


@dataclass
class Place:
    """A Discover with the dataset `atlas` and two others, and a lake that holds its first version."""

    discover: LocalDiscover
    workshop: Workshop
    folder: Path

    def look(self) -> dg.ExecuteInProcessResult:
        """Materialize `cellxgene_listing`, as the daily schedule does."""
        job = self.workshop.definitions.resolve_job_def("list_cellxgene")
        return job.execute_in_process(instance=self.workshop.instance, raise_on_error=False)

    def fetch(self) -> dg.ExecuteInProcessResult:
        """Materialize `raw_h5ad`, as a build does first of all."""
        register(self.workshop.instance, "atlas")
        job = self.workshop.definitions.resolve_job_def("build_dataset")
        return job.get_subset(asset_selection={dg.AssetKey("raw_h5ad")}).execute_in_process(
            instance=self.workshop.instance, partition_key="atlas", raise_on_error=False
        )

    def lake(self) -> dict[str, bytes]:
        """All files of the lake but those that are still arriving."""
        arriving = f"{self._arriving.relative_to(self.workshop.layout.root)}/"
        found = files_below(self.workshop.layout.root)
        return {name: content for name, content in found.items() if not name.startswith(arriving)}

    def arriving(self) -> list[str]:
        """Files that a fetch has left to go on with."""
        return sorted(path.name for path in self._arriving.glob("*"))

    @property
    def _arriving(self) -> Path:
        return self.workshop.layout.download("atlas").parent


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("faults")
    layout = make_lake(folder)
    layout.settings.write_text("cellxgene: {datasets: [atlas]}")
    with (
        serve_discover(seconds=600) as discover,
        open_workshop(layout, cellxgene_url=discover.url) as workshop,
    ):
        place = Place(discover, workshop, folder)
        discover.add("atlas", write_toy_h5ad(folder / "atlas.h5ad", n_obs=20, n_vars=10))
        discover.generate(2)
        assert place.look().success
        assert place.fetch().success
        yield place


@pytest.fixture
def place(shared: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    record_waits(monkeypatch)
    skip_retry_waits(monkeypatch)
    yield shared
    shared.discover.behave()


def suffer(monkeypatch: pytest.MonkeyPatch, place: Place, path: str, fault: Fault) -> None:
    """Let a path misbehave from now on, with limits that a test can reach."""
    place.discover.misbehave(path, fault, n_times=_FOR_EVER)
    if fault.startswith("slow"):
        monkeypatch.setattr(pace, "WINDOW_SECONDS", 0.1)
    monkeypatch.setattr(cellxgene, "_MAX_BYTES", 10**6)


def told(result: dg.ExecuteInProcessResult, asset: str) -> str:
    """What Dagster shows of the failure of an asset."""
    assert not result.success
    data = result.failure_data_for_node(asset)
    assert data is not None
    assert data.user_failure_data is not None, "a failure of our own, not an exception that escaped"
    assert result.asset_materializations_for_node(asset) == []
    return str(data.user_failure_data.description)


def check_text(text: str, *, found: str, where: str, advice: str) -> None:
    """A message says what was found, where and what to do, and names no class of a library."""
    assert found in text
    assert where in text
    assert advice in text
    assert not re.search(r"httpx|httpcore|Traceback|\w(Error|Exception|Timeout)\b", text)
    assert len(text) < 500


@pytest.mark.parametrize("path", [DATASETS, COLLECTIONS], ids=["datasets", "collections"])
@pytest.mark.parametrize("fault", LISTING_FAULTS)
def test_a_listing_that_fails_is_told_and_the_last_one_stays(
    monkeypatch: pytest.MonkeyPatch, place: Place, path: str, fault: Fault
) -> None:
    new, before = f"{fault} {path}".replace(" ", "-").replace("/", "-"), place.lake()
    with monkeypatch.context() as patched:
        place.discover.add(new, b"no file")
        suffer(patched, place, path, fault)
        n_sent = place.discover.n_sent[path]
        result = place.look()
        text = told(result, "cellxgene_listing")

    found, advice = LISTING_FAULTS[fault]
    where = path.rpartition("/")[2] if fault == "empty" else f"{place.discover.url}{path}"
    check_text(text, found=found, where=where, advice=advice)
    assert place.discover.n_sent[path] - n_sent < 100_000_000  # of the 200 MB of each of three tries
    assert place.lake() == before
    assert debris(place.workshop.layout) == []

    place.discover.behave()
    assert place.look().success
    assert new in pl.read_parquet(place.workshop.layout.listing)["dataset_id"]


@pytest.mark.parametrize("fault", H5AD_FAULTS)
def test_a_file_that_does_not_come_is_told_and_the_old_version_stays_until_it_does(
    monkeypatch: pytest.MonkeyPatch, place: Place, tmp_path: Path, fault: Fault
) -> None:
    h5ad = write_toy_h5ad(tmp_path / "new.h5ad", n_obs=400, n_vars=100, seed=list(H5AD_FAULTS).index(fault))
    version = place.discover.revise("atlas", h5ad)
    assert place.look().success
    path = place.discover.h5ad_path("atlas")
    before = place.lake()
    with monkeypatch.context() as patched:
        suffer(patched, place, path, fault)
        text = told(place.fetch(), "raw_h5ad")

    found, advice = H5AD_FAULTS[fault]
    assert text.startswith("dataset atlas: ")
    check_text(text, found=found, where=f"{place.discover.url}{path}", advice=advice)
    assert place.lake() == before
    assert debris(place.workshop.layout) == []
    assert place.arriving() == (["atlas.h5ad.part", "atlas.h5ad.part.json"] if fault in RESUMED else [])

    place.discover.behave()
    n_sent_in_vain = 0 if fault == "cut" else place.discover.n_sent[path]
    assert place.fetch().success
    assert place.workshop.layout.raw_h5ad("atlas").read_bytes() == h5ad.read_bytes()
    assert read_provenance(place.workshop.layout, dataset_id="atlas").dataset_version_id == version
    assert place.arriving() == []
    n_sent, size = place.discover.n_sent[path] - n_sent_in_vain, h5ad.stat().st_size
    assert n_sent < size if fault == "slow" else n_sent == size  # nothing that has arrived is sent twice


def test_a_page_of_the_right_size_is_refused_once_and_the_old_version_stays(place: Place) -> None:
    page = b"<!DOCTYPE html><title>Moved</title>".ljust(5000)
    place.discover.revise("atlas", page)
    assert place.look().success
    before = place.lake()
    text = told(place.fetch(), "raw_h5ad")

    path = place.discover.h5ad_path("atlas")
    assert place.discover.n_requests[path] == 1
    assert text.startswith("dataset atlas: atlas.h5ad (5,000 bytes)")
    where = f"It came from {place.discover.url}{path}."
    check_text(text, found="is a web page (HTML)", where=where, advice="download the file itself.")
    after, record = place.lake(), "datasets/atlas/record.json"
    assert b"is a web page (HTML)" in after.pop(record)
    del before[record]
    assert after == before
    assert debris(place.workshop.layout) == []
    assert place.arriving() == []


def test_malformed_records_among_two_thousand_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    with serve_discover() as discover, open_workshop(layout, cellxgene_url=discover.url) as workshop:
        ids = discover.generate(2000)
        discover.misbehave(DATASETS, "malformed")
        result = Place(discover, workshop, tmp_path).look()

    assert result.success
    assert pl.read_parquet(layout.listing)["dataset_id"].to_list() == sorted(ids)
    (check,) = (
        one for one in result.get_asset_check_evaluations() if one.check_name == "records_are_well_formed"
    )
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    # 667 of them are collections, one to three datasets.
    assert f"{len(MALFORMED)} of 2,671 records are set aside" in str(check.description)
    named = str(check.metadata["rows"].value)
    problems = ("../../etc/passwd", "dataset_id is 7", "it has no dataset_id", "it is no record at all")
    for position, name in enumerate(problems):
        assert re.search(rf"\| {2000 + position} \|.*{re.escape(name)}", named)
    assert not (layout.root / "datasets").exists()


@pytest.mark.parametrize("path", [DATASETS, COLLECTIONS], ids=["datasets", "collections"])
def test_a_first_listing_that_is_empty_is_not_taken(tmp_path: Path, path: str) -> None:
    layout = make_lake(tmp_path)
    with serve_discover() as discover, open_workshop(layout, cellxgene_url=discover.url) as workshop:
        discover.generate(3)
        discover.misbehave(path, "empty")
        text = told(Place(discover, workshop, tmp_path).look(), "cellxgene_listing")
    assert "Discover lists 0 " in text
    assert not layout.listing.exists()
    assert not layout.collections.exists()
    assert debris(layout) == []
