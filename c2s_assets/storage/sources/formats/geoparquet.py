"""Reads GeoParquet: a table of points or polygons, each with an id."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.core.spatial.geometries import POINT, read_geometry
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.storage.sources.formats.outline_files import opened

_RADIUS, _CODING = "radius", "WKB"
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class Shapes:
    """Shapes of one kind.

    Attributes
    ----------
    ids
        Of each, as text.
    outlines
        Of polygons; each circle has its middle for a corner.
    radii
        Of circles, None if they are polygons.
    """

    ids: pl.Series
    outlines: Outlines
    radii: NDArray[np.float64] | None


def read_geoparquet(path: Path, *, name: str) -> Shapes:
    """Read circles, which are points with a `radius`, or polygons.

    Raises
    ------
    NotAnH5adError
        If it is no such table, or damaged; it is called by a name.
    """
    try:
        with pq.ParquetFile(path) as file:
            return _read(file)
    except (ValueError, LookupError, TypeError, OSError, pa.ArrowException) as error:
        raise NotAnH5adError(
            f"{name}/{path.name} is no table of circles or polygons ({type(error).__name__}: "
            f"{str(error)[:200]}). Copy the store again."
        ) from error


def _read(file: pq.ParquetFile) -> Shapes:
    schema = file.schema_arrow
    geometry = _geometry_column(schema)
    [index] = schema.pandas_metadata["index_columns"]
    further = [column for column in (index, _RADIUS) if column in schema.names]
    kinds: set[int] = set()
    parts, tables = [Outlines(np.zeros(1, np.int64), np.empty((0, 2)))], []
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[geometry, *further]):
        read = [read_geometry(data) for data in batch[geometry].to_pylist()]
        begins = np.cumsum([0, *(len(corners) for _, corners in read)])
        parts.append(Outlines(begins, np.concatenate([corners for _, corners in read])))
        tables.append(batch.select(further))
        kinds |= {kind for kind, _ in read}
    table, outlines = pa.Table.from_batches(tables), Outlines.joined(parts)
    if len(kinds) > 1:
        raise ValueError("points and polygons stand side by side")
    ids = _ids(table, index, n=len(outlines))
    if kinds == {POINT}:
        return Shapes(ids, outlines, table[_RADIUS].to_numpy().astype(np.float64))
    return Shapes(ids, opened(outlines.begins, outlines.xy), None)


def _geometry_column(schema: pa.Schema) -> str:
    said = json.loads(schema.metadata[b"geo"])
    name = str(said["primary_column"])
    coding = said["columns"][name]["encoding"]
    if coding != _CODING:
        raise ValueError(
            f"shapes are coded as {coding!r}, and only {_CODING} is read: write them again with "
            f"spatialdata.settings.shapes_geometry_encoding = {_CODING!r}"
        )
    return name


def _ids(table: pa.Table, index: Any, *, n: int) -> pl.Series:
    """Read the index that pandas has noted: a column or, of rows that are counted, how."""
    if isinstance(index, str):
        return pl.Series("id", table[index]).cast(pl.String)
    counted = range(index["start"], index["stop"], index["step"])
    if len(counted) != n:
        raise ValueError(f"its index has {len(counted):,} rows, and it {n:,}")
    return pl.Series("id", counted, dtype=pl.Int64).cast(pl.String)
