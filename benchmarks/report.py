"""Renders what was measured as Markdown."""

import os
import platform
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

# Cells and datasets of CELLxGENE Discover.
_DISCOVER_CELLS, _DISCOVER_DATASETS = 217_000_000, 2_200

_LIBRARIES = ("numpy", "scipy", "h5py", "isal", "numba", "pyarrow", "polars", "pandas", "anndata", "dagster")
_WHAT = {
    "dense": "dense way: top 2,000 of all features, zeros included",
    "sparse": "sparse way: per-cell argsort and join, as the Cell2Sentence tutorial",
    "h5py": "h5py, only reading X",
    "reader": "our reader, only reading X",
    "sentences": "**`cell_sentences`**: the path of the asset",
    "inflate": "floor: only inflating the chunks of X",
    "write": "floor: only writing the sentences",
    "build": "**main job**: `c2s build` of metadata, sentences and splits, checks and plots",
}


@dataclass(frozen=True)
class Run:
    """One process: seconds of the work and of the whole process, its peak memory, bytes written."""

    seconds: float
    process_seconds: float
    peak_bytes: int
    n_bytes: int
    output: str


@dataclass
class Results:
    """All runs by number of cells and way, the sizes of the files they read, and how busy the machine was."""

    load_before: float
    runs: dict[tuple[int, str], list[Run]] = field(default_factory=lambda: defaultdict(list))
    atlas_bytes: dict[int, int] = field(default_factory=dict)
    start_up: dict[str, Run] = field(default_factory=dict)

    def add(self, n_obs: int, way: str, run: Run) -> None:
        """Add a run."""
        self.runs[n_obs, way].append(run)

    @property
    def sizes(self) -> list[int]:
        """Numbers of cells, ascending."""
        return sorted(self.atlas_bytes)

    def seconds(self, n_obs: int, way: str) -> float:
        """Median time of the work."""
        return median(run.seconds for run in self.runs[n_obs, way])

    def process_seconds(self, n_obs: int, way: str) -> float:
        """Median time of the whole process."""
        return median(run.process_seconds for run in self.runs[n_obs, way])

    def peak_bytes(self, n_obs: int, way: str) -> int:
        """Highest peak of memory."""
        return max(run.peak_bytes for run in self.runs[n_obs, way])


