"""Tests of where the cells of a file lie, in microns and in the pixels of an image."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from c2s_assets.core.errors import ConfigError, MissingInputError, SourceError
from c2s_assets.core.settings import parse_datasets_file
from c2s_assets.core.spatial.calibration import ways_agree
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.spec import SpatialEntry
from c2s_assets.schemas.registry import CELLS, PROFILE, RAW
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.images.source import TileReader
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.spatial.image import open_slide, read_alignment
from c2s_assets.storage.spatial.library import Library
from c2s_assets.storage.spatial.sample import read_sample
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.spatial_stores import lies, moved, one_after_the_other, scaled, write_image
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

# Bins of 8 um, 12 x 5 of them, at 0.4 um a pixel; the full-resolution image and a copy of a quarter of it.
BIN_ROW, BIN_COLUMN = (axis.ravel() for axis in np.mgrid[0:5, 0:12])
BINS = np.column_stack([BIN_COLUMN * 20.0 + 30, BIN_ROW * 20.0 + 50])
FULL: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
HIRES = FULL[::4, ::4] / np.float32(255)
FACTORS = {"spot_diameter_fullres": 20.0, "bin_size_um": 8.0, "tissue_hires_scalef": 0.25}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake with bins of Visium HD, as far as their cells."""
    layout = make_lake(tmp_path_factory.mktemp("bins"))
    library = {"images": {"fullres": FULL, "hires": HIRES, "flat": FULL[:, :, 0]}, "scalefactors": FACTORS}
    drop_toy_h5ad(
        layout,
        "toy",
        obs={"array_row": BIN_ROW, "array_col": BIN_COLUMN, "assay": "Visium HD Spatial Gene Expression"},
        obsm={"spatial": BINS},
        uns={"spatial": {"is_single": True, "toy": library}},
        compression=None,
    )
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "toy", RAW, PROFILE, CELLS).success
    return layout


def _dataset(layout: Layout, spatial: str) -> Dataset:
    settings = parse_datasets_file(f"datasets: {{toy: {{spatial: {spatial}}}}}")
    return Dataset(layout, "toy", settings)


def _sample(layout: Layout, spatial: str) -> SpatialSample:
    dataset = _dataset(layout, spatial)
    with dataset.open_h5ad() as h5ad:
        return read_sample(h5ad, dataset)


def test_bins_say_by_their_lattice_how_many_microns_a_pixel_is(layout: Layout) -> None:
    sample = _sample(layout, "{}")
    assert (sample.unit, sample.technology) == ("bin", "Visium HD Spatial Gene Expression")
    assert sample.calibration.method == "lattice"
    assert sample.calibration.um_per_px == pytest.approx(0.4)
    assert sample.xy_um.max(axis=0).tolist() == pytest.approx([11 * 8, 4 * 8])
    np.testing.assert_array_equal(sample.xy_px, BINS)


@pytest.mark.parametrize(
    ("name", "um_per_px", "shown"), [("fullres", 0.4, FULL), ("hires", 1.6, FULL[::4, ::4])]
)
def test_an_image_of_the_file_itself_is_read_where_the_cells_are(
    layout: Layout, name: str, um_per_px: float, shown: NDArray[np.uint8]
) -> None:
    spatial = f"{{image: 'h5ad:{name}'}}"
    sample, dataset = _sample(layout, spatial), _dataset(layout, spatial)
    assert sample.um_per_px == pytest.approx(um_per_px)
    np.testing.assert_allclose(sample.xy_px, BINS * 0.4 / um_per_px)
    with dataset.open_h5ad() as h5ad, open_slide(dataset, h5ad) as image:
        full = image.levels[0]
        found = TileReader(image).window(0, 0, 0, full.width, full.height)
    np.testing.assert_array_equal(found, shown)


def test_an_image_that_is_not_there_or_none_is_refused(layout: Layout) -> None:
    for name, message in [
        ("lowres", "no image lowres in uns/spatial/toy"),
        ("flat", "3 colours"),
    ]:
        dataset = _dataset(layout, f"{{image: 'h5ad:{name}'}}")
        with (
            dataset.open_h5ad() as h5ad,
            pytest.raises((SourceError, MissingInputError), match=message),
            open_slide(dataset, h5ad),
        ):
            pass


