"""What is made of the tables of a SpatialData store: where rows lie, and what they are."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from c2s_assets.core.errors import C2SError, SourceError
from c2s_assets.core.spatial.calibration import by_lattice
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets.storage.sources.formats.convert import choose_part, convert
from c2s_assets.storage.sources.formats.folders import datasets_at
from c2s_assets.storage.sources.formats.recognise import Format, recognise
from c2s_assets.storage.spatial.library import read_library
from c2s_assets.storage.spatial.outlines import read_outlines
from c2s_assets_tests.spatial_stores import (
    affine,
    lies,
    moved,
    one_after_the_other,
    scaled,
    write_circles,
    write_labels,
    write_polygons,
    write_table,
)
from c2s_assets_tests.storage.sources.apart import nothing_apart
from c2s_assets_tests.tissues import counts_of, square
from c2s_assets_tests.toy import NASTY, make_lake

__all__ = ["nothing_apart"]
pytestmark = pytest.mark.usefixtures("nothing_apart")
VERSIONS = pytest.mark.parametrize("version", [2, 3], ids=["zarr v2", "zarr v3"])
# The last one is in two pieces, of which that with more corners counts; the first has a hole.
CELLS = {
    "a": [square(0, 0, 20), square(2, 2, 3)],
    "b": [square(100, 0, 30)],
    "c": [[[[500.0, 0.0], [501.0, 0.0], [501.0, 1.0]]], [square(0, 200, 40)]],
}
CENTRES = np.array([[10, 10], [115, 15], [20, 220]])
# Doubled, turned by 90 degrees, and moved.
TURNED = one_after_the_other(scaled(2, 2), affine([[0, -1, 1000], [1, 0, 0]]), moved(0, 7))


def turned(xy: np.ndarray) -> np.ndarray:
    return np.column_stack([1000 - 2 * xy[:, 1], 2 * xy[:, 0] + 7])


@contextmanager
def converted(store: Path, *, table: str | None = None) -> Iterator[H5ad]:
    found, target = recognise(store), store.with_name("converted.h5ad")
    convert(found, target, part=choose_part(found, table))
    with open_h5ad(target) as h5ad:
        yield h5ad


def places(h5ad: H5ad) -> np.ndarray:
    return h5ad.read_embedding("spatial")


@VERSIONS
def test_cells_lie_in_the_middle_of_their_polygons(tmp_path: Path, version: int) -> None:
    store = tmp_path / NASTY / "slide.zarr"
    table = write_table(store, "cells", ["c", "a", "b"], version=version, donor_id=["x", "y", "x"])
    write_polygons(store, "cells", CELLS, places=[lies(TURNED)], version=version)
    with converted(store) as h5ad:
        assert h5ad.obs.index().to_list() == table.obs_names.to_list()
        np.testing.assert_allclose(places(h5ad), turned(CENTRES)[[2, 0, 1]])
        library = read_library(h5ad)
        assert (library.name, library.unit, library.system) == ("slide", "cell", "global")
        assert library.factors == {}
        outlines = read_outlines(h5ad, library)
        assert outlines is not None
        assert outlines.begins.tolist() == [0, 4, 8, 12]
        np.testing.assert_allclose(outlines.xy[4:8], turned(np.array(CELLS["a"][0])[:4]))
        assert h5ad.obs.read("cell_area_in_units").to_list() == pytest.approx([6400, 1600, 3600])
        assert h5ad.obs.read("donor_id").to_list() == ["x", "y", "x"]
        matrix = np.concatenate([block.toarray() for _, block in h5ad.matrix("X").blocks(rows=2)])
        np.testing.assert_array_equal(matrix, counts_of(3))


@VERSIONS
def test_cells_lie_in_the_middle_of_their_circles(tmp_path: Path, version: int) -> None:
    store, xy = tmp_path / "slide.zarr", CENTRES.astype(float)
    write_table(store, "cells", [11, 10, 12], version=version)
    write_circles(
        store, "cells", xy, [1, 2, 3], ids=[10, 11, 12], places=[lies(scaled(2, 2))], version=version
    )
    with converted(store) as h5ad:
        np.testing.assert_allclose(places(h5ad), 2 * xy[[1, 0, 2]])
        assert h5ad.obs.read("cell_area_in_units").to_list() == pytest.approx(
            [16 * np.pi, 4 * np.pi, 36 * np.pi]
        )
        assert read_outlines(h5ad, read_library(h5ad)) is None


@VERSIONS
@pytest.mark.parametrize("chunks", [(16, 16), (7, 30), (40, 50)])
def test_cells_lie_in_the_middle_of_their_pixels(
    tmp_path: Path, version: int, chunks: tuple[int, int]
) -> None:
    store, mask = tmp_path / "slide.zarr", np.zeros((40, 50), np.uint32)
    mask[3:7, 10:20], mask[15:35, 40:42] = 5, 70_000
    write_table(store, "mask", [70_000, 5], version=version)
    placed = [lies(scaled(0.5, 2), axes="yx")]
    write_labels(store, "mask", mask, places=placed, chunks=chunks, version=version)
    with converted(store) as h5ad:
        np.testing.assert_allclose(places(h5ad), [[82, 12.5], [30, 2.5]])
        assert h5ad.obs.read("cell_area_in_units").to_list() == [40, 40]


def test_rows_of_several_regions_lie_each_in_its_own(tmp_path: Path) -> None:
    store = tmp_path / "slides.zarr"
    regions = ["left", "right", "left", "mask"]
    write_table(store, regions, ["b", "0", "a", "1"])
    write_polygons(store, "left", CELLS, places=[lies(moved(5, 0)), lies(system="left_only")])
    write_circles(store, "right", np.array([[3.0, 4.0]]), 1.0, places=[lies(), lies(system="right_only")])
    write_labels(store, "mask", np.ones((4, 4), np.uint8))
    with converted(store) as h5ad:
        np.testing.assert_allclose(places(h5ad), [[120, 15], [3, 4], [15, 10], [2, 2]])
        assert h5ad.obs.read("region").to_list() == regions
        assert read_library(h5ad).system == "global"
        outlines = read_outlines(h5ad, read_library(h5ad))
        assert outlines is not None
        assert outlines.begins.tolist() == [0, 4, 4, 8, 8]


def test_regions_that_have_no_system_in_common_lie_each_in_its_own(tmp_path: Path) -> None:
    store = tmp_path / "slides.zarr"
    write_table(store, ["left", "right"], [0, 0])
    for name, by in [("left", 1.0), ("right", 3.0)]:
        write_circles(store, name, np.array([[1.0, 2.0]]), 1.0, places=[lies(scaled(by, by), system=name)])
    with converted(store) as h5ad:
        np.testing.assert_allclose(places(h5ad), [[1, 2], [3, 6]])
        assert read_library(h5ad).system is None


def test_spots_of_visium_are_known_by_their_lattice(tmp_path: Path) -> None:
    store = tmp_path / "visium.zarr"
    row, column = (axis.ravel() for axis in np.mgrid[0:4, 0:8:2])
    column = column + row % 2
    xy = np.column_stack([column * 50.0, row * 50 * 3**0.5]) / 0.5
    write_table(store, "spots", range(16), array_row=row, array_col=column)
    write_circles(store, "spots", xy, 65.0, places=[lies(), lies(scaled(0.1, 0.1), system="small")])
    with converted(store) as h5ad:
        library = read_library(h5ad)
        assert (library.unit, library.factors) == ("spot", {"spot_diameter_fullres": 130.0})
        assert by_lattice(places(h5ad), column=column, row=row) == pytest.approx(0.5)
        assert "cell_area_in_units" not in h5ad.obs.names


def test_bins_of_visium_hd_are_known_by_their_name(tmp_path: Path) -> None:
    store = tmp_path / "hd.zarr"
    row, column = (axis.ravel() for axis in np.mgrid[0:3, 0:4])
    bins = {n: [square(x * 16.0, y * 16.0, 16)] for n, (y, x) in enumerate(zip(row, column, strict=True))}
    write_table(store, "brain_square_008um", list(bins), name="square_008um", array_row=row, array_col=column)
    full, small = lies(system="brain"), lies(scaled(0.1, 0.1), system="brain_downscaled_hires")
    write_polygons(store, "brain_square_008um", bins, places=[full, small])
    with converted(store) as h5ad:
        library = read_library(h5ad)
        assert (library.unit, library.factors, library.system) == ("bin", {"bin_size_um": 8}, "brain")
        assert read_outlines(h5ad, library) is None
        np.testing.assert_allclose(places(h5ad)[5], [24, 24])


def test_of_several_tables_one_is_chosen(tmp_path: Path) -> None:
    store = tmp_path / "slide.zarr"
    for name in ("nuclei", "other"):
        write_table(store, "cells", ["a"], name=name)
    write_polygons(store, "cells", CELLS)
    assert recognise(store).format is Format.SPATIALDATA
    with pytest.raises(C2SError, match=r"has more than one table: there are nuclei, other\. Say which"):
        choose_part(recognise(store), None)
    with converted(store, table="nuclei") as h5ad:
        assert h5ad.n_obs == 1
    write_table(store, "cells", ["a", "b"])
    with converted(store) as h5ad:
        assert h5ad.n_obs == 2


def test_a_store_is_added_as_a_file_is_and_again_it_is_known(tmp_path: Path) -> None:
    layout, store = make_lake(tmp_path), tmp_path / "slide.zarr"
    write_table(store, "cells", ["a", "b"])
    write_polygons(store, "cells", CELLS)
    assert datasets_at(tmp_path / "slide.zarr").datasets == (store,)
    added = add_path(layout, store, Wish())
    first = added.path.read_bytes()
    assert (added.dataset_id, added.is_converted) == ("slide", True)
    (store / "images").mkdir()  # no cell is made of it
    (store / "images" / "later").write_bytes(b"x")
    assert not add_path(layout, store, Wish()).is_new
    assert add_path(layout, store, Wish(replace=True)).path.read_bytes() == first


def _described(folder: Path) -> Path:
    return folder / "zarr.json"


def _change(path: Path, change: Callable[[Any], None]) -> None:
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def _without_element(store: Path) -> None:
    (store / "shapes" / "cells").rename(store / "shapes" / "nuclei")


def _of_points(store: Path) -> None:
    (store / "points").mkdir()
    (store / "shapes" / "cells").rename(store / "points" / "cells")


def _other_ids(store: Path) -> None:
    write_polygons(store, "cells", {"a": CELLS["a"], "x": CELLS["b"]})


def _torn(store: Path) -> None:
    file = store / "shapes" / "cells" / "shapes.parquet"
    file.write_bytes(file.read_bytes()[:-20])


def _other_geometry(store: Path) -> None:
    file = store / "shapes" / "cells" / "shapes.parquet"
    table = pq.read_table(file)
    column = table["geometry"].combine_chunks().cast("binary").to_pylist()
    cut = table.set_column(0, "geometry", [[data[:-9] for data in column]])
    pq.write_table(cut.replace_schema_metadata(table.schema.metadata), file)


def _arrow_geometry(store: Path) -> None:
    file = store / "shapes" / "cells" / "shapes.parquet"
    table = pq.read_table(file)
    geo = table.schema.metadata[b"geo"].replace(b"WKB", b"polygon")
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"geo": geo}), file)


def _without_file(store: Path) -> None:
    (store / "shapes" / "cells" / "shapes.parquet").unlink()


def _without_annotation(store: Path) -> None:
    write_table(store, "", ["a", "b"])


def _without_instance(store: Path) -> None:
    write_table(store, ["cells", "cells"], ["a", None])


def _leading_out(store: Path) -> None:
    (store / "shapes" / "more").symlink_to("/etc")


def _singular(store: Path) -> None:
    write_polygons(store, "cells", CELLS, places=[lies(scaled(0, 1))])


def _two_systems(store: Path) -> None:
    places = [lies(scaled(2, 2), system="um"), lies(scaled(3, 3), system="px")]
    write_polygons(store, "cells", CELLS, places=places)


def _no_json(store: Path) -> None:
    _described(store / "shapes" / "cells").write_text("{")


def _without_obs(store: Path) -> None:
    (store / "tables" / "table" / "obs").rename(store / "kept")


def _empty(store: Path) -> None:
    write_table(store, "cells", [])


def _of_mask(change: Callable[[Path], None]) -> Callable[[Path], None]:
    def made(store: Path) -> None:
        write_labels(store, "mask", np.ones((40, 40), np.int32))
        write_table(store, "mask", [1])
        change(store / "labels" / "mask")

    return made


def _pickled(mask: Path) -> None:
    _change(_described(mask / "s0"), lambda said: said.update(codecs=[{"name": "numcodecs.pickle"}]))


def _boundless(mask: Path) -> None:
    _change(_described(mask / "s0"), lambda said: said.update(shape=[10**6, 10**6]))


def _chunk_torn(mask: Path) -> None:
    chunk = mask / "s0" / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-3])


def _without_level(mask: Path) -> None:
    (mask / "s0").rename(mask / "s1")


def _of_three_axes(mask: Path) -> None:
    def change(said: Any) -> None:
        said["attributes"]["ome"]["multiscales"][0]["axes"].append({"name": "z"})

    _change(_described(mask), change)


def _without_scales(mask: Path) -> None:
    _change(_described(mask), lambda said: said["attributes"]["ome"].pop("multiscales"))


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no such element": (
        _without_element,
        "has no shapes or labels 'cells', .* It has: nuclei. Copy the store",
    ),
    "points": (_of_points, r"'cells' \(among points, which are molecules\)"),
    "other ids": (_other_ids, "shapes/cells does not have 1 of 2 cells of the matrix, among them 'b'"),
    "torn table of shapes": (_torn, "shapes/cells/shapes.parquet is no table of circles or polygons"),
    "torn shape": (_other_geometry, "a geometry of .* bytes ends early|buffer"),
    "shapes of another coding": (_arrow_geometry, "shapes are coded as 'polygon', and only WKB is read"),
    "no table of shapes": (_without_file, "shapes/cells has no shapes.parquet. Copy the store again or"),
    "a table of nothing": (
        _without_annotation,
        "the rows of table are of no element .* c2s add .*/tables/table",
    ),
    "a row of nothing": (
        _without_instance,
        "1 of 2 rows of table are of no element: their instance_id is empty",
    ),
    "a link": (_leading_out, "shapes/more is a symbolic link; it could lead out"),
    "on a line": (_singular, "shapes/cells is laid on a line or a point of the coordinate system 'global'"),
    "two systems": (
        _two_systems,
        "cells is in the coordinate systems px, um, and nothing says which is meant",
    ),
    "no JSON": (_no_json, r"cells/zarr\.json is not JSON"),
    "no obs": (_without_obs, "the table table has no obs"),
    "no rows": (_empty, "table has no rows"),
    "a codec that runs code": (_of_mask(_pickled), "is coded with 'numcodecs.pickle', which is not read"),
    "an endless mask": (_of_mask(_boundless), "s0 claims 4,000,000,000,000 bytes of values"),
    "a torn chunk": (_of_mask(_chunk_torn), "labels/mask cannot be read .* damaged or incomplete"),
    "no level": (_of_mask(_without_level), "labels/mask cannot be read"),
    "three axes": (_of_mask(_of_three_axes), "its arrays do not have the axes y, x, z"),
    "no mask": (_of_mask(_without_scales), "labels/mask is no image or mask as OME-Zarr has it"),
}


@pytest.mark.parametrize(("spoil", "message"), CASES.values(), ids=CASES.keys())
def test_what_is_wrong_with_a_store_is_named_and_nothing_is_left(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    layout, store = make_lake(tmp_path), tmp_path / "slide.zarr"
    write_table(store, "cells", ["a", "b"])
    write_polygons(store, "cells", CELLS)
    spoil(store)
    with pytest.raises(SourceError, match=message):
        add_path(layout, store, Wish())
    assert list(layout.inbox.iterdir()) == []
    assert list(layout.staging.glob("*~*")) == []


def test_a_store_without_tables_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    store = tmp_path / "slide.zarr"
    write_polygons(store, "cells", CELLS)
    _described(store).write_text(_described(store / "shapes" / "cells").read_text())
    with pytest.raises(
        SourceError, match="neither obs and var, as of AnnData, nor tables, as of SpatialData"
    ):
        recognise(store)
