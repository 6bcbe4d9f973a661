"""The real UI with its daemon, looked at with a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from c2s_assets.schemas.documents import ValidationReport
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.commands import c2s, environment
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and "C2S_REQUIRE_TOOLS" not in os.environ, reason="no chromium to look with"
    ),
]


@dataclass(frozen=True)
class Ui:
    """A running UI of a lake in which the dataset `toy` is built."""

    layout: Layout
    address: str

    def ask(self, query: str) -> dict:
        """Ask Dagster's GraphQL."""
        answer = httpx.post(f"{self.address}/graphql", json={"query": query}, timeout=30)
        answer.raise_for_status()
        return answer.json()["data"]

    def look(self, page: str, profile: Path) -> str:
        """Open a page in the browser and return what stands there, as HTML."""
        assert CHROMIUM is not None, "chromium is not installed"
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        command += ["--disable-component-update", "--disable-sync", "--no-first-run"]
        command += [f"--user-data-dir={profile}", "--virtual-time-budget=30000", "--dump-dom"]
        done = subprocess.run(
            [*command, f"{self.address}/{page}"], capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """Start `c2s ui` on a free port of 127.0.0.1, and stop the whole group of its processes afterwards."""
    layout = make_lake(tmp_path_factory.mktemp("ui"), "toy")
    built = c2s("build", "toy", lake=layout.root)
    assert built.returncode == 0, built.stdout + built.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (layout.root / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "c2s_assets", "ui", "--port", str(port)],
            env=environment(layout.root),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    found = Ui(layout, f"http://127.0.0.1:{port}")
    try:
        _wait(lambda: _answers(found), seconds=120)
        yield found
    finally:
        _stop(process)


def test_the_ui_shows_the_checks_of_an_asset(ui: Ui, tmp_path: Path) -> None:
    page = ui.look("assets/cell_sentences?view=checks", tmp_path)

    for claim in ("keeps_schema", "matrix_can_be_ranked", "rows_match_cells", "sentences_match_source"):
        assert claim in page
    assert "Every cell expresses at least one gene with a symbol." in page


def test_the_ui_shows_what_a_partition_holds(ui: Ui, tmp_path: Path) -> None:
    page = ui.look("assets/split_manifest?view=partitions&partition=toy", tmp_path)

    for shown in ("spec_id", "test_share", "digest", "split_manifest.parquet", "donor_0", "cells_per_donor"):
        assert shown in page


def test_a_file_dropped_into_the_inbox_is_built_by_the_daemon(ui: Ui) -> None:
    drop_toy_h5ad(ui.layout, "dropped", seed=3)
    drop_toy_h5ad(ui.layout, "scaled", matrices="scaled X")

    _wait(lambda: set(_runs(ui)) == {"dropped", "scaled"} and _all_ended(ui), seconds=180)

    assert _runs(ui) == {"dropped": "SUCCESS", "scaled": "FAILURE"}, (ui.layout.root / "ui.log").read_text()
    assert ui.layout.parts("train", "dropped").exists()
    assert not ui.layout.parts("train", "scaled").exists()
    assert list(ui.layout.inbox.iterdir()) == []
    report = read_document(ui.layout.validation_report("dropped"), ValidationReport)
    assert {asset.state for asset in report.assets} == {"built"}
    assert report.summary.n_without_result == 0


def test_the_webserver_listens_on_this_machine_only(ui: Ui) -> None:
    port = int(ui.address.rpartition(":")[2])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {local for _, local, _, state, *_ in rows if state == "0A" and local.endswith(f":{port:04X}")}

    assert listening == {f"0100007F:{port:04X}"}


def _runs(ui: Ui) -> dict[str, str]:
    """Status of the daemon's last run of each dataset."""
    data = ui.ask("{runsOrError(limit: 20) {... on Runs {results {status tags {key value}}}}}")
    runs = [
        (run["status"], {tag["key"]: tag["value"] for tag in run["tags"]})
        for run in data["runsOrError"]["results"]
    ]
    return {tags["dagster/partition"]: status for status, tags in runs if "dagster/sensor_name" in tags}


def _all_ended(ui: Ui) -> bool:
    return set(_runs(ui).values()) <= {"SUCCESS", "FAILURE"}


def _answers(ui: Ui) -> bool:
    try:
        locations = ui.ask("{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}")
    except httpx.HTTPError:
        return False
    return bool(locations["repositoriesOrError"].get("nodes"))


def _wait(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, and end it: `dagster dev` does not listen where SIGINT was ignored."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
