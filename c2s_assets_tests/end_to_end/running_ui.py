"""Runs `c2s ui` as a user does, on a free port, and asks it what its pages ask."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.serving import free_port

# What the processes beside the UI are called.
RUN, CODE_SERVER, DAEMON, FORKS = "c2s run", "c2s code server", "c2s daemon", "c2s forks"


@dataclass(frozen=True)
class Ui:
    """A running UI of a lake."""

    layout: Layout
    address: str
    process: "subprocess.Popen[bytes]"

    def ask(self, query: str) -> dict[str, Any]:
        """Ask Dagster's GraphQL."""
        answer = httpx.post(f"{self.address}/graphql", json={"query": query}, timeout=120)
        answer.raise_for_status()
        return dict(answer.json()["data"])


@contextmanager
def running_ui(layout: Layout) -> Iterator[Ui]:
    """Start `c2s ui` on a free port of 127.0.0.1, and stop the whole group of its processes afterwards."""
    port = free_port()
    with (layout.root / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "c2s_assets", "ui", "--port", str(port)],
            env=environment(layout.root),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    found = Ui(layout, f"http://127.0.0.1:{port}", process)
    try:
        wait_until(lambda: _answers(found), seconds=300)
        yield found
    finally:
        _stop(process)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    """Look every second whether something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(1)


def members(process: "subprocess.Popen[bytes]") -> list[int]:
    """List the living processes of the session that a process leads."""
    found = subprocess.run(["pgrep", "-s", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def processes(ui: Ui, name: str) -> list[int]:
    """Numbers of the processes of a UI that have this name."""
    return [number for number in members(ui.process) if _name(number) == name]


def runs(ui: Ui) -> list[tuple[str, str]]:
    """Dataset and status of each run, the newest first."""
    data = ui.ask("{runsOrError(limit: 50) {... on Runs {results {status tags {key value}}}}}")
    return [
        (next(tag["value"] for tag in run["tags"] if tag["key"] == "dagster/partition"), run["status"])
        for run in data["runsOrError"]["results"]
        if any(tag["key"] == "dagster/partition" for tag in run["tags"])
    ]


def built(ui: Ui) -> set[str]:
    """Datasets of which a run has succeeded."""
    return {dataset_id for dataset_id, status in runs(ui) if status == "SUCCESS"}


def wait_for_runs(ui: Ui, n_runs: int) -> None:
    """Wait until so many runs have begun, in processes of their own."""
    wait_until(lambda: [status for _, status in runs(ui)].count("STARTED") == n_runs, seconds=300)
    # What a run starts is called as it is until it has become another program.
    wait_until(lambda: len(processes(ui, RUN)) == n_runs, seconds=60)


def _name(number: int) -> str:
    try:
        return Path(f"/proc/{number}/comm").read_text().rstrip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _answers(ui: Ui) -> bool:
    try:
        locations = ui.ask("{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}")
    except httpx.HTTPError:
        return False
    return bool(locations["repositoriesOrError"].get("nodes"))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to end, and then end it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
