"""Does one thing with a tissue and prints what that took; called by `spatial`.

python -m benchmarks.spatial_work NAME FOLDER CELLS
"""

import shutil
import sys
from pathlib import Path
from time import perf_counter

import polars as pl

from benchmarks import sections
from c2s_assets.core.spatial.hearing import Hearing
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.spatial import communication
from c2s_assets.storage.tables.parquet import write_blocks

PAIRS, GENES, DETECTED, PER_MM2 = 2_000, 1_400, 0.08, 5_000.0


def hear(folder: Path, n_cells: int, *, n_threads: int, is_written: bool) -> None:
    """Let cells hear each other, and write the table."""
    communication.N_THREADS = n_threads  # type: ignore[attr-defined]
    sample = sections.sample(n_cells, per_mm2=PER_MM2)
    levels = sections.levels(n_cells, n_genes=GENES, detected=DETECTED)
    started = perf_counter()
    hearing = Hearing(sample, levels, sections.roles(n_pairs=PAIRS, n_genes=GENES))
    del levels
    waiting, written = folder / "waiting", folder / "written"
    for made in (waiting, written):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
    kept, _ = communication.hear_all(hearing, waiting)
    heard = perf_counter()
    n_edges = int(kept.senders.lists.indptr[-1])
    _say(f"{n_edges:,} times one hears another; {heard - started:.1f} s to hear")
    if is_written:
        ids = pl.Series("cell_id", [f"cell_{row:07d}" for row in range(n_cells)])
        blocks = communication.rows_of_cells(hearing, kept, ids)
        model = TABLES["cell_communication"].model
        write_blocks(written, blocks, model=model, footer={}, plain=("sender_index",))
        _say(f"{perf_counter() - heard:.1f} s to write")
    shutil.rmtree(waiting)
    shutil.rmtree(written)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(name: str, folder: Path, n_cells: int) -> None:
    """Do what is named."""
    if name == "hear_alone":
        hear(folder, n_cells, n_threads=1, is_written=False)
    elif name == "hear":
        hear(folder, n_cells, n_threads=2, is_written=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
