"""Reads what is said of the cells of a tissue."""

import polars as pl

from c2s_assets.core.spatial.attributes import (
    CELL_AREA,
    CELL_AREA_IN_UNITS,
    OBS_COLUMNS,
    attributes_of,
)
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.spec import SpatialEntry
from c2s_assets.schemas.registry import CELLS
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.spatial.sample import require_column
from c2s_assets.storage.tables.parquet import table_schema


def read_attributes(dataset: Dataset, sample: SpatialSample) -> pl.DataFrame:
    """Read what is said of all cells of a dataset, see `attributes_of`.

    Raises
    ------
    MissingColumnError
        If obs has no such column of the state of cells as the dataset's entry names.
    """
    entry = dataset.entry.spatial or SpatialEntry()
    known = table_schema(dataset.path(CELLS)).names
    require_column(known, entry.cell_disease_column, setting="cell_disease_column")
    wanted = {*OBS_COLUMNS, CELL_AREA_IN_UNITS, entry.cell_disease_column}
    obs = dataset.read(CELLS, columns=[name for name in known if name in wanted])
    if CELL_AREA_IN_UNITS in obs.columns and CELL_AREA not in obs.columns:
        um2_per_unit = sample.calibration.um_per_px**2
        areas = pl.col(CELL_AREA_IN_UNITS).cast(pl.Float64, strict=False) * um2_per_unit
        obs = obs.with_columns(areas.alias(CELL_AREA))
    return attributes_of(
        obs, sample, disease_column=entry.cell_disease_column, has_image=entry.image is not None
    )
