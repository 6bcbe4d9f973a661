"""Reads the outlines that an h5ad has of its cells, and writes them as a table."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.alignment import Alignment
from c2s_assets.core.spatial.columns import OUTLINE_X_PX, OUTLINE_Y_PX
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.spatial.library import BEGINS, CORNERS, OUTLINES, SPATIAL, Library

_CELLS_PER_BLOCK = 65_536
_AXES = 2


def read_outlines(h5ad: H5ad, library: Library) -> Outlines | None:
    """Read the outline of each cell, in the unit of the positions; None if the file has none.

    Raises
    ------
    SourceError
        If what it has does not divide corners among its cells.
    """
    place = f"{SPATIAL}/{library.name}/{OUTLINES}"
    arrays = [h5ad.uns_array(f"{place}/{name}") for name in (BEGINS, CORNERS)]
    if library.name is None or arrays[0] is None or arrays[1] is None:
        return None
    begins, xy = arrays[0].read(), arrays[1].read()
    is_right = (
        begins.dtype.kind in "iu"
        and xy.dtype.kind in "iuf"
        and begins.shape == (h5ad.n_obs + 1,)
        and xy.shape[1:] == (_AXES,)
        and begins[0] == 0
        and begins[-1] == len(xy)
        and (np.diff(begins.astype(np.int64)) >= 0).all()
    )
    if not is_right:
        raise SourceError(
            f"uns/{place} does not divide {len(xy):,} corners among {h5ad.n_obs:,} cells. Remove it, or add "
            f"the folder again that the file was made of."
        )
    return Outlines(begins.astype(np.int64), xy.astype(np.float64))


def outline_rows(cell_ids: pl.Series, outlines: Outlines | None, alignment: Alignment) -> Iterator[pa.Table]:
    """Lay out the corners of each cell, in pixels of the image; null where a cell has none."""
    begins = np.zeros(len(cell_ids) + 1, np.int64) if outlines is None else outlines.begins
    xy_px = np.empty((0, _AXES)) if outlines is None else alignment.pixels(outlines.xy)
    for start in range(0, len(cell_ids), _CELLS_PER_BLOCK):
        ids = cell_ids.slice(start, _CELLS_PER_BLOCK)
        own = begins[start : start + len(ids) + 1]
        corners = xy_px[own[0] : own[-1]].astype(np.float32)
        yield pa.table(
            {
                CELL_ID: ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()),
                OUTLINE_X_PX: _lists(own - own[0], corners[:, 0]),
                OUTLINE_Y_PX: _lists(own - own[0], corners[:, 1]),
            }
        )


def _lists(begins: NDArray[np.int64], values: NDArray[np.float32]) -> pa.Array:
    is_empty = pa.array(np.diff(begins) == 0)
    offsets = pa.array(begins.astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values)), mask=is_empty)
