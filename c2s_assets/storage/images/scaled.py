"""An image as one with pixels of another size, each tile of which is resampled when it is read."""

import math
from dataclasses import dataclass
from functools import cached_property

from c2s_assets.storage.images.picture import cut
from c2s_assets.storage.images.source import Level, Pixels, TileReader

_TILE_PX = 512


@dataclass
class ScaledImage:
    """The image of a reader, of whose pixels `scale` along and across make one."""

    reader: TileReader
    scale: float
    um_per_px: None = None

    @cached_property
    def levels(self) -> tuple[Level]:
        """The image, without smaller copies."""
        full = self.reader.source.levels[0]
        width, height = (math.ceil(side / self.scale) for side in (full.width, full.height))
        return (Level(width, height, _TILE_PX, _TILE_PX, 1.0),)

    def read_tile(self, level: int, row: int, column: int) -> Pixels:  # noqa: ARG002  there is one
        """Resample a tile; what lies outside the image has the reader's background."""
        side = _TILE_PX * self.scale
        number = self.reader.level_for(self.scale)
        shrink = self.reader.shrink_for(number, self.scale)
        pixels, box = self.reader.around((column * side, row * side), side, level=number, shrink=shrink)
        return cut(pixels, box, side=_TILE_PX)
