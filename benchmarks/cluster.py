"""Builds a lake with workers, Postgres and Redis, while processes of all of them are killed.

    python -m benchmarks.cluster [--datasets 40] [--kills 50] [--seed 1]

Two lakes of the same small files: one by `c2s build` alone, one by two workers while at random moments
something is killed with SIGKILL, whichever it is: a worker, the process of a run, the daemon, Redis or
Postgres. A moment is one at which a run is under way, so that there is something to lose. What a service
would start again is started again at once. In the end every table has to be that of the first lake. Postgres
and Redis are those of Debian, on 127.0.0.1.
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from c2s_assets.defs.processes import PROCESS
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import debris, files_below
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.end_to_end.running_cluster import Cluster, drop_unrelated, running_cluster
from c2s_assets_tests.end_to_end.running_ui import DAEMON, Ui, members, processes, running_ui
from c2s_assets_tests.services import Service
from c2s_assets_tests.toy import make_lake

_N_CELLS = 2_000
_BETWEEN_KILLS_SECONDS = (2.0, 12.0)
_LONGEST_SECONDS = 3600.0
_N_LATEST = 8
# A worker that was killed takes as long to load what builds; the next kill waits for a run, but not for ever.
_LONGEST_WITHOUT_RUN_SECONDS = 180.0
# Of a dataset, what is no table: its record tells when and by what version.
_NO_TABLES = ("record.json",)
_RUNS = (
    "{runsOrError(limit: 1000) {... on Runs {results {status endTime tags {key value} "
    "stats {... on RunStatsSnapshot {launchTime}}}}}}"
)


@dataclass(frozen=True)
class Kill:
    """What was killed and when, and the signs of life of the runs that went with it."""

    kind: str
    at: float
    hit: frozenset[str]


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
        print(f"c2s build alone: {len(names)} datasets in {seconds:.0f} s, load {_load()}", flush=True)
        killed = _lake(Path(folder) / "killed", names)
        with running_cluster(killed, n_workers=2) as (cluster, ui):
            seconds = _timed(lambda: _build_beside_kills(cluster, ui, names, options))
        print(f"2 workers, with {options.kills} kills: {seconds:.0f} s, load {_load()}")
        print(f"tables that differ: {_differences(alone, killed, names)}")
        print(f"left of stages: {len(debris(killed))}")


def _lake(folder: Path, names: Sequence[str]) -> Layout:
    folder.mkdir()
    layout = make_lake(folder)
    drop_unrelated(layout, names, n_obs=_N_CELLS)
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
    draw, kills, n_given_up = random.Random(options.seed), list[Kill](), 0  # noqa: S311
    with ExitStack() as revived:
        while len(kills) < options.kills:
            _wait_for_run(cluster)
            time.sleep(draw.uniform(*_BETWEEN_KILLS_SECONDS))
            ways = _ways(cluster, ui)
            kind = draw.choice(sorted(ways))
            hit, kill = ways[kind]
            kills.append(Kill(kind, time.time(), frozenset(hit)))
            kill()
            if ui.process.poll() is not None:
                n_given_up += 1
                ui = revived.enter_context(running_ui(cluster.layout))
            cluster.replace_ended()
        print(f"c2s ui gave up, and was started again: {n_given_up} times", flush=True)
        seconds = _timed(lambda: _wait_until_built(ui, names))
        print(f"{seconds:.0f} s after the last kill all were built, load {_load()}")
        _print_kills(kills, _runs(ui))


def _wait_for_run(cluster: Cluster) -> None:
    deadline = time.monotonic() + _LONGEST_WITHOUT_RUN_SECONDS
    while not cluster.signs() and time.monotonic() < deadline:
        time.sleep(0.2)


def _ways(cluster: Cluster, ui: Ui) -> Mapping[str, tuple[Iterable[str], Callable[[], None]]]:
    """Find what there is to be killed: the runs that go with it, and how, with what a service does then."""
    signs = cluster.signs()
    lost = set(members(cluster.workers[0]))

    def replace_worker() -> None:
        cluster.kill_worker(cluster.workers[0])
        cluster.start_worker()

    def restart(service: Service) -> None:
        service.kill()
        service.start()

    ways: dict[str, tuple[Iterable[str], Callable[[], None]]] = {
        "worker": ([sign for sign, number in signs.items() if number in lost], replace_worker),
        "Postgres": (signs, lambda: restart(cluster.postgres)),
        "Redis": ([], lambda: restart(cluster.redis)),  # of runs that wait in it nobody holds a sign
    }
    for sign, number in sorted(signs.items())[:1]:
        ways["run"] = ([sign], partial(_kill, number))
    for number in processes(ui, DAEMON)[:1]:
        ways["daemon"] = ([], partial(_kill, number))
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


def _runs(ui: Ui) -> list[dict[str, Any]]:
    return list(ui.ask(_RUNS)["runsOrError"]["results"])


def _print_kills(kills: Sequence[Kill], runs: Sequence[Mapping[str, Any]]) -> None:
    """Print what each kind of kill did to runs, and how long after it those were known to have failed."""
    print(f"runs: {dict(Counter(str(run['status']) for run in runs))}")
    failed = [run for run in runs if run["status"] == "FAILURE"]
    killers = [_killer(run, kills) for run in failed]
    late = [
        (float(run["endTime"]) - killer.at, killer.kind, _n_after(killer, kills, until=float(run["endTime"])))
        for run, killer in zip(failed, killers, strict=True)
        if killer is not None
    ]
    for kind in sorted({kill.kind for kill in kills}):
        hit = [bool(kill.hit) for kill in kills if kill.kind == kind]
        seconds = [one for one, of, _ in late if of == kind]
        said = f"; marked after {median(seconds):.0f} s, at most {max(seconds):.0f} s" if seconds else ""
        print(
            f"{kind}: {len(hit)} kills, {sum(hit)} while it had a run; runs that failed: {len(seconds)}{said}"
        )
    print(f"runs that failed, and were hit by nothing: {killers.count(None)}")
    for one, kind, n_after in sorted(late, reverse=True)[:_N_LATEST]:
        print(f"  {one:.0f} s after {kind}, with {n_after} kills of daemons and Postgres in between")


def _killer(run: Mapping[str, Any], kills: Sequence[Kill]) -> Kill | None:
    """Find what killed a run: the last that hit it or, of one that never began, the first on its way."""
    sign = next((tag["value"] for tag in run["tags"] if tag["key"] == PROCESS), None)
    launched, ended = float(run["stats"]["launchTime"] or 0), float(run["endTime"])
    before = [kill for kill in kills if launched <= kill.at <= ended]
    if sign is None:
        return next((kill for kill in before if kill.kind in ("Postgres", "Redis", "worker")), None)
    return next((kill for kill in reversed(before) if sign in kill.hit), None)


def _n_after(killer: Kill, kills: Sequence[Kill], *, until: float) -> int:
    """Count what kept a run from being marked: the daemon does that, in Postgres."""
    return sum(kill.kind in ("daemon", "Postgres") and killer.at < kill.at < until for kill in kills)


def _differences(alone: Layout, other: Layout, names: Sequence[str]) -> list[str]:
    """Name the files that are not the same in both lakes."""
    found = []
    for name in names:
        one, two = (files_below(lake.dataset(name)) for lake in (alone, other))
        found += [
            f"{name}/{path}" for path in sorted(one.keys() | two.keys()) if one.get(path) != two.get(path)
        ]
    return [path for path in found if not path.endswith(_NO_TABLES)]


def _load() -> str:
    return f"{os.getloadavg()[1]:.0f}"


def _timed(do: Callable[[], None]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
