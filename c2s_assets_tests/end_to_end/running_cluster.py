"""Runs a lake as several machines would: Postgres, Redis, `c2s ui` and workers, each a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.end_to_end.running_ui import Ui, members, running_ui
from c2s_assets_tests.services import Service, postgres, redis_server
from c2s_assets_tests.toy import drop_toy_h5ad

DEPLOY = Path(__file__).parents[2] / "deploy"


@dataclass
class Cluster:
    """A lake that workers build; `workers` are the processes, of which each leads a session of its own."""

    layout: Layout
    postgres: Service
    redis: Service
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start_worker(self) -> None:
        """Start one more worker."""
        with (self.layout.root / "worker.log").open("a") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "c2s_assets", "worker"],
                env=environment(self.layout.root),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)

    def kill_worker(self, worker: "subprocess.Popen[bytes]") -> None:
        """Kill a worker with all its processes, as a power cut of its machine does."""
        self.workers.remove(worker)
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def replace_ended(self) -> None:
        """Start workers in place of those that have ended, as a service would."""
        for worker in [one for one in self.workers if one.poll() is not None]:
            self.kill_worker(worker)
            self.start_worker()

    def signs(self) -> dict[str, int]:
        """Name of each sign of life of a run, to the number of the process that holds it."""
        found = {}
        for sign in (self.layout.dagster_home / ".c2s-processes").glob("*"):
            with suppress(FileNotFoundError, ValueError):  # the run has ended since, or has not said yet
                found[sign.name] = int(sign.read_text().split(" ")[0])
        return {name: number for name, number in found.items() if Path(f"/proc/{number}").exists()}

    def building(self) -> set[int]:
        """Numbers of the processes that build."""
        return set(self.signs().values())

    def find_busy(self) -> "subprocess.Popen[bytes] | None":
        """Find a worker that builds."""
        building = self.building()
        return next((worker for worker in self.workers if building & set(members(worker))), None)

    def stop_workers(self) -> None:
        """Stop all of them, without waiting for what they build."""
        while self.workers:
            self.kill_worker(self.workers[0])


def drop_unrelated(layout: Layout, names: Sequence[str], *, n_obs: int, first_seed: int = 0) -> None:
    """Put toys into the inbox that share no donors: otherwise who comes first decides on their sides."""
    for seed, name in enumerate(names, start=first_seed):
        # With embeddings that need not be computed, which would be most of a build.
        axes = {"X_pca": 5, "X_tsne": 2}
        drop_toy_h5ad(layout, name, n_obs=n_obs, n_axes=axes, uns={"citation": None}, seed=seed)


@contextmanager
def running_services(layout: Layout) -> Iterator[Cluster]:
    """Start Postgres and Redis, and have the lake's instance of Dagster use them, as `deploy/` says."""
    layout.dagster_home.mkdir(parents=True)
    shutil.copy(DEPLOY / "dagster.yaml", layout.dagster_home)
    with ExitStack() as running:
        cluster = Cluster(layout, running.enter_context(postgres()), running.enter_context(redis_server()))
        environ = running.enter_context(pytest.MonkeyPatch.context())
        environ.setenv("C2S_POSTGRES", cluster.postgres.address)
        environ.setenv("C2S_REDIS", cluster.redis.address)
        running.callback(cluster.stop_workers)
        yield cluster


@contextmanager
def running_cluster(layout: Layout, *, n_workers: int) -> Iterator[tuple[Cluster, Ui]]:
    """Start workers, and `c2s ui` beside them."""
    # The one makes the tables of Postgres, the others use them: as an operator would begin.
    with running_services(layout) as cluster, running_ui(layout) as ui:
        for _ in range(n_workers):
            cluster.start_worker()
        yield cluster, ui
