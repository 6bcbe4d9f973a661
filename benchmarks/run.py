"""Measures how fast and in how much memory sentences and datasets are made, and writes `RESULTS.md`.

    make bench                 20,000 cells, some minutes
    make bench ARGS=--large    200,000 and 1,000,000 cells too, about half an hour and 20 GB of disk

Every measurement is a process of its own. The ways that are compared take turns, so that whatever else
the machine does meets all of them.
"""

# Linux counts the memory of the parent at the fork into the peak of a child, so this process stays small:
# it imports nothing but the standard library.
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from benchmarks.report import Results, Run, render

_HERE = Path(__file__).parent
_COMPARED = 20_000
_LARGE = (200_000, 1_000_000)
# Of each way at the compared size, and for the larger sizes, where a repetition takes minutes.
_WAYS = ("dense", "sparse", "h5py", "reader", "sentences", "inflate", "write", "build")
_WAYS_LARGE = ("sentences", "inflate", "write", "build")
_DATASET_ID = "atlas"


def main() -> None:
    """Measure, print the report, and write it to a file."""
    options = _parse_arguments()
    sizes = [options.cells, *(_LARGE if options.large else ())]
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        bench = _Bench(Path(folder), Results(load_before=os.getloadavg()[0]))
        bench.measure_start_up()
        for n_obs in sizes:
            is_compared = n_obs == options.cells
            with bench.atlas(n_obs) as atlas:
                for _ in range(options.repeats if is_compared else 1):
                    for way in _WAYS if is_compared else _WAYS_LARGE:
                        bench.measure(way, atlas, n_obs=n_obs)
    report = render(bench.results)
    print(report)
    options.output.write_text(report, encoding="utf-8")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--large", action="store_true", help="measure 200,000 and 1,000,000 cells too")
    parser.add_argument("--cells", type=int, default=_COMPARED, help="cells of the comparison")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison; the median counts")
    parser.add_argument("--scratch", type=Path, help="folder for large files, removed at the end")
    parser.add_argument("--output", type=Path, default=_HERE / "RESULTS.md", help="file of the report")
    return parser.parse_args()


@dataclass
class _Bench:
    """Runs measurements in a scratch folder and collects what they show."""

    folder: Path
    results: Results

    def measure_start_up(self) -> None:
        """Measure what a process costs before it does anything, and what compiling the kernels costs."""
        kernels = "from benchmarks.ours import load_kernels; load_kernels()"
        _run("-c", kernels)  # compiles them if this checkout never did
        anew = {"NUMBA_CACHE_DIR": str(self.folder / "kernels")}
        self.results.start_up = {
            "Python alone": _run("-c", "pass"),
            "`import benchmarks.ours`, which is what `sentences` needs": _run("-c", "import benchmarks.ours"),
            "the same, and the kernels loaded from the cache": _run("-c", kernels),
            "the same, and the kernels compiled anew, as once per installation": _run(
                "-c", kernels, environment=anew
            ),
            "`import c2s_assets.definitions`, which is what `c2s build` needs": _run(
                "-c", "import c2s_assets.definitions"
            ),
        }

    @contextmanager
    def atlas(self, n_obs: int) -> Iterator[Path]:
        """Make an atlas of a size, and remove it with all that was made of it."""
        path = self.folder / "atlas.h5ad"
        _say(f"writing an atlas of {n_obs:,} cells")
        generated = _run("-m", "benchmarks.atlas", str(path), str(n_obs))
        self.results.atlas_bytes[n_obs] = path.stat().st_size
        _say(f"  {generated.process_seconds:.1f} s, {path.stat().st_size / 1e6:,.0f} MB")
        try:
            yield path
        finally:
            shutil.rmtree(self.folder)
            self.folder.mkdir()

    def measure(self, way: str, atlas: Path, *, n_obs: int) -> None:
        """Do one thing once, in a process of its own."""
        os.sync()  # so that nobody pays for what the one before has left to write
        run = self._build(atlas) if way == "build" else self._measure(way, atlas)
        self.results.add(n_obs, way, run)
        _say(f"  {way:<10} {run.seconds:8.2f} s {run.peak_bytes / 1e6:8,.0f} MB")

    def _measure(self, way: str, atlas: Path) -> Run:
        # `write` takes what `sentences` has left.
        source = self.folder / ("sentences" if way == "write" else way)
        target = self.folder / "written" if way == "write" else source
        shutil.rmtree(target, ignore_errors=True)
        run = _run("-m", "benchmarks.measure", way, str(atlas), str(source))
        run = replace(run, seconds=float(run.output), n_bytes=_size_bytes(target))
        if way == "write":
            shutil.rmtree(source)
        if way != "sentences":
            shutil.rmtree(target, ignore_errors=True)
        return run

    def _build(self, atlas: Path) -> Run:
        lake = self.folder / "lake"
        environment = {"C2S_LAKE": str(lake), "DAGSTER_HOME": str(lake / ".dagster")}
        add = ("add", str(atlas), "--link", "--id", _DATASET_ID)
        _run("-m", "c2s_assets", *add, environment=environment)
        run = _run("-m", "benchmarks.main_job", _DATASET_ID, environment=environment)
        run = replace(run, n_bytes=_size_bytes(lake / "datasets" / _DATASET_ID))
        shutil.rmtree(lake)
        return run


def _run(*arguments: str, environment: dict[str, str] | None = None) -> Run:
    """Run Python to its end; its wall time, its peak memory and what it printed.

    The peak is that of the largest single process, so it is that of Python itself unless it starts others.
    """
    started = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=_HERE.parent,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{output}")
    peak_bytes = usage.ru_maxrss * 1024
    return Run(seconds=seconds, process_seconds=seconds, peak_bytes=peak_bytes, n_bytes=0, output=output)


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
