"""The real daemon keeps a lake fresh from a local Discover that adds, revises and withdraws."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from c2s_assets.storage.holdings import held_datasets
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.discover import LocalDiscover, serve_discover
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.toy import EMBEDDINGS, make_lake, write_toy_h5ad

pytestmark = [pytest.mark.slow, pytest.mark.waits]

_SECONDS = 600.0


@dataclass(frozen=True)
class Service:
    """A running `c2s ui` with its daemon, and the Discover that it follows."""

    layout: Layout
    discover: LocalDiscover
    address: str

    def ask(self, query: str) -> dict:
        answer = httpx.post(f"{self.address}/graphql", json={"query": query}, timeout=120)
        answer.raise_for_status()
        return answer.json()["data"]

    def builds(self) -> Counter[tuple[str, str]]:
        """How often each version of each dataset was built, and how that ended."""
        data = self.ask("{runsOrError(limit: 50) {... on Runs {results {status jobName tags {key value}}}}}")
        found: Counter[tuple[str, str]] = Counter()
        for run in data["runsOrError"]["results"]:
            if run["jobName"] == "build_dataset":
                tags = {tag["key"]: tag["value"] for tag in run["tags"]}
                found[tags["dagster/partition"], run["status"]] += 1
        return found

    def built(self) -> dict[str, str | None]:
        held = held_datasets(self.layout, read_settings(self.layout))
        return {name: one.dataset_version_id for name, one in held.items() if one.is_built}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    layout = make_lake(tmp_path)
    layout.settings.write_text("cellxgene: {min_cells: 0}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve_discover(seconds=_SECONDS) as discover, (tmp_path / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "c2s_assets", "ui", "--port", str(port)],
            env={**environment(layout.root), "C2S_CELLXGENE_URL": discover.url},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Service(layout, discover, f"http://127.0.0.1:{port}")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=20)


def _toy(folder: Path, seed: int) -> Path:
    return write_toy_h5ad(folder / f"{seed}.h5ad", n_obs=12, n_vars=8, n_axes=EMBEDDINGS, seed=seed)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS / 2
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(1)


def _list_anew(service: Service) -> subprocess.CompletedProcess[str]:
    """Do what the schedule does at night; one of three datasets is more than may be lost without a word."""
    config = service.layout.root / "config.yaml"
    config.write_text("ops: {cellxgene_listing: {config: {largest_loss: 0.5}}}")
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "c2s_assets.definitions"]
    home = {"C2S_CELLXGENE_URL": service.discover.url, "DAGSTER_HOME": str(service.layout.dagster_home)}
    return subprocess.run(
        [*command, "-j", "list_cellxgene", "--config", config],
        env={**environment(service.layout.root), **home},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_daemon_follows_discover(service: Service, tmp_path: Path) -> None:
    """From the first listing on nobody asks for anything: the sensor does, and builds nothing twice."""
    for seed, name in enumerate(("one", "two", "three")):
        service.discover.add(name, _toy(tmp_path, seed))
    _wait(lambda: set(service.built()) == {"one", "two", "three"})
    first = service.built()

    revised = service.discover.revise("one", _toy(tmp_path, 7))
    added = service.discover.add("four", _toy(tmp_path, 8))
    service.discover.withdraw("two")
    listed = _list_anew(service)
    assert listed.returncode == 0, listed.stderr
    _wait(lambda: service.built() == first | {"one": revised, "four": added})
    time.sleep(65)  # one more tick at least

    assert service.builds() == {
        ("one", "SUCCESS"): 2,
        ("two", "SUCCESS"): 1,
        ("three", "SUCCESS"): 1,
        ("four", "SUCCESS"): 1,
    }
    assert withdrawn_datasets(service.layout) == {"two"}
    assert service.layout.parts("train", "two").exists()
    shown = c2s("ls", lake=service.layout.root)
    assert all(name in shown.out for name in ("one", "two", "three", "four"))
