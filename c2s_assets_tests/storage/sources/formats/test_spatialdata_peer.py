"""Stores that spatialdata itself has written: cells and images lie where that library says."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from c2s_assets.core.spatial.spec import SpatialEntry
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.images.opening import open_image
from c2s_assets.storage.images.source import TileReader
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.formats.convert import choose_part, convert
from c2s_assets.storage.sources.formats.recognise import recognise
from c2s_assets.storage.spatial.image import read_alignment
from c2s_assets.storage.spatial.library import Library, read_library
from c2s_assets.storage.spatial.outlines import read_outlines
from c2s_assets_tests.storage.sources.apart import nothing_apart

__all__ = ["nothing_apart"]
pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.usefixtures("nothing_apart"),
]
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(1, 255, (3, 1024, 1024), dtype=np.uint8)
TRANSFORMATIONS = ("identity", "scale", "affine", "sequence", "axes")


def _transformation(name: str) -> Any:
    from spatialdata import transformations as t

    turn = t.Affine([[0.5, -2, 30], [1.5, 0.25, -7], [0, 0, 1]], ("x", "y"), ("x", "y"))
    scale = t.Scale([2.0, 0.5], ("x", "y"))
    return {
        "identity": t.Identity(),
        "scale": scale,
        "affine": turn,
        "sequence": t.Sequence([scale, turn, t.Translation([3.0, -4.0], ("x", "y"))]),
        "axes": t.Sequence([t.MapAxis({"x": "y", "y": "x"}), scale]),
    }[name]


def _elements(transformation: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make shapes and labels: circles, polygons with a hole or in pieces, and a mask."""
    import geopandas
    import shapely
    from spatialdata.models import Labels2DModel, ShapesModel

    placed = {"global": transformation}
    middles = RNG.uniform(100, 900, (6, 2))
    radii = RNG.uniform(5, 20, 6)
    circles = ShapesModel.parse(
        middles, geometry=0, radius=radii, index=np.arange(10, 16), transformations=placed
    )
    outlines = [shapely.Point(xy).buffer(r, quad_segs=2) for xy, r in zip(middles[::-1], radii, strict=True)]
    names = [f"cell-{number}" for number in range(6)]
    polygons = ShapesModel.parse(
        geopandas.GeoDataFrame(geometry=outlines, index=names), transformations=placed
    )
    mask = np.zeros((600, 700), np.int32)
    for number, (x, y) in enumerate(RNG.integers(30, 500, (6, 2)), start=1):
        mask[y : y + 20 + number, x : x + 30] = number * 1000
    labels = Labels2DModel.parse(mask, dims=("y", "x"), transformations=placed, chunks=(256, 256))
    return {"circles": circles, "polygons": polygons}, {"mask": labels}


def _write(store: Path, transformation: Any, *, is_of_zarr_v2: bool) -> Any:
    import anndata as ad
    import spatialdata as sd
    from spatialdata._io.format import SpatialDataContainerFormatV01
    from spatialdata.models import Image2DModel, TableModel

    shapes, labels = _elements(transformation)
    ids = {"circles": [*range(10, 16)], "polygons": [f"cell-{n}" for n in range(6)]}
    numbers = np.unique(np.asarray(labels["mask"].data))
    ids["mask"] = numbers[numbers > 0].tolist()
    tables = {}
    for regions in (["circles"], ["polygons"], ["mask"], ["circles", "mask"]):
        named = np.repeat(regions, [len(ids[name]) for name in regions])
        instances = [one for name in regions for one in ids[name]]
        order = RNG.permutation(len(named))
        obs = pd.DataFrame(
            {"region": pd.Categorical(named[order]), "instance_id": np.array(instances)[order]},
            index=[f"row{number}" for number in range(len(named))],
        )
        table = ad.AnnData(np.ones((len(named), 3), np.float32), obs=obs)
        tables["of_" + "_".join(regions)] = TableModel.parse(
            table, region=regions, region_key="region", instance_key="instance_id"
        )
    image = Image2DModel.parse(
        PIXELS, dims=("c", "y", "x"), scale_factors=[2, 2], transformations={"global": transformation}
    )
    made = sd.SpatialData(images={"he": image}, labels=labels, shapes=shapes, tables=tables)
    made.write(store, sdata_formats=[SpatialDataContainerFormatV01()] if is_of_zarr_v2 else None)
    return made


@pytest.mark.parametrize("is_of_zarr_v2", [True, False], ids=["zarr v2", "zarr v3"])
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_cells_and_images_lie_where_the_library_says(
    tmp_path: Path, name: str, *, is_of_zarr_v2: bool
) -> None:
    import spatialdata as sd

    store = tmp_path / "slide.zarr"
    made = _write(store, _transformation(name), is_of_zarr_v2=is_of_zarr_v2)
    centroids = {
        region: sd.get_centroids(made[region], coordinate_system="global").compute()
        for region in ("circles", "polygons", "mask")
    }
    for table_name, table in made.tables.items():
        target = tmp_path / f"{table_name}.h5ad"
        found = recognise(store)
        convert(found, target, part=choose_part(found, table_name))
        expected = np.empty((table.n_obs, 2))
        for row, (region, instance) in enumerate(table.obs[["region", "instance_id"]].to_numpy()):
            expected[row] = centroids[region].loc[instance, ["x", "y"]]
        with open_h5ad(target) as h5ad:
            np.testing.assert_allclose(h5ad.read_embedding("spatial"), expected)
            outlines = read_outlines(h5ad, read_library(h5ad))
            areas = h5ad.obs.read("cell_area_in_units").to_numpy()
        if table_name == "of_polygons":
            moved = sd.transform(made["polygons"], to_coordinate_system="global")
            moved = moved.loc[table.obs["instance_id"]]
            np.testing.assert_allclose(areas, moved.area)
            corners = [np.array(one.exterior.coords)[:-1] for one in moved.geometry]
            assert outlines is not None
            np.testing.assert_allclose(outlines.xy, np.concatenate(corners))
    _compare_image(store, made)


def _compare_image(store: Path, made: Any) -> None:
    """Ask the library where a pixel of its image lies, and where ours puts that place."""
    from spatialdata.transformations import get_transformation

    matrix = get_transformation(made["he"], "global").to_affine_matrix(("x", "y"), ("x", "y"))
    pixels = RNG.uniform(0, 1024, (50, 2))
    places = pixels @ matrix[:2, :2].T + matrix[:2, 2]
    entry, library = SpatialEntry(image=str(store / "images" / "he")), Library(unit="cell", system="global")
    alignment = read_alignment(Layout(store.parent), entry, library, technology=None)
    np.testing.assert_allclose(alignment.pixels(places), pixels)
    with open_image(store / "images" / "he") as image:
        assert [level.width for level in image.levels] == [1024, 512, 256]
        found = TileReader(image).window(0, 100, 200, 300, 400)
    np.testing.assert_array_equal(found, np.moveaxis(PIXELS, 0, 2)[200:600, 100:400])
