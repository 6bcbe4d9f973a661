"""Cuts patches out of an image, and writes `image_patches`."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

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
from c2s_assets.storage.images.scaled import ScaledImage
from c2s_assets.storage.images.source import ImageSource, Pixels, TileReader
from c2s_assets.storage.streams import N_THREADS, map_ahead

# Written at once: 30 MB of patches of 30 KB.
_CELLS_PER_BLOCK = 1_024
# Cut and encoded at once by a thread: 15 MB of the pixels that tissue patches are cut from.
_PATCHES_PER_BATCH = 32
# The viewer of the Hub decodes a row group whole.
_ROWS_PER_GROUP = 256


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
        """Write the rows of all cells; null where a cell has no place.

        Patches are cut in the order of tiles, whatever the order of the cells, and wait beside the table.
        """
        waiting = staged.folder / "waiting"
        waiting.mkdir()
        cell_size = cell_patch_size(self.scale, um_per_px=self.sample.um_per_px)
        with (
            self._encoded(cell_size, as_png, waiting / "cell") as cell,
            self._encoded(TISSUE_PATCH, as_jpeg, waiting / "tissue") as tissue,
        ):
            self.n_blank = int((cell.blank | tissue.blank).sum())
            rows = (
                self._rows(start, cell_ids.slice(start, _CELLS_PER_BLOCK), cell, tissue)
                for start in range(0, len(cell_ids), _CELLS_PER_BLOCK)
            )
            staged.write(rows, rows_per_group=_ROWS_PER_GROUP, um_per_px=self.sample.um_per_px)
        shutil.rmtree(waiting)

    def _rows(self, start: int, cell_ids: pl.Series, cell: "_Patches", tissue: "_Patches") -> pa.Table:
        has_place, cells = self.sample.between(start, start + len(cell_ids))
        x, y = self.sample.xy_px[cells].T
        columns = {
            c.X_PX: pa.array(x, pa.float32()),
            c.Y_PX: pa.array(y, pa.float32()),
            c.CELL_PATCH: cell.read(cells),
            c.CELL_UM_PER_PX: pa.repeat(pa.scalar(cell.um_per_px, pa.float32()), len(x)),
            c.CELL_INSIDE_FRAC: pa.array(cell.inside[cells], pa.float32()),
            c.CELL_IS_BLANK: pa.array(cell.blank[cells], pa.bool_()),
            c.TISSUE_PATCH: tissue.read(cells),
            c.TISSUE_UM_PER_PX: pa.repeat(pa.scalar(tissue.um_per_px, pa.float32()), len(x)),
            c.TISSUE_INSIDE_FRAC: pa.array(tissue.inside[cells], pa.float32()),
            c.TISSUE_IS_BLANK: pa.array(tissue.blank[cells], pa.bool_()),
        }
        ids = cell_ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
        return pa.table(
            {CELL_ID: ids, **{name: spread(values, has_place) for name, values in columns.items()}}
        )

    @contextmanager
    def _encoded(
        self, size: PatchSize, encode: Callable[[Pixels], bytes], path: Path
    ) -> Iterator["_Patches"]:
        """Cut and encode the patches of all cells into a file, in the order of tiles."""
        n_cells = len(self.sample.cells)
        begins, lengths = np.zeros(n_cells, np.int64), np.zeros(n_cells, np.int64)
        blank, at = np.zeros(n_cells, np.bool_), 0

        def encoded(batch: "list[tuple[int, PatchWindow]]") -> list[tuple[int, bytes, bool]]:
            patches = ((cell, window.patch(size.px)) for cell, window in batch)
            return [(cell, encode(pixels), is_blank(pixels)) for cell, pixels in patches]

        with path.open("w+b") as file:
            for batch in map_ahead(encoded, self.windows(size), n_threads=N_THREADS):
                for cell, data, shows_nothing in batch:
                    file.write(data)
                    begins[cell], lengths[cell], blank[cell] = at, len(data), shows_nothing
                    at += len(data)
            file.flush()
            full = self.image.levels[0]
            squares = squares_around(self.sample.xy_px, size, um_per_px=self.sample.um_per_px)
            inside = squares.inside(width=full.width, height=full.height)
            yield _Patches(size.um_per_px, file, begins, lengths, blank, inside)

    def windows(self, size: PatchSize) -> Iterator["list[tuple[int, PatchWindow]]"]:
        """Read what the patch of each cell is cut from, in the order of tiles, batch by batch.

        Patches of tissue overlap a hundred times: they are cut from an image that has their pixels, resampled
        once, and so their middle is up to half a pixel beside the cell.
        """
        reader, xy_px, um_per_px = self.reader, self.sample.xy_px, self.sample.um_per_px
        if size == TISSUE_PATCH and um_per_px != size.um_per_px:
            scale = size.um_per_px / um_per_px
            reader = TileReader(ScaledImage(reader, scale), reader.background)
            xy_px, um_per_px = xy_px / scale, size.um_per_px
        squares = squares_around(xy_px, size, um_per_px=um_per_px)
        wanted = squares.side / size.px
        number = reader.level_for(wanted)
        level, shrink = reader.source.levels[number], reader.shrink_for(number, wanted)
        order = _along_tiles(
            xy_px, width=level.tile_width * level.downsample, height=level.tile_height * level.downsample
        )
        is_whole = squares.side == size.px
        for start in range(0, len(order), _PATCHES_PER_BATCH):
            cells = order[start : start + _PATCHES_PER_BATCH].tolist()
            if is_whole:
                yield [(cell, _as_it_is(reader, squares, cell, px=size.px)) for cell in cells]
            else:
                yield [(cell, _around(reader, squares, cell, level=number, shrink=shrink)) for cell in cells]


@dataclass(frozen=True)
class PatchWindow:
    """Pixels that a patch is cut from, and which part of them it is; None if they are the patch."""

    pixels: Pixels
    box: tuple[float, float, float, float] | None

    def patch(self, px: int) -> Pixels:
        """Cut the patch, as one of so many pixels."""
        return self.pixels if self.box is None else cut(self.pixels, self.box, side=px)


def _as_it_is(reader: TileReader, squares: Squares, cell: int, *, px: int) -> PatchWindow:
    """Read pixels that need not be resampled."""
    left, top = int(squares.left[cell]), int(squares.top[cell])
    return PatchWindow(reader.window(0, left, top, px, px), None)


def _around(reader: TileReader, squares: Squares, cell: int, *, level: int, shrink: int) -> PatchWindow:
    """Read pixels that are to be resampled."""
    corner = (squares.left[cell], squares.top[cell])
    return PatchWindow(*reader.around(corner, squares.side, level=level, shrink=shrink))


@dataclass(frozen=True)
class _Patches:
    """The patches of all cells, in a file, and which of them show nothing."""

    um_per_px: float
    file: BinaryIO
    begins: NDArray[np.int64]
    lengths: NDArray[np.int64]
    blank: NDArray[np.bool_]
    inside: NDArray[np.float64]

    def read(self, cells: slice) -> pa.Array:
        """Read the patches of some cells."""
        places = zip(self.begins[cells].tolist(), self.lengths[cells].tolist(), strict=True)
        return pa.array([os.pread(self.file.fileno(), length, at) for at, length in places], pa.binary())


def _along_tiles(xy_px: NDArray[np.float64], *, width: float, height: float) -> NDArray[np.int64]:
    """Order cells by rows of tiles, every other one backwards: what the next one takes is mostly at hand."""
    column, row = np.floor(xy_px / (width, height)).astype(np.int64).T
    return np.lexsort((np.where(row % 2, -column, column), row))
