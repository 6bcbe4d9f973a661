"""Measures what a published atlas takes: the human muscle ageing atlas, simulated in its shape.

    python -m benchmarks.published                  183,161 cells, some minutes and 8 GB of disk
    python -m benchmarks.published --cells 5000

The atlas is written by `benchmarks.muscle`; docs/published_card.md says how the files of the original differ
from ours.
"""

# Linux counts the memory of the parent at the fork into the peak of a child, so this process imports
# nothing large; the atlas is written by a process of its own, and so is Dagster asked for times.
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep, time

N_OBS = 183_161
DATASET_ID = "muscle"
SETTINGS = f"""\
build: [expression_matrix]
datasets:
  {DATASET_ID}:
    title: Human skeletal muscle ageing atlas (simulated)
    organism: Homo sapiens
    donor_column: DonorID
    age_group_column: Age_group
    cell_type_column: annotation_level0
"""

_PUBLISHED_MINUTES, _PUBLISHED_GIGABYTES = 41, 20
# What stands for what, with the size of the original in MB.
_PUBLISHED_MEGABYTES = {
    "expression_matrix": ("expression", 1_493.1),
    "expression": ("expression", 1_493.1),
    "cell_metadata.parquet": ("sample_metadata", 4.3),
    "feature_metadata.parquet": ("feature_metadata", 1.0),
    "projections/X_pca.parquet": ("projection_X_pca", 56.5),
    "projections/X_umap.parquet": ("projection_X_umap", 4.1),
    "projections/X_tsne.parquet": ("projection_X_tsne", 4.1),
    "projections/X_scVI.parquet": ("projection_X_scVI", 34.6),
    "unstructured_metadata.json": ("unstructured_metadata", 0.0032),
    "validation_report.json": ("validation_report", 0.0044),
}
_SECONDS_BETWEEN_SAMPLES = 0.02


def main() -> None:
    """Write the atlas, build everything of it, and print what that took."""
    options = _parse_arguments()
    with _scratch(options.folder) as folder:
        atlas, lake = folder / "atlas.h5ad", folder / "lake"
        _say(f"writing an atlas of {options.cells:,} cells")
        _run("-m", "benchmarks.muscle", str(atlas), str(options.cells), lake=lake)
        _say(f"  {atlas.stat().st_size / 1e6:,.0f} MB; building")
        lake.mkdir()
        (lake / "datasets.yaml").write_text(SETTINGS, encoding="utf-8")
        added = _run("-m", "c2s_assets", "add", str(atlas), "--link", "--id", DATASET_ID, lake=lake)
        built = _run("-m", "c2s_assets", "build", DATASET_ID, lake=lake)
        print(render(options.cells, added, built, _steps(lake), lake / "datasets" / DATASET_ID))


@dataclass(frozen=True)
class Measured:
    """A process: its wall time, its peak memory, samples of its memory by time of the clock, what it said."""

    seconds: float
    peak_bytes: int
    samples: list[tuple[float, int]]
    output: str

    def peak_between(self, start: float, end: float) -> int | None:
        """Highest sample of a span of time; None if it was too short for any."""
        return max((n_bytes for at, n_bytes in self.samples if start <= at <= end), default=None)


def render(
    n_obs: int, added: Measured, built: Measured, steps: Mapping[str, tuple[float, float]], folder: Path
) -> str:
    """Write the tables of steps and files as Markdown."""
    return "\n".join(
        [
            f"# A published atlas: {n_obs:,} cells x 29,400 genes",
            "",
            f"`c2s build` took {built.seconds:,.0f} s and at most {built.peak_bytes / 1e9:.2f} GB, after "
            f"{added.seconds:,.1f} s of `c2s add`. The original took {_PUBLISHED_MINUTES} min and "
            f"{_PUBLISHED_GIGABYTES} GB, for its files alone.",
            "",
            "| asset | seconds | peak MB |",
            "| --- | ---: | ---: |",
            *(
                f"| {name} | {end - start:.1f} | {_megabytes(built.peak_between(start, end))} |"
                for name, (start, end) in steps.items()
            ),
            "",
            "| ours | MB | the original's | MB |",
            "| --- | ---: | --- | ---: |",
            *(_file_row(name, n_bytes) for name, n_bytes in _sizes(folder).items()),
            "",
            "```",
            *(
                line
                for line in built.output.splitlines()
                if "BROKEN" in line or "note  " in line or "FAILED" in line or "checks hold" in line
            ),
            "```",
        ]
    )


def _file_row(name: str, n_bytes: int) -> str:
    theirs, megabytes = _PUBLISHED_MEGABYTES.get(name, ("", None))
    return (
        f"| {name} | {n_bytes / 1e6:,.2f} | {theirs} | {'' if megabytes is None else f'{megabytes:,.4g}'} |"
    )


def _megabytes(n_bytes: int | None) -> str:
    return "" if n_bytes is None else f"{n_bytes / 1e6:,.0f}"


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of every file, and of every folder of parts; each projection is a table of its own."""
    sizes: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder)
            table = str(name) if name.parts[0] == "projections" else name.parts[0]
            sizes[table] = sizes.get(table, 0) + path.stat().st_size
    return sizes


def _steps(lake: Path) -> dict[str, tuple[float, float]]:
    """When each step of the last run began and ended, as Dagster recorded it."""
    script = """
import json, dagster as dg
with dg.DagsterInstance.get() as instance:
    run_id = instance.get_run_records(limit=1)[0].dagster_run.run_id
    print(json.dumps([[s.step_key, s.start_time, s.end_time] for s in instance.get_run_step_stats(run_id)]))
"""
    found = json.loads(_run("-c", script, lake=lake).output.splitlines()[-1])
    times = sorted((start, end, name) for name, start, end in found if start and end)
    return {name: (start, end) for start, end, name in times}


def _run(*arguments: str, lake: Path) -> Measured:
    """Run Python to its end, and sample its memory meanwhile."""
    environment = {**os.environ, "C2S_LAKE": str(lake), "DAGSTER_HOME": str(lake / ".dagster")}
    samples: list[tuple[float, int]] = []
    with tempfile.TemporaryFile("w+") as output:
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=Path(__file__).parents[1],
            env=environment,
            stdout=output,
            text=True,
        )
        status = usage = None
        while status is None:
            ended, code, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                status, usage = code, used
            else:
                samples.append((time(), _resident_bytes(process.pid)))
                sleep(_SECONDS_BETWEEN_SAMPLES)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{said}")
    return Measured(seconds, usage.ru_maxrss * 1024 if usage else 0, samples, said)


def _resident_bytes(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    """Give a folder that is removed at the end; in `folder`, if one is given."""
    path = Path(tempfile.mkdtemp(prefix="published-", dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cells", type=int, default=N_OBS)
    parser.add_argument("--folder", type=Path, help="where large files go, removed at the end")
    return parser.parse_args()


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
