"""Tests of images of a SpatialData store, read chunk by chunk."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2s_assets.core.errors import MissingInputError, SourceError
from c2s_assets.storage.images.opening import open_image
from c2s_assets.storage.images.picture import resized
from c2s_assets.storage.images.source import TileReader, thumbnail
from c2s_assets.storage.images.zarr_image import find_image
from c2s_assets.storage.lake.digest import sampled_digest
from c2s_assets_tests.spatial_stores import lies, write_image

PIXELS: NDArray[np.uint8] = np.random.default_rng(0).integers(1, 255, (300, 420, 3), dtype=np.uint8)


@pytest.mark.parametrize("version", [2, 3], ids=["zarr v2", "zarr v3"])
@pytest.mark.parametrize("chunks", [(64, 64), (100, 50), (300, 420)])
def test_a_window_holds_the_pixels_that_were_written(
    tmp_path: Path, version: int, chunks: tuple[int, int]
) -> None:
    folder = write_image(tmp_path / "slide.zarr", "he", PIXELS, chunks=chunks, n_levels=3, version=version)
    with open_image(folder) as image:
        reader = TileReader(image, background=(7, 8, 9))
        np.testing.assert_array_equal(reader.window(0, 0, 0, 420, 300), PIXELS)
        np.testing.assert_array_equal(reader.window(0, 60, 100, 130, 90), PIXELS[100:190, 60:190])
        edge = reader.window(0, 400, -5, 40, 20)
        assert [level.downsample for level in image.levels] == [1, 2, 4]
        assert [reader.level_for(downsample) for downsample in (0.3, 1.9, 2, 9)] == [0, 0, 1, 2]
        np.testing.assert_array_equal(reader.window(2, 0, 0, 105, 75), PIXELS[::4, ::4])
        small = thumbnail(image, long_side=105, resize=resized)
        assert image.um_per_px is None
    np.testing.assert_array_equal(edge[5:, :20], PIXELS[:15, 400:])
    assert (edge[:5] == (7, 8, 9)).all()
    assert (edge[:, 20:] == (7, 8, 9)).all()
    np.testing.assert_array_equal(small, PIXELS[::4, ::4])
    assert reader.black == set()


def test_grey_is_a_colour_and_transparency_is_left_out(tmp_path: Path) -> None:
    grey = write_image(tmp_path / "slide.zarr", "grey", PIXELS[:, :, :1])
    clear = write_image(tmp_path / "slide.zarr", "clear", np.dstack([PIXELS, PIXELS[:, :, 0]]))
    with open_image(grey) as image:
        np.testing.assert_array_equal(TileReader(image).window(0, 0, 0, 420, 300), PIXELS[:, :, [0, 0, 0]])
    with open_image(clear) as image:
        np.testing.assert_array_equal(TileReader(image).window(0, 0, 0, 420, 300), PIXELS)


def test_what_cannot_be_shown_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = tmp_path / "slide.zarr"
    deep = write_image(store, "morphology", PIXELS.astype(np.uint16))
    five = write_image(store, "five", np.dstack([PIXELS, PIXELS[:, :, :2]]))
    for folder, message in [
        (deep, "images/morphology has 3 channels of uint16, .* scale them to 8 bits"),
        (five, "images/five has 5 channels of uint8"),
        (store, r"slide\.zarr is no image or mask as OME-Zarr has it"),
    ]:
        (store / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
        with pytest.raises(SourceError, match=message), open_image(folder):
            pass
    with pytest.raises(MissingInputError, match="there is no image"), open_image(store / "images" / "none"):
        pass


def _change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _torn(folder: Path) -> None:
    chunk = folder / "s0" / "c" / "0" / "1" / "1"
    chunk.write_bytes(chunk.read_bytes()[:40])


def _link(folder: Path) -> None:
    chunk = folder / "s0" / "c" / "0" / "1" / "1"
    chunk.unlink()
    chunk.symlink_to("/etc/passwd")


def _pickled(folder: Path) -> None:
    _change(folder / "s0" / "zarr.json", codecs=[{"name": "numcodecs.pickle"}])


def _boundless(folder: Path) -> None:
    _change(folder / "s0" / "zarr.json", shape=[3, 10**6, 10**6])


def _in_one_piece(folder: Path) -> None:
    grid = {"name": "regular", "configuration": {"chunk_shape": [1, 10_000, 10_000]}}
    _change(folder / "s0" / "zarr.json", chunk_grid=grid, shape=[1, 10_000, 10_000])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_torn, r"images/he cannot be read at tile \(1, 1\) of level 0.*Copy the store again"),
        (_link, "is a symbolic link"),
        (_pickled, "is coded with 'numcodecs.pickle'"),
        (_boundless, "claims 3,000,000,000,000 bytes"),
        (_in_one_piece, "in chunks of 10,000 x 10,000 pixels, which are too large"),
    ],
    ids=["torn", "link", "codec", "endless", "one piece"],
)
def test_an_image_that_is_damaged_or_made_to_do_harm_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    folder = write_image(tmp_path / "slide.zarr", "he", PIXELS)
    spoil(folder)
    with pytest.raises(SourceError, match=message), open_image(folder) as image:
        TileReader(image).window(0, 0, 0, 420, 300)


def test_a_chunk_that_is_missing_is_noted(tmp_path: Path) -> None:
    folder = write_image(tmp_path / "slide.zarr", "he", PIXELS)
    (folder / "s0" / "c" / "0" / "1" / "2").unlink()
    with open_image(folder) as image:
        reader = TileReader(image)
        reader.window(0, 0, 0, 420, 300)
    assert reader.black == {(0, 1, 2)}


def test_the_one_image_that_shows_a_system_is_found(tmp_path: Path) -> None:
    store = tmp_path / "slide.zarr"
    assert find_image(store, system="global") is None
    write_image(store, "morphology", PIXELS.astype(np.uint16))
    write_image(store, "small", PIXELS[::8, ::8], places=[lies(system="small", axes="cyx")])
    assert find_image(store, system="global") is None
    stained = write_image(store, "he", PIXELS)
    assert find_image(store, system="global") == stained
    write_image(store, "he2", PIXELS)
    assert find_image(store, system="global") is None


def test_another_image_under_the_name_of_one_is_noticed(tmp_path: Path) -> None:
    store = tmp_path / "slide.zarr"
    folder = write_image(store, "he", PIXELS)
    first = sampled_digest(folder)
    assert sampled_digest(folder.rename(store / "images" / "moved")) == first
    digests = {first, sampled_digest(write_image(store, "he", PIXELS))}
    assert digests == {first}
    for one in (
        write_image(store, "brighter", PIXELS + np.uint8(1)),
        write_image(
            store,
            "moved_away",
            PIXELS,
            places=[lies({"type": "translation", "translation": [0, 0, 9]}, axes="cyx")],
        ),
        write_image(store, "with_a_copy", PIXELS, n_levels=2),
    ):
        digests.add(sampled_digest(one))
    (folder / "s0" / "c" / "0" / "1" / "2").unlink(missing_ok=True)
    digests.add(sampled_digest(folder.with_name("he")))
    assert len(digests) == 5
    assert sampled_digest(store / "nothing") == ""
