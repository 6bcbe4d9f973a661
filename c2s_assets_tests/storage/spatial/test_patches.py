"""Tests that a patch shows the same microns, whatever its image has for pixels."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.sample import place_cells
from c2s_assets.core.spatial.spec import Scale
from c2s_assets.schemas.registry import CELLS, PROFILE, RAW
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.images.opening import open_image
from c2s_assets.storage.images.picture import as_png, decoded, resized
from c2s_assets.storage.images.source import TileReader
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.spatial.patches import PatchWriter
from c2s_assets.storage.tables.parquet import read_table
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

# 300 x 400 um of blobs of some microns, at 0.25 um a pixel; cells well within, in microns.
BLOBS = np.random.default_rng(0).integers(40, 220, (75, 100, 3), dtype=np.uint8)
FINE = resized(BLOBS, 1600, 1200)
CENTRES_UM = np.random.default_rng(1).uniform((110, 110), (290, 190), (5, 2))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset whose cells are read."""
    layout = make_lake(tmp_path_factory.mktemp("patches"))
    drop_toy_h5ad(layout, "toy", n_obs=5)
    with open_workshop(layout) as workshop:
        build_only(workshop, "toy", RAW, PROFILE, CELLS)
    return Dataset(layout, "toy", read_settings(layout))


def _patches(dataset: Dataset, folder: Path, *, um_per_px: float, scale: Scale = "fixed") -> pl.DataFrame:
    path = folder / f"{um_per_px}.png"
    size = 0.25 / um_per_px
    path.write_bytes(as_png(resized(FINE, round(1600 * size), round(1200 * size))))
    sample = place_cells(
        CENTRES_UM / um_per_px, calibration=Calibration(um_per_px, "um_per_unit", {}), unit="cell"
    )
    with open_image(path) as image, dataset.stage("image_patches") as staged:
        PatchWriter(sample, image, TileReader(image), scale).write(
            staged, pl.Series("cell_id", list("abcde"))
        )
        return read_table(staged.path())


def test_two_images_of_one_tissue_give_the_same_patches(dataset: Dataset, tmp_path: Path) -> None:
    fine, coarse = (_patches(dataset, tmp_path, um_per_px=um) for um in (0.25, 0.5))
    for name, n_px in [("cell_patch", 64), ("tissue_patch", 224)]:
        for one, other in zip(fine[name], coarse[name], strict=True):
            pixels = decoded(one).astype(int)
            assert pixels.shape == (n_px, n_px, 3)
            assert np.abs(pixels - decoded(other)).mean() < 4
            # Others of the same image are far from alike, and so would one be that shows other microns.
            assert np.abs(pixels - pixels[::-1]).mean() > 20
    scales = fine.select("cell_um_per_px", "tissue_um_per_px").unique().rows()
    assert scales == [(0.25, pytest.approx(200 / 224))]
    assert fine["cell_inside_frac"].to_list() == coarse["cell_inside_frac"].to_list() == [1] * 5


def test_native_patches_are_pixels_of_the_image_as_they_are(dataset: Dataset, tmp_path: Path) -> None:
    rows = _patches(dataset, tmp_path, um_per_px=0.5, scale="native")
    assert rows["cell_um_per_px"].to_list() == [0.5] * 5
    image = decoded((tmp_path / "0.5.png").read_bytes())
    for patch, (x, y) in zip(rows["cell_patch"], np.round(CENTRES_UM / 0.5).astype(int) - 32, strict=True):
        assert (decoded(patch) == image[y : y + 64, x : x + 64]).all()
    fixed = _patches(dataset, tmp_path, um_per_px=0.5)
    assert fixed["tissue_patch"].equals(rows["tissue_patch"])


def test_patches_are_the_same_however_many_are_cut_and_encoded_at_once(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = _patches(dataset, tmp_path, um_per_px=0.25)
    for name, value in (("_CELLS_PER_BLOCK", 2), ("_PATCHES_PER_BATCH", 1), ("N_THREADS", 1)):
        monkeypatch.setattr(f"c2s_assets.storage.spatial.patches.{name}", value)
    assert _patches(dataset, tmp_path, um_per_px=0.25).equals(together)
