"""Builds bombs as a user would and says what each step took: `python -m ... FOLDER [--large] [CLASS ...]`.

Every step is a process of its own, whose peak of memory is that of the largest process that it started.
"""

import argparse
import os
import resource
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from c2s_assets_tests.bombs import BOMBS, write_bomb
from c2s_assets_tests.end_to_end.commands import environment

# Not a limit of ours: what keeps a machine that others use alive.
MOST_MEMORY_BYTES = 12 * 2**30
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Outcome:
    """How a step ended: `built` and `refused` are an exit code of 0 and 1, `crashed` is everything else.

    Seconds are those of the processor, so that they mean the same on a machine that others use.
    """

    step: str
    ending: str
    seconds: float
    peak_bytes: int
    said: str


def add(path: Path, *, lake: Path, dataset_id: str) -> Outcome:
    """Run `c2s add`."""
    return _run("add", ["-m", "c2s_assets", "add", str(path), "--id", dataset_id], lake=lake)


def take_in(*, lake: Path, dataset_id: str) -> Outcome:
    """Build `raw_h5ad` alone."""
    build_raw = (
        "import sys; from pathlib import Path; from c2s_assets.definitions import defs; "
        "from c2s_assets.defs.service import build, open_instance; "
        "from c2s_assets.storage.lake.layout import Layout; layout = Layout(Path(sys.argv[1])); "
        "instance = open_instance(layout).__enter__(); "
        "sys.exit(not build(instance, defs, sys.argv[2], assets=['raw_h5ad']).succeeded)"
    )
    return _run("raw_h5ad", ["-c", build_raw, str(lake), dataset_id], lake=lake)


def build(*, lake: Path, dataset_id: str) -> Outcome:
    """Run `c2s build`."""
    return _run("build", ["-m", "c2s_assets", "build", dataset_id], lake=lake)


def run_all(path: Path, *, lake: Path, dataset_id: str) -> list[Outcome]:
    """Run the steps up to the first that is refused."""
    outcomes = [add(path, lake=lake, dataset_id=dataset_id)]
    for step in (take_in, build):
        if outcomes[-1].ending == "built":
            outcomes.append(step(lake=lake, dataset_id=dataset_id))
    return outcomes


def _run(step: str, arguments: list[str], *, lake: Path) -> Outcome:
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(lake),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_limit,  # noqa: PLW1509 - no thread of ours is running
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    endings = {0: "built", 1: "refused"}
    return Outcome(
        step=step,
        ending=endings.get(process.returncode, f"crashed ({process.returncode})"),
        seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,
        said=said,
    )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (int(MOST_SECONDS), int(MOST_SECONDS)))


def main() -> None:
    """Print a row for each step of each class."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="CLASS")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or BOMBS:
        path = _write_apart(options.folder / "bomb.h5ad", name, is_large=options.large)
        dataset_id = name.replace(" ", "_")
        size = path.stat().st_size
        for outcome in run_all(path, lake=options.folder / "lake", dataset_id=dataset_id):
            peak = outcome.peak_bytes / 2**20
            print(  # noqa: T201 - a script
                f"{name:34} {size:>11,} B  {outcome.step:9} {outcome.ending:14} {outcome.seconds:6.1f} s "
                f"{peak:7,.0f} MB  {_last_words(outcome.said)}",
                flush=True,
            )


def _write_apart(path: Path, name: str, *, is_large: bool) -> Path:
    """Write a bomb in a process of its own: the memory of this one counts as that of those it starts."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(write_bomb, path, name, is_large=is_large).result()


def _last_words(said: str) -> str:
    """Shorten what a step printed to the line that says why it failed."""
    lines = said.strip().splitlines() or [""]
    failures = [line for line in lines if "FAILED:" in line or line.startswith("c2s: ")]
    return (failures or lines)[-1].strip()[:150]


if __name__ == "__main__":
    main()
