"""SpatialData stores as that library lays them out, of zarr v2 and v3: small, and with known answers."""

import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets_tests.tissues import counts_of

Places = Sequence[Mapping[str, Any]]
IDENTITY: Mapping[str, Any] = {"type": "identity"}


def lies(transformation: Mapping[str, Any] = IDENTITY, *, system: str = "global", axes: str = "xy") -> Any:
    """Say how an element lies in a coordinate system, as its attributes do; `axes` are those it has."""
    return {**transformation, "input": _axes(axes, axes), "output": _axes(axes, system)}


def scaled(*by: float) -> dict[str, Any]:
    """Scale each axis."""
    return {"type": "scale", "scale": list(by)}


def moved(*by: float) -> dict[str, Any]:
    """Move along each axis."""
    return {"type": "translation", "translation": list(by)}


def one_after_the_other(*steps: Mapping[str, Any]) -> dict[str, Any]:
    """Apply transformations in their order."""
    return {"type": "sequence", "transformations": list(steps)}


def affine(rows: Sequence[Sequence[float]], *, axes: str = "xy") -> dict[str, Any]:
    """Multiply with a matrix, a row for each axis; within a sequence, it names them."""
    given = {"input": _axes(axes, axes), "output": _axes(axes, axes)}
    return {"type": "affine", "affine": [list(row) for row in rows], **given}


def write_table(
    store: Path,
    regions: Sequence[str] | str,
    instances: Sequence[Any],
    *,
    name: str = "table",
    version: int = 3,
    **obs: Sequence[Any],
) -> ad.AnnData:
    """Write a table, each row of which is of an instance of a region; without regions, it is of none."""
    n_obs = len(instances)
    named = [regions] * n_obs if isinstance(regions, str) else list(regions)
    table = ad.AnnData(
        csr_array(counts_of(n_obs).astype(np.float32)),
        obs=pd.DataFrame(
            {"region": pd.Categorical(named), "instance_id": list(instances), **obs},
            index=[f"cell_{number}" for number in range(n_obs)],
        ),
        var=pd.DataFrame(
            {"feature_name": [f"GENE{number}" for number in range(5)]},
            index=[f"ENSG{number:011d}" for number in range(5)],
        ),
        obsm={"spatial": np.full((n_obs, 2), -1.0)},
        uns={"spatial": {"other": {"scalefactors": {"spot_diameter_fullres": 1.0}}}},
    )
    if regions:
        keys = {"region_key": "region", "instance_key": "instance_id"}
        table.uns["spatialdata_attrs"] = {"region": sorted(set(named)), **keys}
    _group(store, version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ad.settings.override(zarr_write_format=version):
            table.write_zarr(store / "tables" / name)
    return table


def write_circles(
    store: Path,
    name: str,
    xy: NDArray[np.float64],
    radius: float | Sequence[float],
    *,
    places: Places = (),
    ids: Sequence[Any] | None = None,
    version: int = 3,
) -> None:
    """Write circles; ids count from 0 if none are given."""
    points = [struct.pack("<BI2d", 1, 1, *point) for point in xy]
    columns = pd.DataFrame({"geometry": points, "radius": np.broadcast_to(radius, len(points))}, index=ids)
    _write_shapes(store / "shapes" / name, columns, places, version)


def write_polygons(
    store: Path,
    name: str,
    cells: Mapping[Any, Any],
    *,
    places: Places = (),
    version: int = 3,
) -> None:
    """Write polygons by their id: a list of rings, the outer one first; a list of such lists is in pieces."""
    columns = pd.DataFrame({"geometry": [_polygon(rings) for rings in cells.values()]}, index=list(cells))
    _write_shapes(store / "shapes" / name, columns, places, version)


def write_labels(
    store: Path,
    name: str,
    pixels: NDArray[Any],
    *,
    places: Places = (),
    chunks: tuple[int, int] = (16, 16),
    version: int = 3,
) -> None:
    """Write a mask."""
    folder = store / "labels" / name
    _write_raster(folder, [pixels], places=places, axes="yx", chunks=chunks, version=version)


def write_image(
    store: Path,
    name: str,
    pixels: NDArray[Any],
    *,
    places: Places = (),
    chunks: tuple[int, int] = (64, 64),
    n_levels: int = 1,
    version: int = 3,
) -> Path:
    """Write an image of height, width and channels, with copies of half the size each."""
    levels = [np.moveaxis(pixels[:: 2**level, :: 2**level], 2, 0) for level in range(n_levels)]
    folder = store / "images" / name
    tile = (pixels.shape[2], *chunks)
    _write_raster(folder, levels, places=places, axes="cyx", chunks=tile, version=version)
    return folder


def _write_shapes(folder: Path, columns: pd.DataFrame, places: Places, version: int) -> None:
    said = {"encoding-type": "ngff:shapes", "axes": ["x", "y"]}
    _group(folder, version, {**said, "coordinateTransformations": list(places or [lies()])})
    table = pa.Table.from_pandas(columns)
    geo = '{"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}'
    pq.write_table(
        table.replace_schema_metadata({**table.schema.metadata, b"geo": geo}), folder / "shapes.parquet"
    )


def _write_raster(
    folder: Path,
    levels: Sequence[NDArray[Any]],
    *,
    places: Places,
    axes: str,
    chunks: tuple[int, ...],
    version: int,
) -> None:
    names = [f"s{number}" for number in range(len(levels))]
    multiscale = {
        "axes": _axes(axes, axes)["axes"],
        "datasets": [{"path": name} for name in names],
        "coordinateTransformations": list(places or [lies(axes=axes)]),
    }
    said = {"multiscales": [multiscale]}
    group = _group(folder, version, {"ome": said} if version == 3 else said)
    for name, level in zip(names, levels, strict=True):
        group.create_array(name, data=np.ascontiguousarray(level), chunks=chunks, overwrite=True)


def _group(folder: Path, version: int, attributes: Mapping[str, Any] | None = None) -> zarr.Group:
    group = zarr.open_group(folder, mode="a", zarr_format=version)
    return group.update_attributes(dict(attributes)) if attributes else group


def _axes(axes: str, name: str) -> dict[str, Any]:
    return {"name": name, "axes": [{"name": axis, "type": "space", "unit": "unit"} for axis in axes]}


def _polygon(rings: Any) -> bytes:
    if isinstance(rings[0][0][0], float | int):
        corners = [
            struct.pack("<I", len(ring)) + b"".join(struct.pack("<2d", *xy) for xy in ring) for ring in rings
        ]
        return struct.pack("<BII", 1, 3, len(rings)) + b"".join(corners)
    return struct.pack("<BII", 1, 6, len(rings)) + b"".join(_polygon(piece) for piece in rings)
