"""Converts a table of a SpatialData store, and lays its rows where the elements lie that they are of."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import EmptyDatasetError, NotAnH5adError
from c2s_assets.core.spatial.attributes import CELL_AREA_IN_UNITS
from c2s_assets.core.spatial.spec import Unit
from c2s_assets.core.spatial.transformations import choose_systems
from c2s_assets.storage.h5ad.access import open_member
from c2s_assets.storage.h5ad.frames import Frame, open_frame
from c2s_assets.storage.h5ad.uns import read_uns
from c2s_assets.storage.sources.formats.space_ranger import rows_of
from c2s_assets.storage.sources.formats.spatialdata_elements import (
    Element,
    joined,
    read_element,
    table_at,
)
from c2s_assets.storage.sources.formats.tissues import Tissue, add_tissue
from c2s_assets.storage.sources.formats.zarr_store import convert_zarr
from c2s_assets.storage.spatial.library import BIN_UM, SPATIAL, SPOT_DIAMETER, annotation_columns

# What the table says of places itself; the elements decide.
_REPLACED = (f"obsm/{SPATIAL}", f"uns/{SPATIAL}")
# Of spots and bins, and how Space Ranger calls bins of 8 um.
_ON_SLIDE = {"array_row", "array_col"}
_BINS = re.compile(r"square_(\d{3})um$")
_MOST_VALUES = 100


def convert_spatialdata(store: Path, target: Path, *, table: str) -> None:
    """Write a table as h5ad, with the place of each row, and its outline where it is of a polygon.

    Places are in the unit of a coordinate system of the store, which `choose_systems` chooses.

    Raises
    ------
    NotAnH5adError, InvalidIdsError, SourceError
        If the table, or an element that it is of, cannot be read, or a row is of none.
    """
    convert_zarr(table_at(store, table), target, without=_REPLACED)
    with h5py.File(target, "r+") as file:
        obs = open_frame(_required(file, "obs", table), place="obs", legacy_categories={})
        regions, instances = _annotated(file, obs, table_at(store, table))
        elements = {name: read_element(store, name) for name in regions.unique().sort()}
        systems = choose_systems({name: element.systems for name, element in elements.items()})
        laid = {name: element.laid_in(systems[name]) for name, element in elements.items()}
        cells = joined(list(laid.values()), _rows(laid, regions, instances))
        unit, factors = _unit_of(cells, list(laid), obs)
        of_cells = unit == "cell"
        tissue = Tissue(
            name=store.resolve().name.removesuffix(".zarr"),
            unit=unit,
            assay=None,
            factors=factors,
            xy_px=cells.xy,
            outlines=cells.outlines if of_cells and len(cells.outlines.xy) else None,
            system=systems.popitem()[1] if len(set(systems.values())) == 1 else None,
        )
        add_tissue(file, tissue, {CELL_AREA_IN_UNITS: pl.Series(cells.areas)} if of_cells else {})


def _required(file: h5py.File, name: str, table: str) -> h5py.Group:
    found = open_member(file, name, place=table)
    if not isinstance(found, h5py.Group):
        raise NotAnH5adError(f"the table {table} has no {name}: it is no AnnData. Write the store again.")
    return found


def _annotated(file: h5py.File, obs: Frame, table: Path) -> tuple[pl.Series, pl.Series]:
    """Read of which element each row is, and of which of its ids."""
    said = read_uns(open_member(file, "uns", place="uns"), max_values=_MOST_VALUES)
    named = annotation_columns(said)
    if named is None or not set(named) <= set(obs.names):
        raise NotAnH5adError(
            f"the rows of {table.name} are of no element of the store: uns/spatialdata_attrs does not name "
            f"columns of obs as region_key and instance_key. Say what they are of with spatialdata's "
            f"set_table_annotates_spatialelement; or add the table alone, without places: c2s add {table}"
        )
    columns = [obs.read(name).cast(pl.String) for name in named]
    if not len(columns[0]):
        raise EmptyDatasetError(f"{table.name} has no rows. Write the store with the cells that are meant.")
    for name, column in zip(named, columns, strict=True):
        if column.null_count():
            raise NotAnH5adError(
                f"{column.null_count():,} of {len(column):,} rows of {table.name} are of no element: their "
                f"{name} is empty. Take them out of the table, and write it again."
            )
    return columns[0], columns[1]


def _rows(laid: Mapping[str, Element], regions: pl.Series, instances: pl.Series) -> NDArray[np.int64]:
    """Find each row of the table among the cells of all elements, one after the other."""
    found, n_before = np.empty(len(regions), np.int64), 0
    for name, element in laid.items():
        own = np.flatnonzero((regions == name).to_numpy())
        found[own] = n_before + rows_of(instances.gather(own), element.ids, source=element.name)
        n_before += len(element.ids)
    return found


def _unit_of(cells: Element, regions: Sequence[str], obs: Frame) -> tuple[Unit, dict[str, float]]:
    """Say what rows are, and what that says of their size."""
    sizes = {found[1] if (found := _BINS.search(region)) else None for region in regions}
    size = sizes.pop() if len(sizes) == 1 else None
    if size is not None:
        return "bin", {BIN_UM: float(size)}
    if not set(obs.names) >= _ON_SLIDE:
        return "cell", {}
    if not np.isfinite(cells.radii).all():
        return "bin", {}
    printed = np.unique(cells.radii)
    return "spot", {SPOT_DIAMETER: 2 * float(printed[0])} if len(printed) == 1 else {}
