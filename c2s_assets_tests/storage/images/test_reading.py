"""Tests of images that are read tile by tile."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from c2s_assets.core.errors import MissingInputError, SourceError
from c2s_assets.storage.images.opening import open_image
from c2s_assets.storage.images.picture import as_jpeg, as_png, cut, decoded, resized
from c2s_assets.storage.images.scaled import ScaledImage
from c2s_assets.storage.images.source import Pixels, TileReader, thumbnail

PIXELS: NDArray[np.uint8] = np.random.default_rng(0).integers(1, 255, (300, 420, 3), dtype=np.uint8)
HALF = PIXELS[::2, ::2]


def write_pyramid(path: Path, pixels: NDArray[np.uint8] = PIXELS, **options: object) -> Path:
    """Write an image in tiles of 64 pixels, with a copy of half the size."""
    options = {"tile": (64, 64), "photometric": "rgb", "compression": "deflate", **options}
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, subifds=1, **options)
        file.write(pixels[::2, ::2], subfiletype=1, **options)
    return path


@pytest.mark.parametrize("name", ["tiles.tif", "strips.tif", "lossless.png"])
def test_a_window_holds_the_pixels_that_were_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "tiles.tif":
        write_pyramid(path)
    elif name == "strips.tif":
        tifffile.imwrite(path, PIXELS, photometric="rgb", compression="lzw", rowsperstrip=37)
    else:
        path.write_bytes(as_png(PIXELS))
    with open_image(path) as image:
        reader = TileReader(image, background=(7, 8, 9))
        np.testing.assert_array_equal(reader.window(0, 0, 0, 420, 300), PIXELS)
        np.testing.assert_array_equal(reader.window(0, 60, 100, 130, 90), PIXELS[100:190, 60:190])
        edge = reader.window(0, 400, -5, 40, 20)
    np.testing.assert_array_equal(edge[5:, :20], PIXELS[:15, 400:])
    assert (edge[:5] == (7, 8, 9)).all()
    assert (edge[:, 20:] == (7, 8, 9)).all()
    assert reader.black == set()


def test_the_smallest_copy_that_has_pixels_enough_is_read(tmp_path: Path) -> None:
    with open_image(write_pyramid(tmp_path / "slide.tif")) as image:
        reader = TileReader(image)
        assert [reader.level_for(downsample) for downsample in (0.3, 1, 1.9, 2, 9)] == [0, 0, 0, 1, 1]
        np.testing.assert_array_equal(reader.window(1, 10, 20, 30, 40), HALF[20:60, 10:40])
        small = thumbnail(image, long_side=105, resize=resized)
    assert small.shape == (75, 105, 3)
    assert abs(small.mean() - PIXELS.mean()) < 3


@pytest.mark.parametrize("name", ["tiles.tif", "whole.png"])
def test_a_copy_that_an_image_does_not_have_is_made_of_its_tiles(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "tiles.tif":
        tifffile.imwrite(path, PIXELS, photometric="rgb", tile=(64, 32))
    else:
        path.write_bytes(as_png(PIXELS))
    with open_image(path) as image:
        reader = TileReader(image, background=(7, 8, 9))
        assert [reader.shrink_for(0, wanted) for wanted in (0.5, 1.9, 2, 5)] == [1, 1, 2, 4]
        found = reader.window(0, 90, 60, 20, 20, shrink=4)
    np.testing.assert_array_equal(found[:15, :15], _means(PIXELS, 4)[60:75, 90:105])
    assert (found[15:] == (7, 8, 9)).all()
    assert (found[:, 15:] == (7, 8, 9)).all()


def test_strips_that_would_not_meet_at_whole_pixels_are_not_halved(tmp_path: Path) -> None:
    path = tmp_path / "strips.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", rowsperstrip=6)
    with open_image(path) as image:
        assert TileReader(image).shrink_for(0, 5) == 2


@pytest.mark.parametrize("scale", [0.3, 0.5])
def test_tiles_that_are_resampled_meet_where_those_of_the_whole_image_would(
    tmp_path: Path, scale: float
) -> None:
    with open_image(write_pyramid(tmp_path / "slide.tif")) as image:
        scaled = TileReader(ScaledImage(TileReader(image), scale))
        level = scaled.source.levels[0]
        found = scaled.window(0, 0, 0, level.width, level.height)
    assert level.width > level.tile_width
    assert (level.width, level.height) == (420 / scale, 300 / scale)
    whole = resized(PIXELS, level.width, level.height)
    inner = (slice(8, -8), slice(8, -8))  # at its edge an image is averaged with what lies outside
    np.testing.assert_allclose(found[inner].astype(int), whole[inner].astype(int), atol=2)


def _means(pixels: Pixels, n: int) -> Pixels:
    """Average squares of so many pixels."""
    height, width, _ = pixels.shape
    squares = pixels[: height // n * n, : width // n * n].reshape(height // n, n, width // n, n, 3)
    return np.floor(squares.mean(axis=(1, 3)) + 0.5).astype(np.uint8)


def test_grey_is_a_colour_and_transparency_is_left_out(tmp_path: Path) -> None:
    grey, clear = tmp_path / "grey.tif", tmp_path / "clear.tif"
    tifffile.imwrite(grey, PIXELS[:, :, 0], tile=(64, 64))
    tifffile.imwrite(
        clear, np.dstack([PIXELS, PIXELS[:, :, 0]]), photometric="rgb", extrasamples=["unassalpha"]
    )
    with open_image(grey) as image:
        np.testing.assert_array_equal(TileReader(image).window(0, 0, 0, 420, 300), PIXELS[:, :, [0, 0, 0]])
    with open_image(clear) as image:
        np.testing.assert_array_equal(TileReader(image).window(0, 0, 0, 420, 300), PIXELS)


def test_a_tile_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "slide.tif")
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[8]
    data = bytearray(path.read_bytes())
    data[start : start + 400] = b"\x55" * 400
    path.write_bytes(data)
    with open_image(path) as image:
        reader = TileReader(image)
        reader.window(0, 0, 0, 64, 64)
        with pytest.raises(SourceError, match=r"image slide\.tif cannot be read at tile \(1, 1\) of level 0"):
            reader.window(0, 64, 64, 10, 10)


def test_black_tiles_are_noted(tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    pixels[64:128, 128:192] = 0
    with open_image(write_pyramid(tmp_path / "slide.tif", pixels)) as image:
        reader, shrinking = TileReader(image), TileReader(image)
        reader.window(0, 0, 0, 420, 300)
        shrinking.window(0, 0, 0, 210, 150, shrink=2)
    assert reader.black == shrinking.black == {(0, 1, 2)}


def test_an_image_in_one_piece_is_refused_if_it_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2s_assets.storage.images.tiff.MOST_TILE_PIXELS", 100_000)
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", rowsperstrip=300)
    with pytest.raises(SourceError, match="in one piece of 420 x 300 pixels"), open_image(path):
        pass


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    whole = write_pyramid(tmp_path / "whole.tif").read_bytes()
    tifffile.imwrite(tmp_path / "deep.tif", PIXELS[:, :, 0].astype(np.uint16))
    for name, data in [
        ("cut.tif", whole[:3]),
        ("head.tif", whole[:9]),
        ("x.png", b"\x89PNG"),
        ("e.tif", b""),
    ]:
        (tmp_path / name).write_bytes(data)
    for name, message in [
        ("cut.tif", r"cut\.tif is no TIFF, PNG or JPEG"),
        ("head.tif", r"head\.tif is no TIFF that can be read"),
        ("x.png", r"x\.png is no TIFF, PNG or JPEG"),
        ("e.tif", r"e\.tif is empty"),
        ("deep.tif", "1 channels of uint16, and only 8-bit"),
    ]:
        with pytest.raises(SourceError, match=message), open_image(tmp_path / name):
            pass
    with pytest.raises(MissingInputError, match="there is no image"), open_image(tmp_path / "none.tif"):
        pass


def test_a_file_that_ends_early_is_named_where_it_does(tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", tile=(64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with open_image(path) as image:
        reader = TileReader(image)
        with pytest.raises(SourceError, match="the file ends after"):
            reader.window(0, 0, 0, 420, 300)


def test_without_the_libraries_it_is_said_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2s_assets.storage.images.opening.find_spec", lambda _: None)
    path = write_pyramid(tmp_path / "slide.tif")
    with pytest.raises(MissingInputError, match=r"pip install 'c2s_assets\[spatial\]'"), open_image(path):
        pass


def test_patches_are_cut_where_they_lie_and_come_back_as_they_were() -> None:
    np.testing.assert_array_equal(cut(PIXELS, (10, 20, 74, 84), side=64), PIXELS[20:84, 10:74])
    np.testing.assert_array_equal(decoded(as_png(PIXELS)), PIXELS)
    smooth = np.zeros((64, 64, 3), np.uint8) + np.arange(64, dtype=np.uint8)[:, None, None]
    assert abs(decoded(as_jpeg(smooth)).astype(int) - smooth).max() < 6
