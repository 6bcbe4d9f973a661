"""Reads the elements of a SpatialData store that stand for cells: circles, polygons and masks of labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.core.spatial.masks import find_labels
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.core.spatial.transformations import Matrix, read_transformations, transformed
from c2s_assets.storage.sources.formats.geoparquet import read_geoparquet
from c2s_assets.storage.zarr_stores.arrays import reading
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store, read_attributes
from c2s_assets.storage.zarr_stores.rasters import describe_raster

_LABELS, _POINTS, _SHAPES, _TABLES = "labels", "points", "shapes", "tables"
_GEOMETRIES, _AXES = "shapes.parquet", ("y", "x")
_TRANSFORMATIONS = "coordinateTransformations"


@dataclass(frozen=True)
class Element:
    """Cells, as a store has them.

    Attributes
    ----------
    ids
        Of each, as text.
    xy
        Middle of each, shape ``(n, 2)``.
    areas
        Of each, in squares of its unit.
    outlines
        Of each; only polygons have corners.
    radii
        Of each, NaN if it is no circle.
    systems
        How the element lies in each coordinate system.
    """

    name: str
    ids: pl.Series
    xy: NDArray[np.float64]
    areas: NDArray[np.float64]
    outlines: Outlines
    radii: NDArray[np.float64]
    systems: Mapping[str, Matrix] = field(default_factory=dict)

    def laid_in(self, system: str) -> "Element":
        """Give it in the unit of a coordinate system."""
        matrix = self.systems[system]
        times = abs(float(np.linalg.det(matrix[:2, :2])))
        return replace(
            self,
            xy=transformed(self.xy, matrix),
            areas=self.areas * times,
            outlines=Outlines(self.outlines.begins, transformed(self.outlines.xy, matrix)),
            radii=self.radii * times**0.5,
        )


def joined(elements: Sequence[Element], rows: NDArray[np.int64]) -> Element:
    """Put the cells of several elements one after the other, and take some, in the order of their rows."""
    return Element(
        ", ".join(one.name for one in elements),
        pl.concat([one.ids for one in elements]).gather(rows),
        np.concatenate([one.xy for one in elements])[rows],
        np.concatenate([one.areas for one in elements])[rows],
        Outlines.joined([one.outlines for one in elements]).taken(rows),
        np.concatenate([one.radii for one in elements])[rows],
    )


def list_tables(store: Path) -> tuple[str, ...]:
    """Name the tables of a store, in order."""
    return tuple(_elements(store, _TABLES))


def table_at(store: Path, name: str) -> Path:
    """Return the folder of a table, which is a store of AnnData."""
    return store / _TABLES / name


def parts_with_cells(store: Path) -> list[Path]:
    """Return the folders of a store of which cells are made."""
    return [store / part for part in (_LABELS, _SHAPES, _TABLES) if (store / part).is_dir()]


def read_element(store: Path, name: str) -> Element:
    """Read the cells that an element has.

    Raises
    ------
    NotAnH5adError
        If there is none of that name, or it is damaged.
    SourceError
        If nothing can be made of how it lies.
    """
    if name in _elements(store, _SHAPES):
        return _read_shapes(store / _SHAPES / name)
    if name in _elements(store, _LABELS):
        return _read_labels(store / _LABELS / name)
    points = " (among points, which are molecules)" if name in _elements(store, _POINTS) else ""
    there = ", ".join([*_elements(store, _SHAPES), *_elements(store, _LABELS)][:20])
    raise NotAnH5adError(
        f"{store.name} has no shapes or labels {name!r}{points}, which rows of the table are of. It has: "
        f"{there or 'none'}. Copy the store with all its elements."
    )


def _elements(store: Path, kind: str) -> list[str]:
    folder = store / kind
    children = sorted(folder.iterdir()) if folder.is_dir() else []
    return [child.name for child in children if is_zarr_store(child)]


def _read_shapes(folder: Path) -> Element:
    name = f"{folder.parent.name}/{folder.name}"
    systems = read_transformations(read_attributes(folder).get(_TRANSFORMATIONS, []), source=name)
    file = folder / _GEOMETRIES
    if not file.is_file():
        raise NotAnH5adError(
            f"{name} has no {_GEOMETRIES}. Copy the store again or, if a version of spatialdata before 0.1 "
            f"has written it, read it with a newer one and write it anew."
        )
    shapes = read_geoparquet(file, name=name)
    n = len(shapes.ids)
    if shapes.radii is not None:
        xy, areas = shapes.outlines.xy, np.pi * shapes.radii**2
        return Element(name, shapes.ids, xy, areas, _no_outlines(n), shapes.radii, systems)
    areas, centres = shapes.outlines.areas_and_centres()
    return Element(name, shapes.ids, centres, areas, shapes.outlines, np.full(n, np.nan), systems)


def _read_labels(folder: Path) -> Element:
    mask = describe_raster(folder)
    pixels = mask.open_levels()[0]
    if mask.axes != _AXES or pixels.dtype.kind not in "iu":
        raise NotAnH5adError(
            f"{mask.name} has the axes {', '.join(mask.axes)} and numbers of type {pixels.dtype}, and only "
            f"masks of y, x with whole numbers are read. Write one plane of it as labels of its own."
        )
    with reading(mask.name):
        labels = find_labels(_chunks(pixels))
    n, ids = len(labels.numbers), pl.Series("id", labels.numbers).cast(pl.String)
    areas = labels.n_pixels.astype(np.float64)
    return Element(mask.name, ids, labels.xy, areas, _no_outlines(n), np.full(n, np.nan), mask.systems)


def _no_outlines(n: int) -> Outlines:
    return Outlines(np.zeros(n + 1, np.int64), np.empty((0, 2)))


def _chunks(pixels: Any) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Read a mask chunk by chunk, each with its first row and column."""
    height, width = pixels.chunks
    for top in range(0, pixels.shape[0], height):
        for left in range(0, pixels.shape[1], width):
            yield top, left, np.asarray(pixels[top : top + height, left : left + width])
