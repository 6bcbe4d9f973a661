"""An image that is an array of an h5ad, of any size, read some rows at a time."""

from dataclasses import dataclass

import numpy as np

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.images.source import Level, Pixels

_STRIP_BYTES = 4 * 2**20
_LARGEST_STRIP_BYTES = 128 * 2**20
_COLOURS = (3, 4)


@dataclass(frozen=True)
class ArrayImage:
    """Strips of an array of ``(height, width, 3)``; made by `array_image`."""

    levels: tuple[Level, ...]
    _array: Array
    um_per_px: None = None

    def read_tile(self, level: int, row: int, column: int) -> Pixels:  # noqa: ARG002  strips are as wide as it
        """Read a strip; see `ImageSource`."""
        height = self.levels[0].tile_height
        pixels = self._array.read(row * height, (row + 1) * height)[:, :, :3]
        if pixels.dtype.kind == "f":  # scanpy keeps an image as matplotlib reads it, from 0 to 1
            pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255)
        return np.asarray(pixels, np.uint8)


def array_image(array: Array) -> ArrayImage:
    """View an array as an image.

    Raises
    ------
    SourceError
        If it is none of colours, or stored in chunks that are too large to be read one by one.
    """
    shape = array.shape or ()
    is_of_colours = len(shape) == len(_COLOURS) + 1 and shape[2] in _COLOURS and min(shape) > 0
    if not is_of_colours or not (array.dtype == np.uint8 or array.dtype.kind == "f"):
        raise SourceError(
            f"{array.place} is an array of {array.dtype_name} and shape {shape}, and an image is one of "
            f"height x width x 3 colours, of 8 bits or from 0 to 1. Store it so, or name an image file."
        )
    height, width, _ = shape
    row_bytes = width * shape[2] * array.dtype.itemsize
    rows = array.chunks[0] if array.chunks else max(1, _STRIP_BYTES // row_bytes)
    if rows * row_bytes > _LARGEST_STRIP_BYTES:
        raise SourceError(
            f"{array.place} is stored in chunks of {rows:,} rows, {rows * row_bytes:,} bytes at once. Store "
            f"it in smaller ones, or without compression."
        )
    return ArrayImage((Level(width, height, width, min(rows, height), 1.0),), array)
