"""Reads outlines of cells: GeoJSON of Space Ranger, and the table of corners of Xenium."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.storage.tables.scanning import scan_files

# Half a million cells are 500 MB of text; one is 1 kB.
_PIECE = 2**22
_LARGEST_FEATURE = 2**25
_BETWEEN = " \t\r\n,"
_FEATURES = '"features"'
_CELL_ID = "cell_id"
_CORNERS = ("vertex_x", "vertex_y")


def read_geojson(path: Path) -> tuple[pl.Series, Outlines]:
    """Read the polygons of a collection of features, and the `cell_id` of each, feature by feature.

    Of a cell in several pieces, the one with the most corners stands for it; holes are left out.

    Raises
    ------
    NotAnH5adError
        If it is no such collection, or damaged.
    """
    ids, rings = [], []
    try:
        for feature in _features(path):
            ids.append(feature["properties"][_CELL_ID])
            rings.append(_ring(feature))
    except (ValueError, LookupError, TypeError) as error:
        raise NotAnH5adError(
            f"{path.name} is no GeoJSON of cells with a cell_id each, after {len(ids):,} of them "
            f"({type(error).__name__}: {error}). Copy it again."
        ) from error
    if not ids:
        raise NotAnH5adError(f"{path.name} has no cell. Copy it again.")
    if len(set(ids)) < len(ids):
        again = Counter(ids).most_common(1)[0][0]
        raise NotAnH5adError(f"{path.name} has the cell {again!r} several times. Copy it again.")
    begins = np.cumsum([0, *map(len, rings)])
    return pl.Series(_CELL_ID, ids), opened(begins, np.concatenate(rings))


def read_corners(path: Path) -> tuple[pl.Series, Outlines]:
    """Read the corners of Xenium's cells, in microns, and the `cell_id` of each cell.

    Raises
    ------
    NotAnH5adError
        If it is no such table.
    """
    try:
        table = scan_files(path).select(_CELL_ID, *_CORNERS).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise NotAnH5adError(
            f"{path.name} is no table of corners of cells ({error}). Copy it again."
        ) from error
    table = table.with_columns(as_text(table[_CELL_ID]), run=table[_CELL_ID].rle_id())
    runs = table.group_by("run", maintain_order=True).agg(pl.col(_CELL_ID).first(), pl.len())
    begins = np.concatenate([[0], np.cumsum(runs["len"].to_numpy().astype(np.int64))])
    xy = table.select(pl.col(_CORNERS).cast(pl.Float64)).to_numpy()
    return runs[_CELL_ID], opened(begins, xy)


def as_text(ids: pl.Series) -> pl.Series:
    """Return ids as text: earlier versions of Xenium wrote them as bytes, or numbers."""
    return ids.cast(pl.String)


def opened(begins: NDArray[np.int64], xy: NDArray[np.float64]) -> Outlines:
    """Leave out the last corner of each ring that repeats its first."""
    first, last = begins[:-1], begins[1:] - 1
    is_closed = last > first
    is_closed[is_closed] = (xy[first[is_closed]] == xy[last[is_closed]]).all(axis=1)
    kept = np.ones(len(xy), bool)
    kept[last[is_closed]] = False
    return Outlines(np.concatenate([[0], np.cumsum(np.diff(begins) - is_closed)]), xy[kept])


def _features(path: Path) -> Iterator[Any]:
    """Decode a collection feature by feature, so that memory holds some megabytes of it."""
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8") as file:
        text = file.read(_PIECE)
        at = text.index("[", text.index(_FEATURES)) + 1
        while True:
            while at < len(text) and text[at] in _BETWEEN:
                at += 1
            if text.startswith("]", at):
                return
            try:
                feature, at = decoder.raw_decode(text, at)
            except json.JSONDecodeError:
                piece = file.read(_PIECE)
                if not piece or len(text) - at > _LARGEST_FEATURE:
                    raise
                text, at = text[at:] + piece, 0
            else:
                yield feature


def _ring(feature: Any) -> NDArray[np.float64]:
    """Return the outer ring of a feature; of several pieces, that with the most corners."""
    geometry = feature["geometry"]
    pieces = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    ring = max((piece[0] for piece in pieces), key=len)
    return np.array([corner[:2] for corner in ring], dtype=np.float64).reshape(-1, 2)
