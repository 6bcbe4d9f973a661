"""Converts a folder of Xenium: cells with their outlines, and genes without the controls."""

import json
from pathlib import Path

import h5py
import numpy as np
import polars as pl

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.storage.sources.formats.outline_files import as_text, read_corners
from c2s_assets.storage.sources.formats.space_ranger import rows_of
from c2s_assets.storage.sources.formats.tenx import convert_tenx
from c2s_assets.storage.sources.formats.tissue_folders import TissueFiles
from c2s_assets.storage.sources.formats.tissues import Tissue, add_tissue, read_names
from c2s_assets.storage.spatial.library import UM_PER_PX
from c2s_assets.storage.tables.scanning import scan_files

_CELL_ID, _CENTRE = "cell_id", ("x_centroid", "y_centroid")
_PIXEL_SIZE = "pixel_size"
# What is left out: negative control probes and codewords, unassigned and deprecated ones, genomic controls.
_GENES = "Gene Expression"
_ASSAY = "Xenium"


def convert_xenium(files: TissueFiles, target: Path) -> None:
    """Write the cells as h5ad: counts of genes, positions and outlines in pixels of the morphology image.

    Counts are those of the cell, not of its nucleus, as Xenium assigned transcripts of good quality to it.

    Raises
    ------
    NotAnH5adError, InvalidIdsError
        If a file is not what it is called, or a cell of the matrix is not in the others.
    """
    um_per_px = _pixel_size(files.facts)
    convert_tenx(files.matrix, target, genome=None, feature_type=_GENES)
    with h5py.File(target, "r+") as file:
        names = read_names(file)
        cells = _cells(files, names)
        tissue = Tissue(
            name=files.name,
            unit="cell",
            assay=_ASSAY,
            factors={UM_PER_PX: um_per_px},
            xy_px=cells.select(pl.col(_CENTRE).cast(pl.Float64)).to_numpy() / um_per_px,
            outlines=_outlines(files, names, um_per_px=um_per_px),
        )
        further = cells.select(pl.selectors.numeric()).drop(*_CENTRE, strict=False)
        add_tissue(file, tissue, {column.name: column for column in further})


def _pixel_size(path: Path) -> float:
    try:
        size = float(json.loads(path.read_text(encoding="utf-8"))[_PIXEL_SIZE])
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise NotAnH5adError(
            f"{path.name} is no JSON with a {_PIXEL_SIZE} ({error}). Copy it again."
        ) from error
    if not 0 < size < np.inf:
        raise NotAnH5adError(f"{path.name} says that a pixel is {size} um. Copy it again.")
    return size


def _cells(files: TissueFiles, names: pl.Series) -> pl.DataFrame:
    path = files.places
    assert path is not None  # noqa: S101  as `find_tissue` found it
    try:
        table = scan_files(path).collect()
        known = as_text(table[_CELL_ID])
        table.select(pl.col(_CENTRE).cast(pl.Float64))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise NotAnH5adError(
            f"{path.name} is no table of cells with centroids ({error}). Copy it again."
        ) from error
    return table[rows_of(names, known, source=path.name)]


def _outlines(files: TissueFiles, names: pl.Series, *, um_per_px: float) -> Outlines | None:
    if files.outlines is None:
        return None
    known, outlines = read_corners(files.outlines)
    taken = outlines.taken(rows_of(names, known, source=files.outlines.name))
    return Outlines(taken.begins, taken.xy / um_per_px)
