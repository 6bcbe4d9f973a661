"""Writes `image_patches`, and the slides that they are cut from."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.patches import (
    TISSUE_PATCH,
    PatchSize,
    Squares,
    cell_patch_size,
    is_blank,
    squares_around,
)
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.spec import Scale
from c2s_assets.core.spatial.spreading import spread
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.images.picture import as_jpeg, as_png, cut
from c2s_assets.storage.images.source import ImageSource, Pixels, TileReader
from c2s_assets.storage.streams import N_THREADS, map_ahead

# Cut in the order of tiles, and written: 120 MB of patches of 30 KB. Where cells are in no order, each block
# decodes all tiles.
_CELLS_PER_BLOCK = 4_096
# Encoded at once by a thread: 10 MB of pixels.
_PATCHES_PER_BATCH = 64
# The viewer of the Hub decodes a row group whole.
_ROWS_PER_GROUP = 256
# Around what is cut, so that pixels at the edge have neighbours to be averaged with.
_MARGIN_PX = 2


@dataclass
class PatchWriter:
    """Cuts the patches of a sample's cells out of an image.

    Attributes
    ----------
    scale
        Of the patches of cells.
    n_blank
        Cells until now with a patch that shows nothing.
    """

    sample: SpatialSample
    image: ImageSource
    reader: TileReader
    scale: Scale = "fixed"
    n_blank: int = field(default=0)

    def write(self, staged: DatasetStage, cell_ids: pl.Series) -> None:
        """Write the rows of all cells; null where a cell has no place."""
        blocks = (
            self._rows(start, cell_ids.slice(start, _CELLS_PER_BLOCK))
            for start in range(0, len(cell_ids), _CELLS_PER_BLOCK)
        )
        staged.write(blocks, rows_per_group=_ROWS_PER_GROUP, um_per_px=self._um_per_px)

    @property
    def _um_per_px(self) -> float:
        return self.sample.um_per_px

    def _rows(self, start: int, cell_ids: pl.Series) -> pa.Table:
        has_place, cells = self.sample.between(start, start + len(cell_ids))
        xy_px = self.sample.xy_px[cells]
        cell_size = cell_patch_size(self.scale, um_per_px=self._um_per_px)
        cell = self._patches(xy_px, cell_size, as_png)
        tissue = self._patches(xy_px, TISSUE_PATCH, as_jpeg)
        self.n_blank += int((cell.blank | tissue.blank).sum())
        x, y = xy_px.T
        columns = {
            c.X_PX: pa.array(x, pa.float32()),
            c.Y_PX: pa.array(y, pa.float32()),
            c.CELL_PATCH: cell.encoded,
            c.CELL_UM_PER_PX: pa.repeat(pa.scalar(cell_size.um_per_px, pa.float32()), len(xy_px)),
            c.CELL_INSIDE_FRAC: pa.array(cell.inside, pa.float32()),
            c.CELL_IS_BLANK: pa.array(cell.blank, pa.bool_()),
            c.TISSUE_PATCH: tissue.encoded,
            c.TISSUE_UM_PER_PX: pa.repeat(pa.scalar(TISSUE_PATCH.um_per_px, pa.float32()), len(xy_px)),
            c.TISSUE_INSIDE_FRAC: pa.array(tissue.inside, pa.float32()),
            c.TISSUE_IS_BLANK: pa.array(tissue.blank, pa.bool_()),
        }
        ids = cell_ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
        return pa.table(
            {CELL_ID: ids, **{name: spread(values, has_place) for name, values in columns.items()}}
        )

    def _patches(
        self, xy_px: NDArray[np.float64], size: PatchSize, encode: Callable[[Pixels], bytes]
    ) -> "_Patches":
        """Cut and encode the patches of some cells; these are cut in the order of tiles."""
        squares = squares_around(xy_px, size, um_per_px=self._um_per_px)
        full = self.image.levels[0]
        data, blank = [b""] * len(xy_px), np.zeros(len(xy_px), np.bool_)

        def encoded(batch: list[tuple[int, Pixels]]) -> list[tuple[int, bytes, bool]]:
            return [(cell, encode(pixels), is_blank(pixels)) for cell, pixels in batch]

        for batch in map_ahead(encoded, self._cut(xy_px, squares, px=size.px), n_threads=N_THREADS):
            for cell, of_cell, shows_nothing in batch:
                data[cell], blank[cell] = of_cell, shows_nothing
        inside = squares.inside(width=full.width, height=full.height)
        return _Patches(pa.array(data, pa.binary()), blank, inside)

    def _cut(
        self, xy_px: NDArray[np.float64], squares: Squares, *, px: int
    ) -> Iterator[list[tuple[int, Pixels]]]:
        wanted = squares.side / px
        number = self.reader.level_for(wanted)
        level, shrink = self.image.levels[number], self.reader.shrink_for(number, wanted)
        order = _along_tiles(
            xy_px, width=level.tile_width * level.downsample, height=level.tile_height * level.downsample
        )
        for start in range(0, len(order), _PATCHES_PER_BATCH):
            cells = order[start : start + _PATCHES_PER_BATCH].tolist()
            yield [(cell, self._patch(squares, cell, number, shrink, px=px)) for cell in cells]

    def _patch(self, squares: Squares, cell: int, level: int, shrink: int, *, px: int) -> Pixels:
        downsample = self.image.levels[level].downsample * shrink
        left, top = squares.left[cell] / downsample, squares.top[cell] / downsample
        side = squares.side / downsample
        x, y = math.floor(left) - _MARGIN_PX, math.floor(top) - _MARGIN_PX
        whole = math.ceil(side) + 2 * _MARGIN_PX + 1
        pixels = self.reader.window(level, x, y, whole, whole, shrink=shrink)
        return cut(pixels, (left - x, top - y, left - x + side, top - y + side), side=px)


@dataclass(frozen=True)
class _Patches:
    """The patches of some cells, and which of them show nothing."""

    encoded: pa.Array
    blank: NDArray[np.bool_]
    inside: NDArray[np.float64]


def _along_tiles(xy_px: NDArray[np.float64], *, width: float, height: float) -> NDArray[np.int64]:
    """Order cells by rows of tiles, every other one backwards: what the next one takes is mostly at hand."""
    column, row = np.floor(xy_px / (width, height)).astype(np.int64).T
    return np.lexsort((np.where(row % 2, -column, column), row))
