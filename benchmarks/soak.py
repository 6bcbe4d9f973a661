"""Lets `c2s ui` run unattended on a small disk: files arrive, processes are killed, the disk fills up.

    python -m benchmarks.soak [--minutes 60] [--seed 1]

Every minute a small file is dropped and a process is killed with SIGKILL, whichever it is; twice the disk
is full for a while. `c2s ui` is started again when it ends, as a service would be. Then it is left alone
until all is built, at most for a quarter of an hour. Root can mount the small disk; for others it is a folder
that is not filled. It ends with 1 if a dataset is not built, a table is half, something is left, or a process
or the lake took more than its bound.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.holdings import stale_tables
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.running_ui import CODE_SERVER, DAEMON, FORKS, RUN

_DISK = "1g"
_LAKE, _DAGSTER = "lake", "its .dagster"
_DROP_SECONDS, _KILL_SECONDS, _FULL_SECONDS, _SETTLE_SECONDS = 60.0, 60.0, 40.0, 900.0
# What a process is, by a part of its command line; the first that is found.
_KINDS = {
    "run": RUN,
    "code server": CODE_SERVER,
    "daemon": DAEMON,
    "forks": FORKS,
    "survey": "h5ad.answering",
    "webserver": "c2s_assets ui",
}

# Bounds. Of memory, half as much again as a process of the kind took at its highest in the hour of
# UNATTENDED.md; of room, half as much again as a file left there: 1.9 MB with Dagster, 0.5 MB elsewhere.
_MOST_MEGABYTES = {"webserver": 470, "code server": 560, "daemon": 220, "run": 910, "survey": 120}
_AT_FIRST_MEGABYTES, _DAGSTER_PER_FILE, _TABLES_PER_FILE = 15.0, 2.9, 0.8


@dataclass
class Soak:
    """What goes on, and what was seen."""

    layout: Layout
    disk: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    dropped: list[str] = field(default_factory=list)
    n_starts: int = 0
    sessions: set[int] = field(default_factory=set)
    killed: dict[str, int] = field(default_factory=dict)
    megabytes: dict[str, list[float]] = field(default_factory=dict)

    def keep_running(self) -> None:
        """Start `c2s ui`, unless it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        self.n_starts += 1
        with (self.disk.parent / "ui.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "c2s_assets", "ui", "--port", str(self.port)],
                env=os.environ | {"C2S_LAKE": str(self.layout.root)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.sessions.add(self.process.pid)

    def stop(self) -> None:
        """Ask `c2s ui` to end, and give what it has started the time to end as well."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
        time.sleep(15)

    def processes(self) -> dict[int, str]:
        """Find every process that any `c2s ui` of ours has started, by number, and its kind."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                number = int(folder.name)
                if os.getsid(number) in self.sessions:
                    command = (folder / "cmdline").read_text().replace("\0", " ")
                    told = f"{(folder / 'comm').read_text()} {command}"
                    kinds = (kind for kind, words in _KINDS.items() if words in told)
                    found[number] = next(kinds, "other")
        return found

    def kill_one(self, chance: random.Random) -> None:
        """Kill any of them."""
        number, kind = chance.choice(sorted(self.processes().items()))
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
            self.killed[kind] = self.killed.get(kind, 0) + 1

    def measure(self) -> None:
        """Note how much memory each kind of process takes, and how much room the lake."""
        for number, kind in self.processes().items():
            with suppress(OSError):
                self.megabytes.setdefault(kind, []).append(resident_megabytes(number))
        for name, folder in ((_LAKE, self.layout.root), (_DAGSTER, self.layout.dagster_home)):
            self.megabytes.setdefault(name, []).append(_megabytes_below(folder))

    def megabytes_now(self) -> float:
        """Add up the memory of all processes."""
        total = 0.0
        for number in self.processes():
            with suppress(OSError):
                total += resident_megabytes(number)
        return total

    def unbuilt(self) -> list[str]:
        """Name the datasets of which something is not built."""
        settings = read_settings(self.layout)
        return [name for name in self.dropped if stale_tables(Dataset(self.layout, name, settings))]

    def beyond_bounds(self) -> list[str]:
        """Name the kinds of processes, and the folders, that took more than they may."""
        n_files = len(self.dropped)
        of_dagster = _AT_FIRST_MEGABYTES + _DAGSTER_PER_FILE * n_files
        most = {**_MOST_MEGABYTES, _DAGSTER: of_dagster, _LAKE: of_dagster + _TABLES_PER_FILE * n_files}
        # The lake is looked at when all is built: a killed build may leave half of what it staged until then.
        seen = {
            kind: sizes[-1] if kind in (_LAKE, _DAGSTER) else max(sizes)
            for kind, sizes in self.megabytes.items()
        }
        return [
            f"{kind} ({seen[kind]:,.0f} MB of {bound:,.0f})"
            for kind, bound in most.items()
            if seen.get(kind, 0.0) > bound
        ]

    def half_tables(self) -> list[str]:
        """Name what has other bytes than its record says."""
        settings, found = read_settings(self.layout), []
        for name in self.dropped:
            for asset, state in Dataset(self.layout, name, settings).state().items():
                if state.built is None or TABLES[asset].form == "source":
                    continue
                if tree_digest(*self.layout.places(asset, name)) != state.built.digest:
                    found.append(f"{name}/{asset}")
        return found


def main(minutes: float, seed: int) -> int:
    """Run it, print what was seen, and return 1 if anything is not as it has to be."""
    chance = random.Random(seed)  # noqa: S311  no secret
    with _small_disk() as (disk, can_be_full):
        layout = Layout(disk / "lake")
        layout.inbox.mkdir(parents=True)
        soak = Soak(layout, disk, free_port())
        began = time.monotonic()
        try:
            _disturb(soak, chance, seconds=minutes * 60, can_be_full=can_be_full)
            settled = _settle(soak)
            soak.measure()
        finally:
            soak.stop()
        left = soak.processes()
        debris = [path.name for path in layout.staging.iterdir() if "~" in path.name]
        wrong = {
            "not built": soak.unbuilt(),
            "half": soak.half_tables(),
            "left running": list(left.values()),
            "left in the staging folder": debris,
            "beyond its bound": soak.beyond_bounds(),
        }
        _print(soak, wrong, seconds=time.monotonic() - began, settled=settled)
    return int(any(wrong.values()))


def _disturb(soak: Soak, chance: random.Random, *, seconds: float, can_be_full: bool) -> None:
    began = time.monotonic()
    next_drop, next_kill, next_look = 0.0, _KILL_SECONDS, 0.0
    fills = [seconds / 3, seconds * 2 / 3] if can_be_full else []
    while (now := time.monotonic() - began) < seconds:
        soak.keep_running()
        if now >= next_drop:
            next_drop = now + _DROP_SECONDS
            with suppress(OSError):  # while the disk is full, it does not arrive
                drop(soak, seed=len(soak.dropped))
        if now >= next_kill:
            next_kill = now + _KILL_SECONDS
            soak.kill_one(chance)
        if now >= next_look:
            next_look = now + 10
            soak.measure()
        if fills and now >= fills[0]:
            fills.pop(0)
            with _full(soak.disk):
                time.sleep(_FULL_SECONDS)
        time.sleep(0.5)


def _settle(soak: Soak) -> float:
    """Wait until everything is built, and return how long that took."""
    began = time.monotonic()
    while soak.unbuilt() and time.monotonic() - began < _SETTLE_SECONDS:
        soak.keep_running()
        soak.measure()
        time.sleep(5)
    return time.monotonic() - began


def drop(soak: Soak, *, seed: int) -> None:
    """Drop 300 cells of ten donors, as a program does that writes beside and renames."""
    rng = np.random.default_rng(seed)
    counts = csr_array(rng.poisson(0.5, size=(300, 80)).astype(np.float32))
    obs = pd.DataFrame(
        {"donor_id": [f"d{n % 10}" for n in range(300)], "age": [20.0 + n % 10 * 5 for n in range(300)]},
        index=[f"s{seed}-c{n}" for n in range(300)],
    )
    var = pd.DataFrame(
        {"feature_name": [f"GENE{n}" for n in range(80)]}, index=[f"GENE{n}" for n in range(80)]
    )
    name = f"soak-{seed:04d}"
    partial = soak.layout.inbox / f".{name}.part"
    try:
        ad.AnnData(counts, obs=obs, var=var).write_h5ad(partial)
        partial.rename(soak.layout.inbox_h5ad(name))
    finally:
        partial.unlink(missing_ok=True)
    soak.dropped.append(name)


@contextmanager
def _small_disk() -> Iterator[tuple[Path, bool]]:
    with tempfile.TemporaryDirectory(prefix="c2s-soak-") as folder:
        disk = Path(folder) / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(disk)]
        is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        try:
            yield disk, is_mounted
        finally:
            if is_mounted:
                subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """Leave nothing free on the disk for as long as the block lasts."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 2**20) == 2**20:
            pass
    try:
        yield
    finally:
        filler.unlink()


def _megabytes_below(folder: Path) -> float:
    """Add up what is there of a folder in which files come and go."""
    size = 0
    for place, _, names in os.walk(folder):  # which passes over a folder that is gone by now
        for name in names:
            with suppress(FileNotFoundError):
                size += (Path(place) / name).lstat().st_size
    return size / 2**20


def resident_megabytes(number: int) -> float:
    """Return the memory of a process that is its own or shared."""
    pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody serves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _print(soak: Soak, wrong: dict[str, list[str]], *, seconds: float, settled: float) -> None:
    killed = ", ".join(f"{n} x {kind}" for kind, n in sorted(soak.killed.items()))
    print(f"{seconds / 60:.0f} minutes, the last {settled:.0f} s of them in peace")
    print(
        f"{len(soak.dropped)} files dropped; killed: {killed or 'nothing'}; "
        f"c2s ui started {soak.n_starts} times"
    )
    print("\n| what | MB at first | highest | at last |\n| --- | ---: | ---: | ---: |")
    for kind, sizes in soak.megabytes.items():
        tenth = max(len(sizes) // 10, 1)
        first, last = np.median(sizes[:tenth]), np.median(sizes[-tenth:])
        print(f"| {kind} | {first:,.0f} | {max(sizes):,.0f} | {last:,.0f} |")
    for what, names in wrong.items():
        print(f"{what}: {', '.join(names) or 'nothing'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(main(options.minutes, options.seed))
