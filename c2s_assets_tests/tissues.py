"""Folders as Space Ranger and Xenium leave them: small, with the names of real files and known answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import csc_array

HIRES: NDArray[np.uint8] = np.random.default_rng(1).integers(0, 255, (30, 40, 3), dtype=np.uint8)


def counts_of(n_rows: int, n_features: int = 5) -> NDArray[np.int64]:
    """Counts by which every row can be told from all others."""
    return np.arange(1, n_rows * n_features + 1).reshape(n_rows, n_features) * (
        np.random.default_rng(0).random((n_rows, n_features)) < 0.7
    )


def write_matrix(
    path: Path, counts: NDArray[np.int64], barcodes: Sequence[str], types: Sequence[str] = ()
) -> Path:
    """Write a matrix as Cell Ranger 3 and later do; all features are genes if not said otherwise."""
    n_features = counts.shape[1]
    by_barcode = csc_array(counts.T)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(barcodes, dtype="S")
        group["shape"] = np.array(by_barcode.shape, dtype=np.int32)
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(by_barcode, part)
        features = group.create_group("features")
        features["id"] = np.array([f"ENSG{number:011d}" for number in range(n_features)], dtype="S")
        features["name"] = np.array([f"GENE{number}" for number in range(n_features)], dtype="S")
        features["feature_type"] = np.array(types or ["Gene Expression"] * n_features, dtype="S")
    return path


def write_spots(
    folder: Path, *, positions: str = "tissue_positions.parquet", **factors: float
) -> pl.DataFrame:
    """Write an output folder of Visium or, with a `bin_size_um`, of Visium HD; return where its spots lie.

    Spots are 100 um apart and a pixel is 0.5 um; the matrix has them in another order, and not the last one.
    """
    row, column = (axis.ravel() for axis in np.mgrid[0:3, 0:4])
    steps = (factors["bin_size_um"],) * 2 if "bin_size_um" in factors else (50.0, 50 * 3**0.5)
    table = pl.DataFrame(
        {
            "barcode": [f"s_{number:05d}-1" for number in range(12)],
            "in_tissue": [1] * 11 + [0],
            "array_row": row,
            "array_col": column,
            "pxl_row_in_fullres": row * steps[1] / 0.5 + 70,
            "pxl_col_in_fullres": column * steps[0] / 0.5 + 20,
        }
    )
    spatial = folder / "spatial"
    spatial.mkdir(parents=True)
    match positions.rpartition(".")[2], positions.endswith("_list.csv"):
        case "parquet", _:
            table.write_parquet(spatial / positions)
        case _, is_list:
            table.write_csv(spatial / positions, include_header=not is_list)
    (spatial / "scalefactors_json.json").write_text(json.dumps({"tissue_hires_scalef": 0.1, **factors}))
    Image.fromarray(HIRES).save(spatial / "tissue_hires_image.png")
    counted = table.head(11).reverse()
    write_matrix(folder / "filtered_feature_bc_matrix.h5", counts_of(11), counted["barcode"].to_list())
    return counted


def square(x: float, y: float, side: float) -> list[list[float]]:
    """Return the corners of a square by its upper left one, the first repeated, as in GeoJSON."""
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]


def write_geojson(path: Path, cells: dict[int, Any]) -> Path:
    """Write polygons by the number of their cell; a list of polygons is a cell in pieces."""
    features = []
    for number, ring in cells.items():
        is_whole = isinstance(ring[0][0], float | int)
        geometry = (
            {"type": "Polygon", "coordinates": [ring]}
            if is_whole
            else {"type": "MultiPolygon", "coordinates": [[piece] for piece in ring]}
        )
        features.append({"type": "Feature", "properties": {"cell_id": number}, "geometry": geometry})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def write_cells(folder: Path, cells: dict[int, Any]) -> None:
    """Write the segmented outputs of Space Ranger 4: a pixel is 0.5 um, and no spot has a diameter."""
    write_geojson(folder / "cell_segmentations.geojson", cells)
    (folder / "spatial").mkdir()
    (folder / "spatial" / "scalefactors_json.json").write_text(json.dumps({"microns_per_pixel": 0.5}))
    names = [f"cellid_{number:09d}-1" for number in sorted(cells)]
    write_matrix(folder / "filtered_feature_cell_matrix.h5", counts_of(len(names)), names)


def write_xenium(folder: Path, *, pixel_size: float = 0.2) -> pl.DataFrame:
    """Write an output folder of Xenium with four cells, two genes and three controls; return its cells."""
    cells = pl.DataFrame(
        {
            "cell_id": ["aaaa-1", "bbbb-1", "cccc-1", "dddd-1"],
            "x_centroid": [10.0, 30.0, 50.0, 70.0],
            "y_centroid": [5.0, 5.0, 25.0, 25.0],
            "transcript_counts": [9, 8, 7, 6],
            "cell_area": [16.0, 36.0, 64.0, 100.0],
        }
    )
    folder.mkdir(parents=True)
    cells.write_parquet(folder / "cells.parquet")
    (folder / "experiment.xenium").write_text(json.dumps({"pixel_size": pixel_size, "run_name": "toy"}))
    corners = [
        (name, *corner)
        for name, x, y, _, area in cells.rows()
        for corner in square(x - area**0.5 / 2, y - area**0.5 / 2, area**0.5)
    ]
    schema = ["cell_id", "vertex_x", "vertex_y"]
    pl.DataFrame(corners, schema=schema, orient="row").write_parquet(folder / "cell_boundaries.parquet")
    controls = ["Negative Control Probe", "Unassigned Codeword", "Negative Control Codeword"]
    types = [controls[0], "Gene Expression", controls[1], "Gene Expression", controls[2]]
    write_matrix(folder / "cell_feature_matrix.h5", counts_of(4), cells["cell_id"].to_list()[::-1], types)
    return cells.reverse()
