"""Images of an OME-Zarr or SpatialData store, of any size, read chunk by chunk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.images.source import MOST_TILE_PIXELS, Level, Pixels
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store
from c2s_assets.storage.zarr_stores.rasters import Raster, describe_raster

_IMAGES = "images"
_AXES = ("c", "y", "x")
_N_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class ZarrImage:
    """An open image; made by `open_zarr_image`. A tile is a chunk with all its channels."""

    name: str
    levels: tuple[Level, ...]
    _arrays: tuple[Any, ...]
    um_per_px: None = None

    def read_tile(self, level: int, row: int, column: int) -> Pixels:
        """Read a chunk, cut off at the edges; see `ImageSource`."""
        stored = self.levels[level]
        y, x = row * stored.tile_height, column * stored.tile_width
        window = np.s_[:3, y : y + stored.tile_height, x : x + stored.tile_width]
        try:
            tile = np.asarray(self._arrays[level][window])
        except Exception as error:  # a codec raises whatever it stumbles upon
            raise SourceError(
                f"image {self.name} cannot be read at tile ({row}, {column}) of level {level}: "
                f"{type(error).__name__}: {str(error)[:200]}. Copy the store again."
            ) from error
        colours = np.moveaxis(tile, 0, 2)
        return np.repeat(colours, 3, axis=2) if colours.shape[2] == 1 else np.ascontiguousarray(colours)


def open_zarr_image(folder: Path) -> ZarrImage:
    """Open an image of a store, with the smaller copies that it has of it.

    Raises
    ------
    SourceError
        If it is none, is damaged, or its pixels are not 8-bit grey or colours.
    """
    raster = describe_raster(folder)
    arrays = raster.open_levels()
    _refuse_other_pixels(raster, arrays)
    widest = arrays[0].shape[2]
    levels = []
    for array in arrays:
        (_, height, width), (_, tile_height, tile_width) = array.shape, array.chunks
        levels.append(Level(width, height, min(tile_width, width), min(tile_height, height), widest / width))
    if any(level.tile_width * level.tile_height > MOST_TILE_PIXELS for level in levels):
        raise SourceError(
            f"image {raster.name} is stored in chunks of {levels[0].tile_width:,} x "
            f"{levels[0].tile_height:,} pixels, which are too large to be read one by one. Write it again "
            f"in chunks of 1,024 x 1,024."
        )
    return ZarrImage(raster.name, tuple(levels), tuple(arrays))


def find_image(store: Path, *, system: str) -> Path | None:
    """Find the image of a SpatialData store that shows what lies in a coordinate system.

    None if there is none that can be read, or several.
    """
    images = sorted((store / _IMAGES).iterdir()) if (store / _IMAGES).is_dir() else []
    found = [folder for folder in images if is_zarr_store(folder) and _shows(folder, system)]
    return found[0].resolve() if len(found) == 1 else None


def _shows(folder: Path, system: str) -> bool:
    try:
        return system in describe_raster(folder).systems and bool(open_zarr_image(folder).levels)
    except SourceError:
        return False


def _refuse_other_pixels(raster: Raster, arrays: list[Any]) -> None:
    if raster.axes != _AXES:
        raise SourceError(
            f"image {raster.name} has the axes {', '.join(raster.axes)}, and only images of c, y, x can be "
            f"read. Write one plane of it as an image of its own."
        )
    for array in arrays:
        if array.shape[0] not in _N_CHANNELS or array.dtype != np.uint8:
            raise SourceError(
                f"image {raster.name} has {array.shape[0]} channels of {array.dtype}, and only 8-bit grey or "
                f"colours can be read. Choose its channels and scale them to 8 bits, and write that as an "
                f"image of 1 or 3 channels."
            )
