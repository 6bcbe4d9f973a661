"""`c2s export`: tables of many datasets as files of one schema, for who trains elsewhere."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from c2s_assets.cli.printing import files_text, say, scan_text
from c2s_assets.storage.lake.layout import Layout

if TYPE_CHECKING:
    from c2s_assets.storage.training import Exported


def export_training(layout: Layout, ids: Sequence[str], *, folder: Path) -> None:
    """Write the training table, and say what was written and how to load it.

    Parameters
    ----------
    ids
        Datasets; none stands for all.
    """
    from c2s_assets.storage.training import export_training

    exported = export_training(layout, folder, datasets=list(ids) or None)
    for line in _lines(exported, folder):
        say(line)


def export_sides(layout: Layout, ids: Sequence[str], *, folder: Path) -> None:
    """Write the sides for other tools, and say what reads which file."""
    from c2s_assets.storage.splits.exporting import CELL2SENTENCE, CELL_LOAD, DONORS, export_sides

    n_datasets = export_sides(layout, folder, datasets=list(ids) or None)
    say(f"Sides of {n_datasets:,} datasets in {folder}:")
    say(f"  {DONORS:<16}donors, a line each")
    say(f"  {CELL_LOAD:<16}cell-load, with cell_type_key='donor_id'")
    say(f"  {CELL2SENTENCE:<16}data_split_indices_dict of Cell2Sentence, JSON of each dataset")


def export_annbatch(layout: Layout, ids: Sequence[str], *, folder: Path) -> None:
    """Write expression for annbatch, and say how it loads it."""
    from c2s_assets.storage.batches.annbatch import export_annbatch

    written = export_annbatch(layout, folder, datasets=list(ids) or None)
    sides = ", ".join(f"{n:,} {side}" for side, n in written.items())
    say(f"{sum(written.values()):,} cells in {folder}: {sides}")
    say("\nLoad a side with:")
    say("  from annbatch import DatasetCollection, Loader")
    say("  loader = Loader(batch_size=256, chunk_size=64, preload_nchunks=256, shuffle=True)")
    for side in written:
        say(f"  loader.use_collection(DatasetCollection({str(folder / f'{side}.zarr')!r}, mode='r'))")


def export_cell2sentence(layout: Layout, ids: Sequence[str], *, folder: Path, is_upper: bool) -> None:
    """Write cells, groups and vocabulary for Cell2Sentence, and say how it loads them."""
    from c2s_assets.storage.prompts import cell2sentence as c2s

    exported = c2s.export_cell2sentence(layout, folder, datasets=list(ids) or None, is_upper=is_upper)
    sides = ", ".join(f"{n:,} {side}" for side, n in exported.n_cells.items())
    say(f"Cells for Cell2Sentence in {folder}: {sides}; {exported.n_groups:,} groups of cells.")
    for label, n in exported.n_unknown.items():
        if n:
            say(f"{n:,} cells have no {label}, where Cell2Sentence would write None: leave their rows out.")
    say("\nLoad it with:")
    say(f"  csdata = CSData(json.load(open({str(folder / c2s.VOCABULARY)!r})), {str(folder / c2s.CELLS)!r})")
    say(f"  split = json.load(open({str(folder / c2s.SPLIT_OF_CELLS)!r}))")
    say("  model.fine_tune(csdata, task, train_args, data_split_indices_dict=split)")
    say(f"  groups = load_from_disk({str(folder / c2s.GROUPS)!r}), with {c2s.SPLIT_OF_GROUPS}")


def export_cellnet(layout: Layout, ids: Sequence[str], *, file: Path) -> None:
    """Write the cells of a tissue in the layout of Cell-NET, and say how to read one.

    Raises
    ------
    UnknownNameError
        If not exactly one dataset is named.
    MissingInputError
        If what reads images is not installed.
    """
    from c2s_assets.core.errors import UnknownNameError
    from c2s_assets.storage.dataset import Dataset
    from c2s_assets.storage.images.opening import require_libraries
    from c2s_assets.storage.lake.documents import read_settings

    require_libraries()
    from c2s_assets.storage.spatial.cellnet import cell_name, export_cellnet

    if len(ids) != 1:
        raise UnknownNameError(
            f"c2s export cellnet writes one dataset, and {len(ids):,} are named: "
            f"c2s export cellnet ID --to FILE.h5"
        )
    n_cells = export_cellnet(Dataset(layout, ids[0], read_settings(layout)), file)
    say(f"{n_cells:,} cells in {file}, each a group. Read one with:")
    say(f"  cell = h5py.File({str(file)!r})[{cell_name(0, n_cells)!r}]")
    say("  anndata.io.read_elem(cell['CCC'])")


def _lines(exported: "Exported", folder: Path) -> Iterator[str]:
    sides = ", ".join(f"{n:,} {side}" for side, n in exported.n_rows.items())
    yield (
        f"{sum(exported.n_rows.values()):,} cells of {exported.n_datasets:,} datasets in {folder}: {sides}, "
        f"{exported.size_bytes / 2**20:,.1f} MB"
    )
    yield "\nLoad it with:"
    yield f"  Polars     {scan_text(folder / 'train')}"
    yield f"  pandas     pd.read_parquet({str(folder / 'train')!r})"
    yield f"  DuckDB     from {files_text(folder)}, where the column split tells the sides"
    yield f"  datasets   load_dataset({str(folder)!r}), which finds the sides by itself"
    yield f"\nWhoever has it can check its split with: c2s verify-split {shlex.quote(str(folder))}"
