"""Reads where the cells of an h5ad lie."""

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.errors import MissingColumnError, SourceError
from c2s_assets.core.spatial.alignment import Alignment
from c2s_assets.core.spatial.calibration import SPOTS_UM, by_lattice, by_spot_diameter, calibrate
from c2s_assets.core.spatial.sample import SpatialSample, place_cells
from c2s_assets.core.spatial.spec import SpatialEntry, Unit
from c2s_assets.schemas.registry import CELLS
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.images.opening import has_libraries, open_image
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.spatial.image import image_file, read_alignment
from c2s_assets.storage.spatial.library import BIN_UM, SPOT_DIAMETER, UM_PER_PX, read_library
from c2s_assets.storage.tables.parquet import table_schema

_COORDINATES = ("spatial", "X_spatial")
# Of a spot on the lattice of Visium, and whether it lies in the tissue, as Space Ranger calls them.
_COLUMN, _ROW, _IN_TISSUE = "array_col", "array_row", "in_tissue"
_ASSAY = "assay"
_UNITS: Mapping[str, Unit] = {"visium hd": "bin", "visium": "spot", "slide-seq": "bead"}
_MOST_AXES = 3


def read_sample(h5ad: H5ad, dataset: Dataset) -> SpatialSample:
    """Read the positions of a dataset's cells, and find out how many microns their unit is.

    Raises
    ------
    MissingColumnError
        If obsm has no positions, or obs no such column of sections.
    ConfigError
        If an image is named that takes an alignment, and there is none, or one that is none.
    SourceError
        If nothing says how many microns their unit is, or no cell has a place.
    """
    entry = dataset.entry.spatial or SpatialEntry()
    positions, library = _read_positions(h5ad, entry), read_library(h5ad)
    known = table_schema(dataset.path(CELLS)).names
    require_column(known, entry.section_column, setting="section_column")
    wanted = {_COLUMN, _ROW, _IN_TISSUE, _ASSAY, entry.section_column}
    obs = dataset.read(CELLS, columns=[name for name in known if name in wanted])
    technology = _technology(obs)
    alignment = read_alignment(dataset.layout, entry, library, technology=technology)
    lattice = _lattice(positions, obs, bin_um=library.factors.get(BIN_UM))
    diameter = None if BIN_UM in library.factors else library.factors.get(SPOT_DIAMETER)
    ways = {
        "um_per_unit": entry.um_per_unit,
        UM_PER_PX: library.factors.get(UM_PER_PX),
        "lattice": lattice,
        "spot_diameter": by_spot_diameter(diameter),
        "image": _by_image(dataset.layout, entry, alignment),
    }
    is_of_spots = diameter is not None or lattice is not None
    return place_cells(
        positions,
        calibration=calibrate(ways),
        unit=entry.unit or library.unit or _unit_of(technology, is_of_spots=is_of_spots),
        labels=obs[entry.section_column].cast(pl.String) if entry.section_column is not None else None,
        in_tissue=obs[_IN_TISSUE] if _IN_TISSUE in obs.columns else None,
        alignment=alignment,
        technology=technology,
    )


def require_column(known: Collection[str], name: str | None, *, setting: str) -> None:
    """Refuse a column that a key of `spatial` names and `cell_metadata` does not have.

    Raises
    ------
    MissingColumnError
        If there is none of that name.
    """
    if name is not None and name not in known:
        raise MissingColumnError(
            f"obs has no column {name!r}, which datasets.yaml names as {setting} of spatial. It has: "
            f"{', '.join(known)}. Correct the entry or leave it out."
        )


def alignment_of(h5ad: H5ad, dataset: Dataset) -> Alignment:
    """Find how positions become pixels of the dataset's image; see `read_alignment`."""
    known = table_schema(dataset.path(CELLS)).names
    obs = dataset.read(CELLS, columns=[name for name in known if name in {CELL_ID, _ASSAY}])
    return read_alignment(
        dataset.layout,
        dataset.entry.spatial or SpatialEntry(),
        read_library(h5ad),
        technology=_technology(obs),
    )


def has_places(h5ad: H5ad, obs_columns: Collection[str]) -> bool:
    """Whether a file has positions that lie in a tissue: it says of what, or how many microns they are."""
    is_of_tissue = read_library(h5ad).unit is not None or says_microns(h5ad, obs_columns)
    return is_of_tissue and bool(set(_COORDINATES) & set(h5ad.embeddings()))


def says_microns(h5ad: H5ad, obs_columns: Collection[str]) -> bool:
    """Whether a file says by itself how many microns the unit of its positions is."""
    said = read_library(h5ad).factors
    return {_COLUMN, _ROW} <= set(obs_columns) or SPOT_DIAMETER in said or UM_PER_PX in said


def _read_positions(h5ad: H5ad, entry: SpatialEntry) -> NDArray[np.float64]:
    there = h5ad.embeddings()
    wanted = _COORDINATES if entry.coordinates is None else (entry.coordinates,)
    name = next((name for name in wanted if name in there), None)
    if name is None:
        raise MissingColumnError(
            f"obsm has no {' or '.join(wanted)}; it has: {', '.join(there) or 'nothing'}. Name the array "
            f"with the positions as coordinates of spatial in the dataset's entry of datasets.yaml."
        )
    shape = there[name]
    if len(shape) != 2 or not 2 <= shape[1] <= _MOST_AXES:
        raise SourceError(
            f"obsm/{name} has the shape {shape}, which is none of positions. Name another array as "
            f"coordinates of spatial in the dataset's entry of datasets.yaml."
        )
    order = [1, 0] if entry.axes == "yx" else [0, 1]
    return np.ascontiguousarray(h5ad.read_embedding(name)[:, order], dtype=np.float64)


def _lattice(positions: NDArray[np.float64], obs: pl.DataFrame, *, bin_um: float | None) -> float | None:
    if not {_COLUMN, _ROW} <= set(obs.columns):
        return None
    on_slide = obs.select(pl.col(_COLUMN, _ROW).cast(pl.Int64, strict=False))
    is_known = (
        np.isfinite(positions).all(axis=1)
        & on_slide.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    )
    known = on_slide.filter(is_known)
    steps_um = SPOTS_UM if bin_um is None else (bin_um, bin_um)
    return by_lattice(
        positions[is_known],
        column=known[_COLUMN].to_numpy(),
        row=known[_ROW].to_numpy(),
        steps_um=steps_um,
    )


def _by_image(layout: Layout, entry: SpatialEntry, alignment: Alignment) -> float | None:
    """Ask the image; if it cannot be read, whoever shows it says why, and others do without."""
    path = image_file(layout, entry)
    if path is None or not path.is_file() or not has_libraries():
        return None
    try:
        with open_image(path) as image:
            return None if image.um_per_px is None else image.um_per_px * alignment.px_per_unit
    except SourceError:
        return None


def _technology(obs: pl.DataFrame) -> str | None:
    if _ASSAY not in obs.columns:
        return None
    return " ".join(obs[_ASSAY].drop_nulls().unique().cast(pl.String).sort()) or None


def _unit_of(technology: str | None, *, is_of_spots: bool) -> Unit:
    named = (unit for name, unit in _UNITS.items() if name in (technology or "").lower())
    return next(named, "spot" if is_of_spots else "cell")
