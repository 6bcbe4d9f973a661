"""Compares shuffled batches of ours with annbatch and scDataset, on the same cells; prints Markdown.

    python -m benchmarks.batches FOLDER --annbatch PYTHON --scdataset PYTHON [--cells 40000] [--rounds 3]

PYTHON is the interpreter of an environment that has the library: annbatch needs Python 3.12, scDataset needs
PyTorch. FOLDER is where the cells are written, sorted by type, which is the worst order to draw from; a
folder that has them is used as it is.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import anndata as ad

import c2s_assets
from benchmarks.atlas import write_atlas

_LOADERS = Path(__file__).with_name("batch_loaders.py")
_NAMES = {"ours": "**`c2s_assets.batches`**", "annbatch": "annbatch", "scdataset": "scDataset"}


def main(options: argparse.Namespace) -> None:
    """Write what is missing, let the libraries take turns, print the table."""
    if not (options.folder / "train.h5ad").exists():
        prepare(options.folder, n_obs=options.cells)
    pythons = {"ours": sys.executable, "annbatch": options.annbatch, "scdataset": options.scdataset}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name, python in pythons.items() if python}
    for _ in range(options.rounds):
        for name, of_one in runs.items():
            of_one.append(run(pythons[name], name, options.folder))
    print(render(runs))


def prepare(folder: Path, *, n_obs: int) -> None:
    """Write the cells three times: as a lake, as its export for annbatch, as an h5ad of train."""
    lake = folder / "lake"
    (lake / "inbox").mkdir(parents=True)
    cells = ad.read_h5ad(write_atlas(folder / "atlas.h5ad", n_obs=n_obs))
    cells = cells[cells.obs.sort_values(["cell_type", "donor_id"]).index].copy()
    cells.write_h5ad(lake / "inbox" / "atlas.h5ad")
    _c2s(lake, "build", "atlas", "--only", "train_test,expression")
    _c2s(lake, "export", "annbatch", "--to", str(folder / "annbatch"))
    train = c2s_assets.open_lake(lake).training(side="train", columns=["cell_id"]).collect()["cell_id"]
    cells[train.to_list()].copy().write_h5ad(folder / "train.h5ad")


def run(python: str, library: str, folder: Path) -> dict[str, Any]:
    """Draw two epochs in a process of its own; getting ready is not counted."""
    done = subprocess.run([python, _LOADERS, library, folder], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def render(runs: dict[str, list[dict[str, Any]]]) -> str:
    """Render medians, and ratios to ours of the same round."""
    lines = [
        "| library | cells/s | of ours | processor, microseconds a cell | peak memory | entropy of labels |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, of_one in runs.items():
        speeds = [one["n_cells"] / one["seconds"] for one in of_one]
        ratios = [mine["seconds"] / one["seconds"] for mine, one in zip(runs["ours"], of_one, strict=True)]
        processor = median(one["processor_seconds"] / one["n_cells"] for one in of_one) * 1e6
        lines.append(
            f"| {_NAMES[name]} | {median(speeds):,.0f} | {median(ratios):.2f} | {processor:.0f} | "
            f"{max(one['peak_mb'] for one in of_one):,.0f} MB | "
            f"{median(one['entropy'] for one in of_one):.3f} |"
        )
    first = runs["ours"][0]
    lines.append(
        f"\n{first['n_cells'] // 2:,} cells, twice, of {first['n_values'] / first['n_cells']:,.0f} values, "
        f"{len(runs['ours'])} rounds in turn on {os.cpu_count()} cores; load at the end "
        f"{os.getloadavg()[0]:.0f}."
    )
    return "\n".join(lines)


def _c2s(lake: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "c2s_assets", *arguments]
    subprocess.run(command, env={**os.environ, "C2S_LAKE": str(lake)}, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--annbatch", metavar="PYTHON")
    parser.add_argument("--scdataset", metavar="PYTHON")
    parser.add_argument("--cells", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args())
