"""TIFF files: what a microscope writes, of any size, in tiles or strips, with smaller copies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.images.pixel_size import said_um_per_px
from c2s_assets.storage.images.source import MOST_TILE_PIXELS, Level, Pixels


@contextmanager
def open_tiff(path: Path) -> Iterator["TiffImage"]:
    """Open the first image of a TIFF, and the smaller copies that it has of it.

    Raises
    ------
    SourceError
        If it is damaged, or its pixels are not 8-bit grey or colours.
    """
    try:
        file = tifffile.TiffFile(path)
    except Exception as error:  # tifffile raises whatever it stumbles upon
        raise _damaged(path, error) from error
    with file:
        yield _first_image(file, path)


@dataclass(frozen=True)
class TiffImage:
    """An open TIFF; made by `open_tiff`."""

    name: str
    levels: tuple[Level, ...]
    _pages: tuple[Any, ...]
    um_per_px: float | None

    def read_tile(self, level: int, row: int, column: int) -> Pixels:
        """Read a tile or strip; see `ImageSource`."""
        page, stored = self._pages[level], self.levels[level]
        index = row * -(-stored.width // stored.tile_width) + column
        try:
            tile = _decode(page, index)
        except Exception as error:  # a codec raises whatever it stumbles upon
            raise SourceError(
                f"image {self.name} cannot be read at tile ({row}, {column}) of level {level}: "
                f"{type(error).__name__}: {error}. Copy it again, or write it anew from the microscope's "
                f"file."
            ) from error
        if tile is None:  # a tile that was never written
            return np.zeros((stored.tile_height, stored.tile_width, 3), np.uint8)
        return _as_colours(tile)


def _first_image(file: Any, path: Path) -> TiffImage:
    try:
        pages = [level.keyframe for level in file.series[0].levels]
        for page in pages:
            _refuse_other_pixels(page, path)
        levels = tuple(
            Level(
                width=page.imagewidth,
                height=page.imagelength,
                tile_width=page.tilewidth if page.is_tiled else page.imagewidth,
                tile_height=page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength),
                downsample=pages[0].imagewidth / page.imagewidth,
            )
            for page in pages
        )
        um_per_px = said_um_per_px(file, pages[0])
    except SourceError:
        raise
    except Exception as error:
        raise _damaged(path, error) from error
    if any(level.tile_width * level.tile_height > MOST_TILE_PIXELS for level in levels):
        raise SourceError(
            f"image {path.name} is stored in one piece of {levels[0].width:,} x {levels[0].height:,} pixels, "
            f"which cannot be read in parts. Write it anew in tiles, as bioformats2raw or vips do."
        )
    return TiffImage(path.name, levels, tuple(pages), um_per_px)


def _refuse_other_pixels(page: Any, path: Path) -> None:
    is_of_bytes = page.dtype == np.uint8 and page.bitspersample == 8
    if not is_of_bytes or page.samplesperpixel not in (1, 3, 4) or page.planarconfig != 1:
        raise SourceError(
            f"image {path.name} has {page.samplesperpixel} channels of {page.dtype}, and only 8-bit grey or "
            f"colours, side by side for each pixel, can be read. Export it as 8-bit RGB."
        )


def _decode(page: Any, index: int) -> Pixels | None:
    if index >= len(page.dataoffsets):
        raise ValueError(f"there are only {len(page.dataoffsets)} tiles")
    n_bytes = page.databytecounts[index]
    if n_bytes == 0:
        return None
    handle = page.parent.filehandle
    handle.seek(page.dataoffsets[index])
    data = handle.read(n_bytes)
    if len(data) < n_bytes:
        raise ValueError(f"it should have {n_bytes:,} bytes, and the file ends after {len(data):,}")
    tile = page.decode(data, index, jpegtables=page.jpegtables)[0]
    return None if tile is None else np.asarray(tile[0], np.uint8)


def _as_colours(tile: Pixels) -> Pixels:
    """Leave transparency out, and take grey for a colour."""
    return np.repeat(tile, 3, axis=2) if tile.shape[2] == 1 else tile[:, :, :3]


def _damaged(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"image {path.name} is no TIFF that can be read ({type(error).__name__}: {error}). Copy it again."
    )
