"""An image with its smaller copies, of which single tiles are read."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

# A tile, strip or chunk is decoded whole.
MOST_TILE_PIXELS = 2**26
# 80 tiles of 512 x 512 pixels: those of a row of cells and of the next one.
_BYTES_KEPT = 64 * 2**20
# A tile that was never decoded is 0; one that was, and stored again as JPEG, is not quite.
_BLACKEST = 3
# A window at a corner has its pixels in four.
_FEWEST_KEPT = 4
# Around what is resampled, so that pixels at the edge have neighbours to be averaged with.
_MARGIN_PX = 2


@dataclass(frozen=True)
class Level:
    """The image, or a smaller copy of it.

    Attributes
    ----------
    downsample
        Pixels of the image along one of this.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    downsample: float


class ImageSource(Protocol):
    """An open image."""

    @property
    def levels(self) -> Sequence[Level]:
        """The image, then its copies, the largest first."""

    @property
    def um_per_px(self) -> float | None:
        """Microns per pixel of the image, if it says so."""

    def read_tile(self, level: int, row: int, column: int) -> Pixels:
        """Read a tile as it is stored, ``(height, width, 3)``; at the edges it may be larger than the image.

        Raises
        ------
        SourceError
            If it cannot be read, naming it.
        """


@dataclass
class TileReader:
    """Cuts windows out of an image, and keeps the tiles that were read last.

    Attributes
    ----------
    background
        Colour of what lies outside the image.
    black
        Tiles read until now all of whose pixels are black, as ``(level, row, column)``: a slide has none, so
        that they were not decoded, or never stored.
    """

    source: ImageSource
    background: tuple[int, int, int] = (255, 255, 255)
    black: set[tuple[int, int, int]] = field(default_factory=set)
    _kept: OrderedDict[tuple[int, int, int, int], Pixels] = field(default_factory=OrderedDict)
    _n_bytes: int = field(default=0)

    def level_for(self, downsample: float) -> int:
        """Choose the smallest copy that has no fewer pixels than are wanted."""
        fitting = [n for n, level in enumerate(self.source.levels) if level.downsample <= max(downsample, 1)]
        return fitting[-1] if fitting else 0

    def shrink_for(self, level: int, downsample: float) -> int:
        """Choose how often a level is to be halved to have no fewer pixels than are wanted, as a factor.

        It stands for copies that the image does not have: each tile is made smaller once, rather than each
        of the many windows on it.
        """
        stored = self.source.levels[level]
        shrink = 1
        while 2 * shrink * stored.downsample <= downsample and _is_divided(stored, 2 * shrink):
            shrink *= 2
        return shrink

    def window(self, level: int, left: int, top: int, width: int, height: int, *, shrink: int = 1) -> Pixels:
        """Read pixels of a level, ``(height, width, 3)``; outside the image is the background's colour.

        They are not to be written to: most windows are a part of a tile.

        Parameters
        ----------
        left, top, width, height
            In pixels of the level made smaller by `shrink`, see `shrink_for`.
        """
        stored = _shrunk_level(self.source.levels[level], shrink)
        row, y = divmod(top, stored.tile_height)
        column, x = divmod(left, stored.tile_width)
        is_within = min(left, top) >= 0 and left + width <= stored.width and top + height <= stored.height
        if is_within and y + height <= stored.tile_height and x + width <= stored.tile_width:
            return self._tile(level, row, column, shrink)[y : y + height, x : x + width]
        found = np.empty((height, width, 3), np.uint8)
        if not is_within:
            found[:] = self.background
        first_column, last_column = max(left, 0), min(left + width, stored.width)
        first_row, last_row = max(top, 0), min(top + height, stored.height)
        if first_column >= last_column or first_row >= last_row:
            return found
        for row in range(first_row // stored.tile_height, (last_row - 1) // stored.tile_height + 1):
            for column in range(
                first_column // stored.tile_width, (last_column - 1) // stored.tile_width + 1
            ):
                y, x = row * stored.tile_height, column * stored.tile_width
                y0, y1 = max(y, first_row), min(y + stored.tile_height, last_row)
                x0, x1 = max(x, first_column), min(x + stored.tile_width, last_column)
                tile = self._tile(level, row, column, shrink)
                found[y0 - top : y1 - top, x0 - left : x1 - left] = tile[y0 - y : y1 - y, x0 - x : x1 - x]
        return found

    def around(
        self, corner: tuple[float, float], side: float, *, level: int, shrink: int = 1
    ) -> tuple[Pixels, tuple[float, float, float, float]]:
        """Read a level where a square of the image lies, and a little more: pixels at its edge are averaged.

        Parameters
        ----------
        corner, side
            In pixels of the image.

        Returns
        -------
        The pixels, and left, top, right and bottom of the square in them.
        """
        downsample = self.source.levels[level].downsample * shrink
        left, top = corner[0] / downsample, corner[1] / downsample
        side /= downsample
        x, y = math.floor(left) - _MARGIN_PX, math.floor(top) - _MARGIN_PX
        whole = math.ceil(side) + 2 * _MARGIN_PX + 1
        pixels = self.window(level, x, y, whole, whole, shrink=shrink)
        return pixels, (left - x, top - y, left - x + side, top - y + side)

    def _tile(self, level: int, row: int, column: int, shrink: int) -> Pixels:
        place = (level, row, column, shrink)
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        tile = self.source.read_tile(level, row, column)
        if tile.max() <= _BLACKEST:
            self.black.add((level, row, column))
        tile = _shrunk(tile, shrink)
        self._kept[place] = tile
        self._n_bytes += tile.nbytes
        while self._n_bytes > _BYTES_KEPT and len(self._kept) > _FEWEST_KEPT:
            self._n_bytes -= self._kept.popitem(last=False)[1].nbytes
        return tile


def _is_divided(level: Level, shrink: int) -> bool:
    """Whether smaller tiles of a level still meet at whole pixels."""
    has_one_row, has_one_column = level.tile_height >= level.height, level.tile_width >= level.width
    return (has_one_row or level.tile_height % shrink == 0) and (
        has_one_column or level.tile_width % shrink == 0
    )


def _shrunk_level(level: Level, shrink: int) -> Level:
    return Level(
        width=level.width // shrink,
        height=level.height // shrink,
        tile_width=max(1, level.tile_width // shrink),
        tile_height=max(1, level.tile_height // shrink),
        downsample=level.downsample * shrink,
    )


def _shrunk(tile: Pixels, shrink: int) -> Pixels:
    """Make a tile smaller: a pixel is the mean of so many along and across."""
    if shrink == 1:
        return tile
    height, width = (size // shrink * shrink for size in tile.shape[:2])
    total = np.full((height // shrink, width // shrink, tile.shape[2]), shrink**2 // 2, np.uint32)
    for y in range(shrink):
        for x in range(shrink):
            total += tile[y:height:shrink, x:width:shrink]
    return (total // shrink**2).astype(np.uint8)


def thumbnail(source: ImageSource, *, long_side: int, resize: Callable[[Pixels, int, int], Pixels]) -> Pixels:
    """Make the whole image small, tile by tile: its long side has at most so many pixels.

    Parameters
    ----------
    resize
        Gives pixels another width and height.
    """
    number = len(source.levels) - 1
    while number and max(source.levels[number].width, source.levels[number].height) < long_side:
        number -= 1
    level = source.levels[number]
    scale = min(1.0, long_side / max(level.width, level.height))
    small = np.zeros((max(1, round(level.height * scale)), max(1, round(level.width * scale)), 3), np.uint8)
    for row in range(-(-level.height // level.tile_height)):
        for column in range(-(-level.width // level.tile_width)):
            y, x = row * level.tile_height, column * level.tile_width
            height, width = min(level.tile_height, level.height - y), min(level.tile_width, level.width - x)
            y0, y1 = round(y * scale), min(round((y + height) * scale), len(small))
            x0, x1 = round(x * scale), min(round((x + width) * scale), small.shape[1])
            if y1 > y0 and x1 > x0:
                tile = source.read_tile(number, row, column)[:height, :width]
                small[y0:y1, x0:x1] = resize(tile, x1 - x0, y1 - y0)
    return small
