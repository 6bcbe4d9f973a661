"""Writes `image_patches`, and the slides that they are cut from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.patches import (
    CELL_PATCH,
    TISSUE_PATCH,
    PatchSize,
    is_blank,
    squares_around,
)
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.spreading import spread
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.images.picture import as_jpeg, as_png, cut
from c2s_assets.storage.images.source import ImageSource, Pixels, TileReader
from c2s_assets.storage.streams import N_THREADS, map_ahead

# Cut in the order of tiles, and written: 30 MB of patches of 30 KB.
_CELLS_PER_BLOCK = 1_024
# The viewer of the Hub decodes a row group whole.
_ROWS_PER_GROUP = 256
# Around what is cut, so that pixels at the edge have neighbours to be averaged with.
_MARGIN_PX = 2


@dataclass
class PatchWriter:
    """Cuts the patches of a sample's cells out of an image.

    Attributes
    ----------
    n_blank
        Cells until now with a patch that shows nothing.
    """

    sample: SpatialSample
    image: ImageSource
    reader: TileReader
    n_blank: int = field(default=0)

    def write(self, staged: DatasetStage, cell_ids: pl.Series) -> None:
        """Write the rows of all cells; null where a cell has no place."""
        blocks = map_ahead(self._encoded, self._cut(cell_ids), n_threads=N_THREADS)
        staged.write(self._counted(blocks), rows_per_group=_ROWS_PER_GROUP, um_per_px=self._um_per_px)

    @property
    def _um_per_px(self) -> float:
        return self.sample.um_per_px

    def _cut(self, cell_ids: pl.Series) -> "Iterator[_Block]":
        for start in range(0, len(cell_ids), _CELLS_PER_BLOCK):
            ids = cell_ids.slice(start, _CELLS_PER_BLOCK)
            has_place, cells = self.sample.between(start, start + len(ids))
            xy_px = self.sample.xy_px[cells]
            yield _Block(
                ids,
                has_place,
                xy_px,
                *(self._patches(xy_px, size) for size in (CELL_PATCH, TISSUE_PATCH)),
            )

    def _patches(self, xy_px: NDArray[np.float64], size: PatchSize) -> "_Patches":
        squares = squares_around(xy_px, size, um_per_px=self._um_per_px)
        number = self.reader.level_for(squares.side / size.px)
        level = self.image.levels[number]
        patches: list[Pixels] = [np.zeros(0, np.uint8)] * len(xy_px)
        for cell in _along_tiles(
            xy_px, width=level.tile_width * level.downsample, height=level.tile_height * level.downsample
        ):
            box = [
                value / level.downsample for value in (squares.left[cell], squares.top[cell], squares.side)
            ]
            patches[cell] = self._patch(number, *box, px=size.px)
        full = self.image.levels[0]
        return _Patches(patches, squares.inside(width=full.width, height=full.height))

    def _patch(self, level: int, left: float, top: float, side: float, *, px: int) -> Pixels:
        x, y = math.floor(left) - _MARGIN_PX, math.floor(top) - _MARGIN_PX
        whole = math.ceil(side) + 2 * _MARGIN_PX + 1
        pixels = self.reader.window(level, x, y, whole, whole)
        return cut(pixels, (left - x, top - y, left - x + side, top - y + side), side=px)

    def _counted(self, blocks: "Iterator[tuple[pa.Table, int]]") -> Iterator[pa.Table]:
        for table, n_blank in blocks:
            self.n_blank += n_blank
            yield table

    def _encoded(self, block: "_Block") -> tuple[pa.Table, int]:
        return block.encoded(), block.n_blank


@dataclass(frozen=True)
class _Patches:
    pixels: list[Pixels]
    inside: NDArray[np.float64]

    @cached_property
    def blank(self) -> NDArray[np.bool_]:
        return np.array([is_blank(patch) for patch in self.pixels], dtype=bool)


@dataclass(frozen=True)
class _Block:
    """Rows of the table: which of them have patches, and these."""

    ids: pl.Series
    has_place: NDArray[np.bool_]
    xy_px: NDArray[np.float64]
    cells: _Patches
    tissue: _Patches

    @property
    def n_blank(self) -> int:
        return int((self.cells.blank | self.tissue.blank).sum())

    def encoded(self) -> pa.Table:
        x, y = self.xy_px.T
        ids = self.ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
        return pa.table(
            {
                CELL_ID: ids,
                c.X_PX: self._all(x, pa.float32()),
                c.Y_PX: self._all(y, pa.float32()),
                c.CELL_PATCH: self._all([as_png(patch) for patch in self.cells.pixels], pa.binary()),
                c.CELL_INSIDE_FRAC: self._all(self.cells.inside, pa.float32()),
                c.CELL_IS_BLANK: self._all(self.cells.blank, pa.bool_()),
                c.TISSUE_PATCH: self._all([as_jpeg(patch) for patch in self.tissue.pixels], pa.binary()),
                c.TISSUE_INSIDE_FRAC: self._all(self.tissue.inside, pa.float32()),
                c.TISSUE_IS_BLANK: self._all(self.tissue.blank, pa.bool_()),
            }
        )

    def _all(self, values: "NDArray[np.generic] | list[bytes]", kind: pa.DataType) -> pa.Array:
        """Give the values of cells with a place to their rows, and null to all others."""
        return spread(pa.array(values, kind), self.has_place)


def _along_tiles(xy_px: NDArray[np.float64], *, width: float, height: float) -> NDArray[np.int64]:
    """Order cells by rows of tiles, every other one backwards: what the next one takes is mostly at hand."""
    column, row = np.floor(xy_px / (width, height)).astype(np.int64).T
    return np.lexsort((np.where(row % 2, -column, column), row))
