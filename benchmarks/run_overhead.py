"""What a small build costs with runs in SQLite, a process each, and with Postgres, Redis and a warm worker.

    python -m benchmarks.run_overhead [--datasets 5]

One dataset is built first, so that all is loaded. Processor time is that of all processes: those of `c2s ui`,
the worker, Postgres and Redis.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from c2s_assets_tests.end_to_end.running_cluster import Cluster, drop_unrelated, running_cluster
from c2s_assets_tests.end_to_end.running_ui import Ui, built, members, running_ui, wait_until
from c2s_assets_tests.toy import make_lake

_LONGEST_SECONDS = 900.0
# Of /proc/<number>/stat, after the name: user and system, of the process and of those that it waited for.
_TIMES = slice(11, 15)


def main() -> None:
    """Measure both, and print what a build took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=5)
    names = [f"toy{number:02d}" for number in range(parser.parse_args().datasets)]
    with tempfile.TemporaryDirectory(prefix="c2s-overhead-") as folder:
        alone = make_lake(Path(folder) / "alone")
        with running_ui(alone) as ui:
            print("SQLite, a process each:", _measured(ui, names, lambda: members(ui.process)), flush=True)
        with running_cluster(make_lake(Path(folder) / "workers"), n_workers=1) as (cluster, ui):
            said = _measured(ui, names, lambda: _all_of(cluster, ui))
            print("Postgres, Redis, a warm worker:", said)


def _measured(ui: Ui, names: Sequence[str], processes: Callable[[], Iterable[int]]) -> str:
    _build(ui, ["first"])
    seconds, began = _processor_seconds(processes()), time.monotonic()
    _build(ui, names)
    wall = (time.monotonic() - began) / len(names)
    used = (_processor_seconds(processes()) - seconds) / len(names)
    return f"{wall:.1f} s a dataset, {used:.1f} s of processor time"


def _build(ui: Ui, names: Sequence[str]) -> None:
    drop_unrelated(ui.layout, names, n_obs=120)
    wait_until(lambda: set(names) <= built(ui), seconds=_LONGEST_SECONDS)


def _all_of(cluster: Cluster, ui: Ui) -> list[int]:
    server = cluster.postgres.process.pid
    backends = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=True).stdout
    of_services = [server, cluster.redis.process.pid, *map(int, backends.split())]
    return [*members(ui.process), *members(cluster.workers[0]), *of_services]


def _processor_seconds(processes: Iterable[int]) -> float:
    ticks = 0
    for number in processes:
        stat = Path(f"/proc/{number}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text().rpartition(")")[2].split()[_TIMES]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
