"""Does one thing with a tissue and prints what that took; called by `spatial`.

python -m benchmarks.spatial_work NAME FOLDER CELLS
"""

import json
import shutil
import sys
from pathlib import Path
from time import perf_counter, process_time

import h5py
import polars as pl

from benchmarks import hd_bins, sections
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.hearing import Hearing
from c2s_assets.core.spatial.patches import CELL_PATCH, TISSUE_PATCH, PatchSize
from c2s_assets.core.spatial.sample import place_cells
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.images.opening import open_image
from c2s_assets.storage.images.source import TileReader
from c2s_assets.storage.spatial import communication
from c2s_assets.storage.spatial.patches import PatchWriter
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


def cut(folder: Path, size: PatchSize) -> None:
    """Read the pixels of all patches in the order of tiles, in this thread: decode tiles, cut, resample."""
    with h5py.File(folder / "section.h5ad") as file:
        xy_px = file["obsm/spatial"][:]
    placed = place_cells(xy_px, calibration=Calibration(0.25, "um_per_unit", {}), unit="cell")
    with open_image(folder / "slide.tif") as image:
        writer = PatchWriter(placed, image, TileReader(image))
        started, of_processor = perf_counter(), process_time()
        n_cut = sum(window.patch(size.px).size > 0 for batch in writer.windows(size) for _, window in batch)
        seconds, of_processor = perf_counter() - started, process_time() - of_processor
    full = image.levels[0]
    _say(
        f"{n_cut:,} patches of {size.px} px from {full.width:,} x {full.height:,} px: "
        f"{n_cut / of_processor:,.0f} a second of the processor, {n_cut / seconds:,.0f} a second"
    )


def leaks(lake: Path) -> None:
    """Say what the check of captions has found."""
    record = json.loads((lake / "datasets" / "section" / "record.json").read_text())
    text = json.dumps(record)
    at = text.index("recovered_from_caption")
    _say(text[at - 200 : at + 400])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(name: str, folder: Path, n_cells: int) -> None:
    """Do what is named."""
    if name == "draw":
        sections.write_section(folder, n_cells=n_cells, n_pairs=PAIRS, n_genes=GENES, detected=DETECTED)
    elif name == "draw_bins":
        hd_bins.write_bins(folder / f"bins_{n_cells}", n_bins=5_500_000, n_cells=n_cells)
    elif name == "leaks":
        leaks(folder)
    elif name.startswith("cut"):
        cut(folder, CELL_PATCH if name == "cut_cells" else TISSUE_PATCH)
    elif name == "hear_alone":
        hear(folder, n_cells, n_threads=1, is_written=False)
    elif name == "hear":
        hear(folder, n_cells, n_threads=2, is_written=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
