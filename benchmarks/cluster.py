"""Builds a lake with workers, Postgres and Redis, while processes of all of them are killed.

    python -m benchmarks.cluster [--datasets 40] [--kills 50] [--seed 1]

Two lakes of the same small files: one by `c2s build` alone, one by two workers while every few seconds
something is killed with SIGKILL, whichever it is: a worker, the process of a run, the daemon, Redis or
Postgres. What a service would start again is started again at once. In the end every table has to be that of
the first lake. Postgres and Redis are those of Debian, on 127.0.0.1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import debris, files_below
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.end_to_end.running_cluster import Cluster, drop_unrelated, running_cluster
from c2s_assets_tests.end_to_end.running_ui import DAEMON, Ui, processes, running_ui
from c2s_assets_tests.services import Service
from c2s_assets_tests.toy import make_lake

_BETWEEN_KILLS_SECONDS = (4.0, 10.0)
_LONGEST_SECONDS = 3600.0
# Of a dataset, what is no table: its record tells when and by what version.
_NO_TABLES = ("record.json",)
_RUNS = "{runsOrError(limit: 1000) {... on Runs {results {status startTime endTime tags {key value}}}}}"


@dataclass
class Kills:
    """What was killed, and when."""

    counts: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)


def main() -> None:
    """Build both lakes, and print what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=40)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = [f"toy{number:02d}" for number in range(options.datasets)]
    with tempfile.TemporaryDirectory(prefix="c2s-cluster-") as folder:
        alone = _lake(Path(folder) / "alone", names)
        seconds = _timed(lambda: _build_alone(alone, names))
        print(f"c2s build alone: {len(names)} datasets in {seconds:.0f} s", flush=True)
        killed = _lake(Path(folder) / "killed", names)
        with running_cluster(killed, n_workers=2) as (cluster, ui):
            seconds = _timed(lambda: _build_beside_kills(cluster, ui, names, options))
        print(f"2 workers, with kills: {seconds:.0f} s")
        print(f"tables that differ: {_differences(alone, killed, names)}")
        print(f"left of stages: {len(debris(killed))}")


def _lake(folder: Path, names: Sequence[str]) -> Layout:
    folder.mkdir()
    layout = make_lake(folder)
    drop_unrelated(layout, names, n_obs=300)
    return layout


def _build_alone(layout: Layout, names: Sequence[str]) -> None:
    command = [sys.executable, "-m", "c2s_assets", "build", *names]
    subprocess.run(
        command,
        env=environment(layout.root),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _build_beside_kills(cluster: Cluster, ui: Ui, names: Sequence[str], options: argparse.Namespace) -> None:
    draw, kills = random.Random(options.seed), Kills()  # noqa: S311
    with ExitStack() as revived:
        while len(kills.at) < options.kills:
            time.sleep(draw.uniform(*_BETWEEN_KILLS_SECONDS))
            ways = _ways(cluster, ui)
            kind = draw.choice(sorted(ways))
            ways[kind]()
            kills.counts[kind] += 1
            kills.at.append(time.time())
            if ui.process.poll() is not None:
                kills.counts["c2s ui gave up and was started again"] += 1
                ui = revived.enter_context(running_ui(cluster.layout))
            cluster.replace_ended()
        print(f"killed: {dict(kills.counts)}", flush=True)
        seconds = _timed(lambda: _wait_until_built(ui, names))
        print(f"{seconds:.0f} s after the last kill all were built")
        _print_runs(ui, kills=kills)


def _ways(cluster: Cluster, ui: Ui) -> Mapping[str, Callable[[], None]]:
    """Find what there is to be killed, with what a service would do about it."""

    def replace_worker() -> None:
        cluster.kill_worker(cluster.workers[0])
        cluster.start_worker()

    def restart(service: Service) -> None:
        service.kill()
        service.start()

    ways: dict[str, Callable[[], None]] = {
        "worker": replace_worker,
        "Postgres": lambda: restart(cluster.postgres),
        "Redis": lambda: restart(cluster.redis),
    }
    for kind, numbers in {"daemon": processes(ui, DAEMON), "run": sorted(cluster.building())}.items():
        if numbers:
            ways[kind] = partial(_kill, numbers[0])
    return ways


def _kill(number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def _wait_until_built(ui: Ui, names: Sequence[str]) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not all(
        (ui.layout.dataset(name) / "validation_report.json").exists() for name in names
    ) or _n_under_way(ui):
        if time.monotonic() > deadline:
            raise TimeoutError("not all were built")
        time.sleep(2)


def _n_under_way(ui: Ui) -> int:
    return sum(run["status"] in ("QUEUED", "STARTING", "STARTED", "CANCELING") for run in _runs(ui))


def _runs(ui: Ui) -> list[dict[str, object]]:
    return list(ui.ask(_RUNS)["runsOrError"]["results"])


def _print_runs(ui: Ui, *, kills: Kills) -> None:
    """Print how runs ended, and how long after a kill the failed ones were known to have failed."""
    runs = _runs(ui)
    print(f"runs: {dict(Counter(str(run['status']) for run in runs))}")
    late = [
        float(str(run["endTime"]))
        - max((at for at in kills.at if at <= float(str(run["endTime"]))), default=0)
        for run in runs
        if run["status"] == "FAILURE"
    ]
    if late:
        print(f"longest from a kill to the failed run being marked: {max(late):.0f} s")


def _differences(alone: Layout, other: Layout, names: Sequence[str]) -> list[str]:
    """Name the files that are not the same in both lakes."""
    found = []
    for name in names:
        one, two = (files_below(lake.dataset(name)) for lake in (alone, other))
        found += [
            f"{name}/{path}" for path in sorted(one.keys() | two.keys()) if one.get(path) != two.get(path)
        ]
    return [path for path in found if not path.endswith(_NO_TABLES)]


def _timed(do: Callable[[], None]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
