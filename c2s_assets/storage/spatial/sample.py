"""Reads where the cells of an h5ad lie."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import ConfigError, MissingColumnError, SourceError
from c2s_assets.core.spatial.calibration import by_lattice, by_spot_diameter, calibrate
from c2s_assets.core.spatial.sample import SpatialSample, place_cells
from c2s_assets.core.spatial.spec import SpatialEntry, Unit
from c2s_assets.schemas.registry import CELLS
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.tables.parquet import table_schema

_COORDINATES = ("spatial", "X_spatial")
# Of a spot on the lattice of Visium, and whether it lies in the tissue, as Space Ranger calls them.
_COLUMN, _ROW, _IN_TISSUE = "array_col", "array_row", "in_tissue"
_DIAMETER = "spot_diameter_fullres"
_ASSAY = "assay"
_UNITS: Mapping[str, Unit] = {"visium hd": "bin", "visium": "spot", "slide-seq": "bead"}
_MOST_VALUES = 100
_MOST_AXES = 3


def read_sample(h5ad: H5ad, dataset: Dataset) -> SpatialSample:
    """Read the positions of a dataset's cells, and find out how many microns their unit is.

    Raises
    ------
    MissingColumnError
        If obsm has no positions, or obs no such column of sections.
    SourceError
        If nothing says how many microns their unit is, or no cell has a place.
    """
    entry = dataset.entry.spatial or SpatialEntry()
    positions = _read_positions(h5ad, entry)
    known = table_schema(dataset.path(CELLS)).names
    require_column(known, entry.section_column, setting="section_column")
    wanted = {_COLUMN, _ROW, _IN_TISSUE, _ASSAY, entry.section_column}
    obs = dataset.read(CELLS, columns=[name for name in known if name in wanted])
    diameter = _spot_diameter(h5ad)
    lattice = _lattice(positions, obs)
    ways = {
        "um_per_unit": entry.um_per_unit,
        "lattice": lattice,
        "spot_diameter": by_spot_diameter(diameter),
    }
    is_of_spots = diameter is not None or lattice is not None
    return place_cells(
        positions,
        calibration=calibrate(ways),
        unit=entry.unit or ("spot" if is_of_spots else _unit_of(obs)),
        labels=obs[entry.section_column].cast(pl.String) if entry.section_column is not None else None,
        in_tissue=obs[_IN_TISSUE] if _IN_TISSUE in obs.columns else None,
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


def has_places(h5ad: H5ad, obs_columns: Collection[str]) -> bool:
    """Whether a file has positions, and says by itself how many microns their unit is."""
    if not set(_COORDINATES) & set(h5ad.embeddings()):
        return False
    return {_COLUMN, _ROW} <= set(obs_columns) or _spot_diameter(h5ad) is not None


def image_path(dataset: Dataset) -> Path:
    """Return the path of the image that a dataset's entry names.

    Raises
    ------
    ConfigError
        If it names none.
    """
    spatial = dataset.entry.spatial
    if spatial is None or spatial.image is None:
        raise ConfigError(
            f"nothing says which image shows the cells of {dataset.dataset_id}. Name it as image of spatial "
            f"in the dataset's entry of datasets.yaml."
        )
    return dataset.layout.root / Path(spatial.image).expanduser()


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
    return np.ascontiguousarray(h5ad.read_embedding(name)[:, :2], dtype=np.float64)


def _lattice(positions: NDArray[np.float64], obs: pl.DataFrame) -> float | None:
    if not {_COLUMN, _ROW} <= set(obs.columns):
        return None
    on_slide = obs.select(pl.col(_COLUMN, _ROW).cast(pl.Int64, strict=False))
    is_known = (
        np.isfinite(positions).all(axis=1)
        & on_slide.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    )
    known = on_slide.filter(is_known)
    return by_lattice(positions[is_known], column=known[_COLUMN].to_numpy(), row=known[_ROW].to_numpy())


def _spot_diameter(h5ad: H5ad) -> float | None:
    """Return the diameter of a spot in pixels, of the only library that `uns["spatial"]` has."""
    libraries = h5ad.uns(max_values=_MOST_VALUES).get("spatial") if "spatial" in h5ad.uns_keys else None
    found = [
        diameter
        for library in (libraries.values() if isinstance(libraries, dict) else ())
        if (diameter := _diameter_of(library)) is not None
    ]
    return found[0] if len(found) == 1 else None


def _diameter_of(library: Any) -> float | None:
    factors = library.get("scalefactors") if isinstance(library, dict) else None
    diameter = factors.get(_DIAMETER) if isinstance(factors, dict) else None
    return float(diameter) if isinstance(diameter, int | float) else None


def _unit_of(obs: pl.DataFrame) -> Unit:
    if _ASSAY not in obs.columns:
        return "cell"
    assays = " ".join(obs[_ASSAY].drop_nulls().unique().cast(pl.String).sort()).lower()
    return next((unit for name, unit in _UNITS.items() if name in assays), "cell")
