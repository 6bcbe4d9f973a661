"""What a small build costs with runs in SQLite, a process each, and with Postgres, Redis and warm workers.

    python -m benchmarks.run_overhead [--datasets 10] [sqlite] [one] [two]

SQLite with two runs at once, one worker, or two. Some datasets are built first, so that all is loaded; then
the others, twenty by twenty, which shows what a lake costs that grows. Processor time is that of all
processes: those of `c2s ui`, the workers, Postgres and Redis.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.running_cluster import Cluster, drop_unrelated, running_cluster
from c2s_assets_tests.end_to_end.running_ui import Ui, members, running_ui, wait_until
from c2s_assets_tests.toy import make_lake

_LONGEST_SECONDS = 3600.0
# What each so many take is printed for itself.
_N_OF_PART = 20
# As many as are built at once, twice.
_FIRST = ("first", "second", "third", "fourth")
# Of /proc/<number>/stat, after the name: user and system, of the process and of those that it waited for.
_TIMES = slice(11, 15)


def main() -> None:
    """Measure each setup that is asked for, and print what a build took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=10)
    parser.add_argument("setups", nargs="*", default=list(_SETUPS))
    options = parser.parse_args()
    names = [f"toy{number:03d}" for number in range(options.datasets)]
    with tempfile.TemporaryDirectory(prefix="c2s-overhead-") as folder:
        for setup in options.setups:
            _SETUPS[setup](make_lake(Path(folder) / setup), names)


def _sqlite(layout: Layout, names: Sequence[str]) -> None:
    with running_ui(layout) as ui:
        _measure("SQLite, a process each, two at once", ui, names, lambda: members(ui.process))


def _workers(layout: Layout, names: Sequence[str], *, n_workers: int) -> None:
    with running_cluster(layout, n_workers=n_workers) as (cluster, ui):
        _measure(f"Postgres, Redis, warm workers: {n_workers}", ui, names, lambda: _all_of(cluster, ui))


_SETUPS: Mapping[str, Callable[[Layout, Sequence[str]], None]] = {
    "sqlite": _sqlite,
    "one": partial(_workers, n_workers=1),
    "two": partial(_workers, n_workers=2),
}


def _measure(setup: str, ui: Ui, names: Sequence[str], processes: Callable[[], Iterable[int]]) -> None:
    _build(ui, _FIRST, n_before=0)
    for n_before in range(0, len(names), _N_OF_PART):
        part = names[n_before : n_before + _N_OF_PART]
        seconds, began = _processor_seconds(processes()), time.monotonic()
        _build(ui, part, n_before=len(_FIRST) + n_before)
        wall = (time.monotonic() - began) / len(part)
        used = (_processor_seconds(processes()) - seconds) / len(part)
        print(
            f"{setup}, {part[0]} to {part[-1]}: {wall:.1f} s a dataset, {used:.1f} s of processor time, "
            f"load {os.getloadavg()[1]:.0f}",
            flush=True,
        )


def _build(ui: Ui, names: Sequence[str], *, n_before: int) -> None:
    drop_unrelated(ui.layout, names, n_obs=120, first_seed=n_before)
    wait_until(lambda: set(names) <= _all_built(ui), seconds=_LONGEST_SECONDS)


def _all_built(ui: Ui) -> set[str]:
    """Datasets that have the last of their tables."""
    return {path.parent.name for path in ui.layout.datasets.glob("*/validation_report.json")}


def _all_of(cluster: Cluster, ui: Ui) -> list[int]:
    server = cluster.postgres.process.pid
    backends = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=True).stdout
    of_services = [server, cluster.redis.process.pid, *map(int, backends.split())]
    of_workers = [number for worker in cluster.workers for number in members(worker)]
    return [*members(ui.process), *of_workers, *of_services]


def _processor_seconds(processes: Iterable[int]) -> float:
    ticks = 0
    for number in processes:
        stat = Path(f"/proc/{number}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text().rpartition(")")[2].split()[_TIMES]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
