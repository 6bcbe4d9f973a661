"""Converts one file or folder, in a process of its own, see `convert`."""

from pathlib import Path
from typing import Any

from c2s_assets.storage.h5ad.rehearsal import MEMORY_BYTES, limit, tell
from c2s_assets.storage.sources.formats.cells_of_bins import convert_cells_of_bins
from c2s_assets.storage.sources.formats.loom import convert_loom
from c2s_assets.storage.sources.formats.matrix_files import matrix_files_at
from c2s_assets.storage.sources.formats.mtx import convert_matrix
from c2s_assets.storage.sources.formats.mudata import convert_mudata
from c2s_assets.storage.sources.formats.recognise import Format
from c2s_assets.storage.sources.formats.space_ranger import convert_cells, convert_spots
from c2s_assets.storage.sources.formats.spatialdata import convert_spatialdata
from c2s_assets.storage.sources.formats.tenx import convert_tenx
from c2s_assets.storage.sources.formats.tissue_folders import tissue_at
from c2s_assets.storage.sources.formats.xenium import convert_xenium
from c2s_assets.storage.sources.formats.zarr_store import convert_zarr

# 5.5 million bins of 2 um by 18,000 genes, with 154 million values, and 300,000 outlines took 3.7 GB of
# addresses and 1.7 GB of memory, mostly for the names of the bins.
_MEMORY_BYTES = dict.fromkeys((Format.SPOTS, Format.CELLS_OF_BINS, Format.SPATIALDATA), 6 * 2**30)


def main(path: Path, seconds: int, kind: str, target: str, part: str) -> None:
    """Convert within limits of memory and processor time, and tell what was wrong, if anything."""
    limit(seconds, memory_bytes=_MEMORY_BYTES.get(Format(kind), MEMORY_BYTES))
    tell(lambda: work(path, kind, target, part))


def work(path: Path, kind: str, written: str, part: str) -> dict[str, Any]:
    """Convert what is at a path and of a format that is known."""
    target = Path(written)
    match Format(kind):
        case Format.TENX_H5:
            convert_tenx(path, target, genome=part or None)
        case Format.TENX_FOLDER:
            convert_matrix(matrix_files_at(path), target)
        case Format.H5MU:
            convert_mudata(path, target, modality=part)
        case Format.LOOM:
            convert_loom(path, target)
        case Format.ZARR:
            convert_zarr(path, target)
        case Format.SPATIALDATA:
            convert_spatialdata(path, target, table=part)
        case Format.SPOTS:
            convert_spots(tissue_at(path), target)
        case Format.CELLS:
            convert_cells(tissue_at(path), target)
        case Format.CELLS_OF_BINS:
            convert_cells_of_bins(tissue_at(path), target)
        case Format.XENIUM:
            convert_xenium(tissue_at(path), target)
        case _:
            raise AssertionError(kind)
    return {}
