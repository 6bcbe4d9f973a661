"""Draws a section of Visium HD as Space Ranger leaves it: bins of 2 um, and outlines of cells."""

import json
from pathlib import Path

import h5py
import numpy as np
import polars as pl

_UM_PER_PX, _BIN_UM = 0.25, 2.0
_N_FEATURES, _VALUES_PER_BIN = 18_085, 28
# A cell of 10 um is five bins wide; of a tissue some three quarters are cells.
_CELL_UM, _CORNERS = 10.0, 24


def write_bins(folder: Path, *, n_bins: int, n_cells: int) -> Path:
    """Write `square_002um` with about so many bins, and the outlines of so many cells beside it.

    Returns
    -------
    The folder to add.
    """
    side = round(n_bins**0.5)
    row, column = (axis.ravel() for axis in np.mgrid[0:side, 0:side])
    barcodes = pl.select(
        pl.format(
            "s_002um_{}_{}-1",
            pl.lit(pl.Series(row)).cast(pl.String).str.zfill(5),
            pl.lit(pl.Series(column)).cast(pl.String).str.zfill(5),
        )
    ).to_series()
    bins = folder / "binned_outputs" / "square_002um"
    (bins / "spatial").mkdir(parents=True)
    px_per_bin = _BIN_UM / _UM_PER_PX
    pl.DataFrame(
        {
            "barcode": barcodes,
            "in_tissue": np.ones(len(row), np.int32),
            "array_row": row.astype(np.int32),
            "array_col": column.astype(np.int32),
            "pxl_row_in_fullres": (row + 0.5) * px_per_bin,
            "pxl_col_in_fullres": (column + 0.5) * px_per_bin,
        }
    ).write_parquet(bins / "spatial" / "tissue_positions.parquet")
    factors = {"microns_per_pixel": _UM_PER_PX, "bin_size_um": _BIN_UM}
    (bins / "spatial" / "scalefactors_json.json").write_text(json.dumps(factors))
    _write_matrix(bins / "filtered_feature_bc_matrix.h5", barcodes)
    segmented = folder / "segmented_outputs"
    segmented.mkdir()
    _write_outlines(segmented / "cell_segmentations.geojson", n_cells, side_px=side * px_per_bin)
    return folder


def _write_matrix(path: Path, barcodes: pl.Series) -> None:
    rng, n_bins = np.random.default_rng(1), len(barcodes)
    said = {"chunks": (80_000,), "compression": "gzip", "compression_opts": 1}
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        matrix.create_dataset("barcodes", data=barcodes.to_numpy().astype("S"), **said)
        matrix["shape"] = np.array([_N_FEATURES, n_bins], np.int32)
        indptr = np.arange(n_bins + 1, dtype=np.int64) * _VALUES_PER_BIN
        matrix.create_dataset("indptr", data=indptr, **said)
        n_values = int(indptr[-1])
        indices = matrix.create_dataset("indices", shape=(n_values,), dtype=np.int64, **said)
        data = matrix.create_dataset("data", shape=(n_values,), dtype=np.int32, **said)
        step = _N_FEATURES // _VALUES_PER_BIN
        for start in range(0, n_bins, 100_000):
            n = min(100_000, n_bins - start)
            at = slice(start * _VALUES_PER_BIN, (start + n) * _VALUES_PER_BIN)
            indices[at] = (
                rng.integers(0, step, (n, _VALUES_PER_BIN)) + np.arange(_VALUES_PER_BIN) * step
            ).ravel()
            data[at] = rng.geometric(0.7, n * _VALUES_PER_BIN)
        features = matrix.create_group("features")
        numbers = range(_N_FEATURES)
        features["id"] = np.array([f"ENSG{number:011d}" for number in numbers], "S")
        features["name"] = np.array([f"GENE{number}" for number in numbers], "S")
        features["feature_type"] = np.array(["Gene Expression"] * _N_FEATURES, "S")


def _write_outlines(path: Path, n_cells: int, *, side_px: float) -> None:
    """Write circles, so many that neighbours touch here and there."""
    rng = np.random.default_rng(2)
    centres = rng.uniform(0, side_px, (n_cells, 2))
    radius = _CELL_UM / 2 / _UM_PER_PX * rng.uniform(0.7, 1.3, n_cells)
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    with path.open("w") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number in range(n_cells):
            ring = (centres[number] + radius[number] * circle).round(2).tolist()
            feature = {
                "type": "Feature",
                "properties": {"cell_id": number + 1},
                "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            }
            file.write(("," if number else "") + json.dumps(feature))
        file.write("]}")
