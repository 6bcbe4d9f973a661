"""Images as they should not be: damaged, larger than memory, or claiming to be."""

import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.images.opening import open_image
from c2s_assets.storage.images.picture import resized
from c2s_assets.storage.images.source import TileReader, thumbnail

SIDE = 60_000
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 322, 323


def write_jpeg_pyramid(path: Path) -> list[int]:
    """Write a slide of 512 x 512 pixels in JPEG tiles of 128, the second of them black, and half of it.

    Returns
    -------
    Where each tile of the full image begins.
    """
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 200, (32, 32, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    pixels[:128, 128:256] = 0
    options = {"tile": (128, 128), "photometric": "rgb", "compression": "jpeg"}
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, subifds=1, **options)
        file.write(pixels[::2, ::2], subfiletype=1, **options)
    with tifffile.TiffFile(path) as file:
        return list(file.pages[0].dataoffsets)


def test_a_jpeg_pyramid_with_corrupt_and_black_tiles_names_both(tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    offsets = write_jpeg_pyramid(path)
    data = bytearray(path.read_bytes())
    data[offsets[6] : offsets[6] + 300] = os.urandom(2) + b"\x00" * 298
    path.write_bytes(data)
    with open_image(path) as image:
        reader = TileReader(image)
        reader.window(0, 0, 0, 512, 128)
        assert reader.black == {(0, 0, 1)}
        reader.window(1, 0, 0, 256, 256)  # the smaller copy is whole
        with pytest.raises(
            SourceError, match=r"image slide\.tif cannot be read at tile \(1, 2\) of level 0.*Copy it"
        ):
            reader.window(0, 256, 128, 128, 128)


def test_an_image_larger_than_memory_is_read_where_cells_are(tmp_path: Path) -> None:
    """Of 60,000 x 60,000 pixels, 10.8 GB, two tiles were ever stored; the rest of them is black."""
    path = tmp_path / "slide.tif"
    tile = np.full((512, 512, 3), 190, np.uint8)
    n_tiles = (-(-SIDE // 512)) ** 2
    tifffile.imwrite(
        path,
        (tile if number in {0, 5_000} else None for number in range(n_tiles)),
        shape=(SIDE, SIDE, 3),
        dtype=np.uint8,
        photometric="rgb",
        tile=(512, 512),
        bigtiff=True,
    )
    tracemalloc.start()
    try:
        with open_image(path) as image:
            full = image.levels[0]
            reader = TileReader(image)
            row, column = divmod(5_000, -(-SIDE // 512))
            shown = reader.window(0, column * 512, row * 512, 512, 512)
            for corner in range(0, SIDE, 1_000):
                reader.window(0, corner, corner, 600, 600)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (full.width, full.height) == (SIDE, SIDE)
    assert (shown == 190).all()
    assert len(reader.black) > 60
    assert peak < 200 * 2**20


def test_an_image_larger_than_memory_is_shown_small_tile_by_tile(tmp_path: Path) -> None:
    """A small copy is missing, so that all tiles are looked at."""
    path = tmp_path / "slide.tif"
    pixels = np.zeros((600, 900, 3), np.uint8)
    pixels[:300] = 250
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(64, 64))
    with open_image(path) as image:
        small = thumbnail(image, long_side=90, resize=resized)
    assert small.shape == (60, 90, 3)
    assert (small[:29] == 250).all()
    assert not small[31:].any()


@pytest.mark.parametrize("compression", [None, "jpeg", "deflate"])
def test_a_truncated_image_is_named_where_it_ends(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "slide.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512, 3), dtype=np.uint8)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(128, 128), compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with open_image(path) as image:
        reader = TileReader(image)
        reader.window(0, 0, 0, 128, 128)
        with pytest.raises(SourceError, match=r"slide\.tif cannot be read at tile \(\d, \d\) of level 0"):
            reader.window(0, 0, 0, 512, 512)


@pytest.mark.parametrize("tag", [_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT])
def test_an_image_that_claims_a_size_it_has_not_is_refused(tmp_path: Path, tag: int) -> None:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, np.full((64, 64, 3), 9, np.uint8), photometric="rgb", tile=(32, 32))
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags[tag].valueoffset
    data = bytearray(path.read_bytes())
    kind = "<I" if data[at + 2 : at + 4] == b"\0\0" and tag in {_WIDTH, _HEIGHT} else "<H"
    struct.pack_into(kind, data, at, 60_000)
    path.write_bytes(data)
    with pytest.raises(SourceError), open_image(path) as image:
        TileReader(image).window(0, 0, 0, 4_096, 4_096)
