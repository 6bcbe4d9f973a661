"""Measures how copies of cells and aliases of donors are found that are planted in a lake of many datasets.

    python -m benchmarks.leaks N_CELLS [N_CELLS ...] [--datasets N] [--scratch FOLDER]

Of each size a lake is made, see `planted`; a process of its own then renews `donor_aliases`, as the asset
does, and what it has found is compared with what was planted. `again` is a renewal of which nothing is new.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import polars as pl

from benchmarks.planted import CLASSES, Alias, choose_aliases, dataset_id, plant
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.leaks.published import read_aliases, read_copies

_RENEW = """
import sys
from pathlib import Path
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.leaks.renewing import renew
layout = Layout(Path(sys.argv[1]))
with stage(layout, "donor_aliases") as staged:
    staged.commit(*renew(staged, layout).targets)
"""


@dataclass(frozen=True)
class Found:
    """What was found of what was planted."""

    recall: dict[str, float]
    n_aliases: int
    n_false_aliases: int
    n_false_copies: int


def main() -> None:
    """Measure each size and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("n_cells", type=int, nargs="+", help="cells of the lake")
    parser.add_argument("--datasets", type=int, default=200, help="datasets of the lake")
    parser.add_argument("--scratch", type=Path, help="folder for the lake, 0.2 kB a cell")
    options = parser.parse_args()
    print(
        "| cells | s | s of processor | again, s | peak MB | aliases | false ones | false copies | recall |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for n_cells in options.n_cells:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            layout = plant(Path(folder), n_cells=n_cells, n_datasets=options.datasets)
            first, again = _measure(layout), _measure(layout)
            found = compare(layout, choose_aliases(options.datasets))
        print(_row(n_cells, first, again, found), flush=True)


def compare(layout: Layout, planted: Sequence[Alias]) -> Found:
    """Compare what the tables of a lake say with what was planted in it."""
    aliases = read_aliases(layout).filter("is_same_person")
    named = set(aliases.select("donor_uid", "other_donor_uid").iter_rows())
    wanted = {alias.donor_uids for alias in planted}
    groups: dict[int, pl.DataFrame] = {}
    n_found = dict.fromkeys(CLASSES, 0)
    n_all = dict.fromkeys(CLASSES, 0)
    for alias in planted:
        one, other = (_groups(layout, place, alias, groups) for place in (alias.source, alias.target))
        n_found[alias.what_became] += one.join(other, on=["row", "copy_group"]).height
        n_all[alias.what_became] += len(alias.rows)
    n_copies = sum(read_copies(layout, path.stem).height for path in layout.all_copies.glob("*.parquet"))
    return Found(
        recall={name: n_found[name] / n_all[name] for name in CLASSES},
        n_aliases=len(named & wanted),
        n_false_aliases=len(named - wanted),
        n_false_copies=n_copies - 2 * sum(n_found.values()),
    )


def _groups(layout: Layout, place: int, alias: Alias, known: dict[int, pl.DataFrame]) -> pl.DataFrame:
    """Read the groups of the cells of an alias in one of its datasets, by their rows."""
    if place not in known:
        copies = read_copies(layout, dataset_id(place))
        row = pl.col("cell_id").str.extract(r"-(\d+)$").cast(pl.Int64)
        known[place] = copies.select("copy_group", row=row)
    return known[place].filter(pl.col("row").is_in(alias.rows.tolist()))


@dataclass(frozen=True)
class _Run:
    seconds: float
    processor_seconds: float
    peak_bytes: int


def _measure(layout: Layout) -> _Run:
    started = perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _RENEW, str(layout.root)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the renewal ended with {process.returncode}")
    return _Run(perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _row(n_cells: int, first: _Run, again: _Run, found: Found) -> str:
    recall = ", ".join(f"{name}: {share:.1%}" for name, share in found.recall.items())
    return (
        f"| {n_cells:,} | {first.seconds:.1f} | {first.processor_seconds:.1f} | {again.seconds:.1f} "
        f"| {first.peak_bytes / 1e6:,.0f} | {found.n_aliases} "
        f"| {found.n_false_aliases} | {found.n_false_copies} | {recall} |"
    )


if __name__ == "__main__":
    main()
