"""Measures what is made of a tissue, on a section that it draws; prints Markdown.

    python -m benchmarks.spatial FOLDER communication [--cells 100000]
    python -m benchmarks.spatial FOLDER cut [--cells 100000]
    python -m benchmarks.spatial FOLDER section [--cells 100000]
    python -m benchmarks.spatial FOLDER bins [--cells 300000]

`communication` hears from levels of expression to Parquet. `cut` reads pixels of the patches of cells from a
tiled JPEG pyramid. `section` builds all tables of a dataset, each group of them in a process of its own.
`bins` adds 5.5 million bins of 2 um with the outlines of so many cells. Each measures a process from its
start to its end, with what it imports. FOLDER is where sections are drawn, and used again.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter


def main(options: argparse.Namespace) -> None:
    """Draw what is missing, and measure what was asked for."""
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| what | seconds | of the processor | peak memory |\n| --- | ---: | ---: | ---: |")
    _MEASURED[options.what](options)


def measure(name: str, command: list[str]) -> None:
    """Run a command and print a row of how long it took, on how many processors, and its peak of memory."""
    started = perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - started
    if status:
        sys.exit(f"{name} failed: {' '.join(command)}")
    of_processor = usage.ru_utime + usage.ru_stime
    print(f"| {name} | {seconds:.0f} | {of_processor:.1f} | {usage.ru_maxrss / 2**20:.2f} GB |", flush=True)


def _work(options: argparse.Namespace, name: str) -> list[str]:
    """Do one thing in a process of its own."""
    return [sys.executable, "-m", "benchmarks.spatial_work", name, str(options.folder), str(options.cells)]


def _communication(options: argparse.Namespace) -> None:
    measure(f"{options.cells:,} cells, 1 thread", _work(options, "hear_alone"))
    measure("the same, 2 threads, up to Parquet", _work(options, "hear"))


def _drawn(options: argparse.Namespace) -> Path:
    """Draw a section of so many cells, unless it was before."""
    folder: Path = options.folder / f"section_{options.cells}"
    if not (folder / "slide.tif").exists():
        folder.mkdir(exist_ok=True)
        subprocess.run([*_work(options, "draw")[:-2], str(folder), str(options.cells)], check=True)
    return folder


def _cut(options: argparse.Namespace) -> None:
    folder = _drawn(options)
    for name in ("cut_cells", "cut_tissue"):
        measure(name, [*_work(options, name)[:-2], str(folder), str(options.cells)])


def _bins(options: argparse.Namespace) -> None:
    folder, lake = options.folder / f"bins_{options.cells}", options.folder / "lake_of_bins"
    if not folder.exists():
        subprocess.run(_work(options, "draw_bins"), check=True)
    shutil.rmtree(lake, ignore_errors=True)
    os.environ["C2S_LAKE"] = str(lake)
    measure("`c2s add`", [sys.executable, "-m", "c2s_assets", "add", str(folder), "--id", "bins"])


def _section(options: argparse.Namespace) -> None:
    folder = _drawn(options)
    lake = folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    (lake / "inbox").mkdir(parents=True)
    os.link(folder / "section.h5ad", lake / "inbox" / "section.h5ad")
    os.environ["C2S_LAKE"] = str(lake)
    spatial = f"um_per_unit: 0.25, unit: cell, image: {folder / 'slide.tif'}"
    pairs = f"communication: {{pairs: {folder / 'pairs.csv'}}}"
    dataset = f"datasets: {{section: {{spatial: {{{spatial}}}}}}}"
    (lake / "datasets.yaml").write_text(f"{pairs}\n{dataset}\n")
    for tables in _STAGES:
        measure(f"`{tables}`", [sys.executable, "-m", "c2s_assets", "build", "section", "--only", tables])
    measure("recovery of the type", [*_work(options, "leaks")[:-2], str(lake), str(options.cells)])


# What each process builds, after what it is made of.
_STAGES = (
    "cell_metadata,feature_metadata",
    "cell_attributes",
    "cell_communication,section_communication",
    "image_patches",
    "captions",
    "expression",
    "cell_records",
)
_MEASURED: dict[str, Callable[[argparse.Namespace], None]] = {
    "communication": _communication,
    "cut": _cut,
    "section": _section,
    "bins": _bins,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", choices=list(_MEASURED))
    parser.add_argument("--cells", type=int, default=100_000)
    main(parser.parse_args())