def test_an_image_that_was_aligned_later_has_pixels_of_its_own(layout: Layout) -> None:
    (layout.root / "he.csv").write_text("0,0.5,10\n-0.5,0,400\n0,0,1\n")
    sample = _sample(layout, "{image: he.tif, alignment: he.csv}")
    assert sample.um_per_px == pytest.approx(0.4 * 0.5)
    back = np.column_stack([sample.xy_px[:, 1] * 0.5 + 10, 400 - sample.xy_px[:, 0] * 0.5])
    np.testing.assert_allclose(back, BINS)
    (layout.root / "he.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ConfigError, match=r"alignment he\.csv is no matrix of 3 x 3 numbers"):
        _sample(layout, "{image: he.tif, alignment: he.csv}")
    with pytest.raises(MissingInputError, match=r"there is no alignment .*none\.csv"):
        _sample(layout, "{image: he.tif, alignment: none.csv}")


def test_an_image_of_xenium_without_alignment_is_refused_with_the_setting(tmp_path: Path) -> None:
    entry, layout = SpatialEntry(image="he.ome.tif"), Layout(tmp_path)
    with pytest.raises(ConfigError, match=r"no pixels of he\.ome\.tif, .* name that as alignment of spatial"):
        read_alignment(layout, entry, Library(), technology="Xenium")


@pytest.fixture
def slide(layout: Layout) -> Iterator[Path]:
    """Where an image is to be written for one test."""
    path = layout.root / "slide.ome.tif"
    yield path
    path.unlink()


@pytest.mark.parametrize(
    ("options", "says", "agrees"),
    [
        ({"metadata": {"axes": "YXS", "PhysicalSizeX": 400, "PhysicalSizeXUnit": "nm"}}, 0.4, True),
        ({"metadata": {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}}, 0.25, False),
        ({"resolution": (25_000, 25_000), "resolutionunit": "CENTIMETER", "ome": False}, 0.4, True),
        (
            {"description": "Aperio |AppMag = 20|MPP = 0.4012", "ome": False, "metadata": None},
            0.4012,
            True,
        ),
        ({"resolution": (72, 72), "resolutionunit": "INCH", "ome": False}, None, True),
    ],
    ids=["OME in nm", "OME, another size", "resolution", "Aperio", "72 dpi"],
)
def test_the_size_that_an_image_says_is_compared(
    layout: Layout, slide: Path, options: dict[str, object], says: float | None, agrees: bool
) -> None:
    tifffile.imwrite(slide, FULL, photometric="rgb", **options)
    calibration = _sample(layout, f"{{image: {slide.name}}}").calibration
    assert calibration.method == "lattice"
    assert calibration.found.get("image") == pytest.approx(says)
    assert ways_agree(calibration).holds is agrees


def test_another_image_of_the_same_name_is_noticed(layout: Layout, slide: Path) -> None:
    tifffile.imwrite(slide, FULL, photometric="rgb")
    dataset = _dataset(layout, f"{{image: {slide.name}}}")
    with dataset.stage("slide_images") as staged:
        staged.write_no_rows()
        staged.commit([])
    assert dataset.state()["slide_images"].standing == "built"
    first = slide.read_bytes()
    tifffile.imwrite(slide, FULL[::-1], photometric="rgb")
    assert dataset.state()["slide_images"].why == ("entry.spatial.image is another file now, or gone",)
    slide.write_bytes(first)
    assert dataset.state()["slide_images"].standing == "built"


def test_an_image_of_a_store_lies_as_the_store_says(tmp_path: Path) -> None:
    layout, store = Layout(tmp_path), tmp_path / "slide.zarr"
    placed = lies(one_after_the_other(scaled(1, 4, 2), moved(0, 30, 10)), axes="cyx")
    image = write_image(store, "he", FULL, places=[placed, lies(system="small", axes="cyx")])
    entry, known = SpatialEntry(image=str(image)), Library("slide", unit="cell", system="global")
    alignment = read_alignment(layout, entry, known, technology="Xenium")
    np.testing.assert_allclose(alignment.pixels(np.array([[10.0, 30], [50, 50]])), [[0, 0], [20, 5]])
    small = Library("slide", unit="cell", system="small")
    assert read_alignment(layout, entry, small, technology=None).px_per_unit == 1
    (tmp_path / "he.csv").write_text("1,0,5\n0,1,6\n0,0,1\n")
    named = SpatialEntry(image=str(image), alignment="he.csv")
    given = read_alignment(layout, named, known, technology=None)
    np.testing.assert_allclose(given.pixels(np.array([[5.0, 6.0]])), [[0, 0]])


def test_an_image_that_lies_elsewhere_in_its_store_is_refused(tmp_path: Path) -> None:
    image = write_image(tmp_path / "slide.zarr", "he", FULL)
    entry = SpatialEntry(image=str(image))
    for library, message in [
        (Library(), "lies in the coordinate systems global of its store, and the positions in none of them"),
        (Library("slide", unit="cell", system="um"), r"and the positions in 'um'\. Name an image that lies"),
    ]:
        with pytest.raises(ConfigError, match=message):
            read_alignment(Layout(tmp_path), entry, library, technology=None)


def test_positions_are_pixels_of_an_image_of_ome_zarr_that_says_nothing_else(tmp_path: Path) -> None:
    of_another_writer = {"type": "scale", "scale": [1, 1, 1]}
    image = write_image(tmp_path / "slide.zarr", "he", FULL, places=[of_another_writer])
    alignment = read_alignment(Layout(tmp_path), SpatialEntry(image=str(image)), Library(), technology=None)
    np.testing.assert_array_equal(alignment.pixels(BINS), BINS)
