"""Converts what Space Ranger leaves of a section: spots or bins where they lie, or cells with outlines."""

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidIdsError, NotAnH5adError
from c2s_assets.core.spatial.attributes import CELL_AREA
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.storage.sources.formats.outline_files import read_geojson
from c2s_assets.storage.sources.formats.tenx import convert_tenx
from c2s_assets.storage.sources.formats.tissue_folders import TissueFiles
from c2s_assets.storage.sources.formats.tissues import Tissue, add_tissue, read_names
from c2s_assets.storage.spatial.library import BIN_UM, UM_PER_PX
from c2s_assets.storage.tables.scanning import scan_files

_BARCODE, PX = "barcode", ("pxl_col_in_fullres", "pxl_row_in_fullres")
_ON_SLIDE = ("in_tissue", "array_row", "array_col")
# Of tissue_positions_list.csv, which has no line of names.
_LISTED = (_BARCODE, *_ON_SLIDE, *reversed(PX))
_NO_NAMES = "_list.csv"
_VISIUM, _VISIUM_HD = "Visium Spatial Gene Expression", "Visium HD Spatial Gene Expression"


def convert_spots(files: TissueFiles, target: Path) -> None:
    """Write spots of Visium or bins of Visium HD as h5ad, as scanpy lays out what it reads of them.

    Raises
    ------
    NotAnH5adError, InvalidIdsError
        If a file is not what it is called, or positions are missing.
    """
    convert_tenx(files.matrix, target, genome=None)
    factors = read_facts(files.facts)
    with h5py.File(target, "r+") as file:
        places = read_places(files, read_names(file))
        is_hd = BIN_UM in factors
        tissue = Tissue(
            name=files.name,
            unit="bin" if is_hd else "spot",
            assay=_VISIUM_HD if is_hd else _VISIUM,
            factors=factors,
            xy_px=places.select(PX).to_numpy(),
            image=files.image,
        )
        add_tissue(file, tissue, {name: places[name] for name in _ON_SLIDE})


def convert_cells(files: TissueFiles, target: Path) -> None:
    """Write the cells that Space Ranger counted as h5ad, each with its outline, whose middle is its place.

    Raises
    ------
    NotAnH5adError, InvalidIdsError
        If a file is not what it is called, or a cell has no outline.
    """
    convert_tenx(files.matrix, target, genome=None)
    with h5py.File(target, "r+") as file:
        outlines = _outlines_of(read_names(file), files)
        add_tissue(file, *tissue_of_cells(files, outlines))


def tissue_of_cells(files: TissueFiles, outlines: Outlines) -> tuple[Tissue, Mapping[str, pl.Series]]:
    """Describe cells of Visium HD by their outlines, in pixels: the tissue, and columns of obs."""
    factors = {name: value for name, value in read_facts(files.facts).items() if name != BIN_UM}
    areas, centres = outlines.areas_and_centres()
    tissue = Tissue(
        name=files.name,
        unit="cell",
        assay=_VISIUM_HD,
        factors=factors,
        xy_px=centres,
        image=files.image,
        outlines=outlines,
    )
    um_per_px = factors.get(UM_PER_PX)
    areas_um2 = {} if um_per_px is None else {CELL_AREA: pl.Series(areas * um_per_px**2, dtype=pl.Float32)}
    return tissue, areas_um2


def read_facts(path: Path) -> dict[str, float]:
    """Read the numbers of a file of scale factors."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(value) for name, value in said.items() if isinstance(value, int | float)}
    except (ValueError, AttributeError, OSError) as error:
        raise NotAnH5adError(f"{path.name} is no JSON of scale factors ({error}). Copy it again.") from error


def read_places(files: TissueFiles, barcodes: pl.Series) -> pl.DataFrame:
    """Read where spots or bins lie, in the order of barcodes."""
    path = files.places
    assert path is not None  # noqa: S101  as `find_tissue` found it
    try:
        if path.suffix == ".parquet":
            table = scan_files(path).collect()
        else:
            has_names = not path.name.endswith(_NO_NAMES)
            names = None if has_names else _LISTED
            table = pl.read_csv(path, has_header=has_names, new_columns=names, glob=False)
        table = table.select(
            pl.col(_BARCODE).cast(pl.String), pl.col(_ON_SLIDE).cast(pl.Int32), pl.col(PX).cast(pl.Float64)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise NotAnH5adError(
            f"{path.name} is no table of {', '.join(_LISTED)} ({error}). Copy it again."
        ) from error
    placed = barcodes.alias(_BARCODE).to_frame().join(table, on=_BARCODE, how="left", maintain_order="left")
    n_missing = placed[PX[0]].null_count()
    if placed.height != len(barcodes) or n_missing:
        lost = placed.filter(pl.col(PX[0]).is_null())[_BARCODE].head(1).to_list()
        found = (
            f"no position of {n_missing:,} barcodes ({lost[0]})" if lost else "several positions of a barcode"
        )
        raise InvalidIdsError(
            f"{path.name} has {found} of {files.matrix.name}. Put the files together that belong together."
        )
    return placed


def _outlines_of(names: pl.Series, files: TissueFiles) -> Outlines:
    """Read the outline of each cell of the matrix, which names cell 7 `cellid_000000007-1`."""
    assert files.outlines is not None  # noqa: S101  as `find_tissue` found it
    ids, outlines = read_geojson(files.outlines)
    numbers = names.str.extract(r"^cellid_0*(\d+)", 1)
    return outlines.taken(rows_of(numbers, ids.cast(pl.String), source=files.outlines.name))


def rows_of(wanted: pl.Series, known: pl.Series, *, source: str) -> NDArray[np.int64]:
    """Find the row of each id among those that are known.

    Raises
    ------
    InvalidIdsError
        If one is not known, or known several times.
    """
    rows = pl.DataFrame({"id": known}).with_row_index("row").cast({"row": pl.Int64})
    if rows["id"].n_unique() != rows.height:
        again = rows["id"].filter(rows["id"].is_duplicated())[0]
        raise InvalidIdsError(f"{source} has {again!r} several times. Copy it again.")
    found = wanted.alias("id").to_frame().join(rows, on="id", how="left", maintain_order="left")["row"]
    if found.null_count():
        lost = wanted.filter(found.is_null())
        raise InvalidIdsError(
            f"{source} does not have {len(lost):,} of {len(wanted):,} cells of the matrix, among them "
            f"{lost[0]!r}. Put the files together that belong together."
        )
    return found.to_numpy()