def render(results: Results) -> str:
    """Write the report: machine, table of all measurements, what they say, and what follows for Discover."""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench` on {_machine()}. "
            f"Load of the machine before it began: {results.load_before:.1f}.",
            "",
            *_table(results),
            "",
            *_explanation(results),
            "",
            "## What it comes to",
            "",
            *_ratios(results),
            "",
            "## Peak memory by size",
            "",
            *_memory(results),
            "",
            "## Steps of the main job",
            "",
            *_steps(results),
            "",
            "## Start-up of a process",
            "",
            *_start_up(results),
            "",
            "## CELLxGENE Discover",
            "",
            *_discover(results),
            "",
        ]
    )


def _machine() -> str:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    cores = len(os.sched_getaffinity(0))
    python = f"Python {platform.python_version()}"
    return f"{cores} cores ({platform.machine()}), {gibibytes:.0f} GiB, {python}, {libraries}"


def _table(results: Results) -> list[str]:
    head = (
        "cells",
        "what",
        "seconds",
        "range",
        "whole process",
        "cells/s",
        "x dense",
        "x sparse",
        "peak MB",
        "written MB",
    )
    rows = [_row(results, n_obs, way) for n_obs, way in results.runs]
    return [_line(*head), _line("---:", "---", *["---:"] * (len(head) - 2)), *rows]


def _row(results: Results, n_obs: int, way: str) -> str:
    runs, seconds = results.runs[n_obs, way], results.seconds(n_obs, way)
    each = [run.seconds for run in runs]
    makes_sentences = way in ("dense", "sparse", "sentences", "build")
    return _line(
        f"{n_obs:,}",
        _WHAT[way],
        f"{seconds:.2f}",
        f"{min(each):.2f}-{max(each):.2f}" if len(runs) > 1 else "",
        f"{results.process_seconds(n_obs, way):.2f}",
        f"{n_obs / seconds:,.0f}",
        f"{_speed_up(results, n_obs, way, over='dense'):.1f}" if makes_sentences else "",
        f"{_speed_up(results, n_obs, way, over='sparse'):.1f}" if makes_sentences else "",
        f"{results.peak_bytes(n_obs, way) / 1e6:,.0f}",
        f"{runs[-1].n_bytes / 1e6:,.0f}" if makes_sentences else "",
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _speed_up(results: Results, n_obs: int, way: str, *, over: str) -> float:
    """How many times as many cells a second as a reference; of the build, whole processes are compared."""
    least = results.sizes[0]
    seconds = results.process_seconds if way == "build" else results.seconds
    return (n_obs / seconds(n_obs, way)) / (least / seconds(least, over))


def _explanation(results: Results) -> list[str]:
    least = results.sizes[0]
    n_runs = len(results.runs[least, "sentences"])
    bytes_per_cell = results.atlas_bytes[least] / least
    return [
        f"- At {least:,} cells each way ran {n_runs} times, in turns; seconds are medians, memory is the "
        "highest. Larger sizes ran once.",
        "- `seconds` is the work, from opening the h5ad to the closed parquet files, after imports and with "
        "kernels loaded; `whole process` has these too. Of the main job there is only the whole process.",
        f"- `x dense` and `x sparse` compare cells per second with those two ways at {least:,} cells; "
        "the main job is compared by whole processes.",
        "- The h5ad is in the page cache, and nothing is forced to disk except what the main job commits. "
        "The atlas is simulated (`benchmarks/atlas.py`): 29,400 features, 1,430 expressed per cell, "
        f"gzip 4, {bytes_per_cell / 1e3:.1f} kB a cell.",
        "- The dense way is only that part of the pipeline we replace which writes sentences. What the whole "
        "pipeline took (DESIGN.md section 6) was measured elsewhere and is not in this table.",
        "- `dense` and `sparse` write with the defaults of pandas (snappy), we with zstd.",
    ]


def _ratios(results: Results) -> list[str]:
    least = results.sizes[0]
    by_work = {over: _speed_up(results, least, "sentences", over=over) for over in ("dense", "sparse")}
    of_sentences, of_build = (results.process_seconds(least, way) for way in ("sentences", "build"))
    of_dense, of_sparse = (results.process_seconds(least, way) for way in ("dense", "sparse"))
    reader = results.seconds(least, "h5py") / results.seconds(least, "reader")
    return [
        f"- `cell_sentences`: {by_work['dense']:.1f} x the dense way, {by_work['sparse']:.1f} x the sparse "
        f"way; {of_dense / of_sentences:.1f} x and {of_sparse / of_sentences:.1f} x by whole processes.",
        f"- Main job: {of_dense / of_build:.1f} x the dense way, by whole processes.",
        f"- Reader alone: {reader:.1f} x h5py.",
        *(_floor(results, n_obs) for n_obs in results.sizes),
    ]


def _floor(results: Results, n_obs: int) -> str:
    inflate, write = results.seconds(n_obs, "inflate"), results.seconds(n_obs, "write")
    ratio = (inflate + write) / results.seconds(n_obs, "sentences")
    return (
        f"- Floor at {n_obs:,} cells: inflating {inflate:.2f} s + writing {write:.2f} s = "
        f"{inflate + write:.2f} s, which is {ratio:.2f} of the time of `cell_sentences`."
    )


def _memory(results: Results) -> list[str]:
    head = ["what", *(f"{n_obs:,} cells" for n_obs in results.sizes), "change"]
    lines = [_line(*head), _line("---", *["---:"] * (len(head) - 1))]
    for way in ("sentences", "build"):
        peaks = [results.peak_bytes(n_obs, way) for n_obs in results.sizes]
        shown = [f"{peak / 1e6:,.0f} MB" for peak in peaks]
        lines.append(_line(_WHAT[way], *shown, f"{100 * (peaks[-1] / peaks[0] - 1):+.0f} %"))
    return lines


def _steps(results: Results) -> list[str]:
    """Copy what the main job says of its assets, of the last run of the largest size."""
    printed = results.runs[results.sizes[-1], "build"][-1].output.splitlines()
    return ["```", *(line for line in printed if line.startswith("  ") and line.endswith(" s")), "```"]


def _start_up(results: Results) -> list[str]:
    return [
        f"- {what}: {run.process_seconds:.2f} s, {run.peak_bytes / 1e6:,.0f} MB."
        for what, run in results.start_up.items()
    ]


def _discover(results: Results) -> list[str]:
    most = results.sizes[-1]
    sizes = " and ".join(f"{n_obs:,}" for n_obs in _ends(results))
    terabytes_read = _DISCOVER_CELLS * results.atlas_bytes[most] / most / 1e12
    head = ("what", "start-up of a process", "cells/s after it", "hours", "of these start-up", "TB written")
    return [
        f"{_DISCOVER_CELLS / 1e6:.0f} million cells in {_DISCOVER_DATASETS:,} datasets, from whole processes "
        f"with {sizes} cells:",
        "",
        _line(*head),
        _line("---", *["---:"] * (len(head) - 1)),
        *(_extrapolation(results, way) for way in ("sentences", "build")),
        "",
        "Assumed: every cell expresses 1,430 genes of 29,400, as here; each dataset is a process of its own, "
        f"one after the other on this one machine; the {terabytes_read:.2f} TB of h5ad (counts alone; real "
        "files also hold a normalised X) are there already and are read as fast as from the page cache here; "
        "the disk takes as fast what is written. Not counted: downloads, uploads, and that datasets stored "
        "by column are sorted first.",
    ]


def _extrapolation(results: Results, way: str) -> str:
    most = results.sizes[-1]
    start_up, rate = _start_up_and_rate(results, way)
    hours_of_start_up = _DISCOVER_DATASETS * start_up / 3600
    hours = _DISCOVER_CELLS / rate / 3600 + hours_of_start_up
    terabytes = _DISCOVER_CELLS * results.runs[most, way][-1].n_bytes / most / 1e12
    return _line(
        _WHAT[way],
        f"{start_up:.1f} s" if len(_ends(results)) > 1 else "in the rate",
        f"{rate:,.0f}",
        f"{hours:.1f}",
        f"{hours_of_start_up:.1f}",
        f"{terabytes:.2f}",
    )


def _start_up_and_rate(results: Results, way: str) -> tuple[float, float]:
    """Seconds that do not depend on the cells, and cells per second beyond: a line through two sizes.

    With only one size nothing tells the two apart, and all is in the rate.
    """
    least, most = _ends(results)[0], _ends(results)[-1]
    seconds = results.process_seconds(least, way)
    if least == most:
        return 0.0, least / seconds
    rate = (most - least) / (results.process_seconds(most, way) - seconds)
    return max(seconds - least / rate, 0.0), rate


def _ends(results: Results) -> list[int]:
    return sorted({results.sizes[0], results.sizes[-1]})
