"""Draws sections of tissue to be measured on: places, pairs, expression, and an image."""

from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.roles import Roles
from c2s_assets.core.spatial.sample import SpatialSample, place_cells


def places_um(n_cells: int, *, per_mm2: float) -> NDArray[np.float64]:
    """Strew cells over a square, in no order."""
    side_um = 1_000 * np.sqrt(n_cells / per_mm2)
    return np.random.default_rng(1).uniform(0, side_um, (n_cells, 2))


def sample(n_cells: int, *, per_mm2: float) -> SpatialSample:
    """Place cells, a micron a unit."""
    places = places_um(n_cells, per_mm2=per_mm2)
    return place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell")


def roles(*, n_pairs: int, n_genes: int) -> Roles:
    """Pair genes of the first half with some of the second; a fifth of the receptors is of two."""
    rng = np.random.default_rng(2)
    ligands = rng.integers(0, n_genes // 2, n_pairs).astype(np.int32)
    n_subunits = 1 + (rng.random(n_pairs) < 0.2)
    receptors = rng.integers(n_genes // 2, n_genes, n_subunits.sum()).astype(np.int32)
    begins = np.concatenate([[0], np.cumsum(n_subunits)]).astype(np.int64)
    return Roles(np.arange(n_pairs + 1), ligands, begins, receptors, n_pairs * 3 // 4)


def levels(n_cells: int, *, n_genes: int, detected: float) -> Csr:
    """Give each cell a level of some genes, other ones in each."""
    rng = np.random.default_rng(3)
    n_per_cell = round(n_genes * detected)
    first = rng.integers(0, n_genes // n_per_cell, (n_cells, n_per_cell), dtype=np.int32)
    indices = first + np.arange(n_per_cell, dtype=np.int32) * (n_genes // n_per_cell)
    values = rng.random(indices.size, dtype=np.float32)
    return Csr(np.arange(n_cells + 1, dtype=np.int64) * n_per_cell, indices.ravel(), values)


UM_PER_PX, TILE_PX, N_TYPES, _DRAWN_PX = 0.25, 512, 8, 24


def write_section(folder: Path, *, n_cells: int, n_pairs: int, n_genes: int, detected: float) -> None:
    """Write an h5ad of a section, the table of its pairs, and its image: a pyramid of tiles of JPEG."""
    xy_px = places_um(n_cells, per_mm2=5_000) / UM_PER_PX
    types = draw_types(xy_px)
    genes = levels(n_cells, n_genes=n_genes, detected=detected)
    # Half of what a cell expresses is that of its type.
    n_per_cell = int(genes.indptr[1])
    of_type = np.random.default_rng(4).integers(0, n_genes // n_per_cell, (N_TYPES, n_per_cell))[types]
    indices = genes.indices.reshape(n_cells, n_per_cell).copy()
    step = n_genes // n_per_cell
    half = slice(0, n_per_cell // 2)
    indices[:, half] = indices[:, half] // step * step + of_type[:, half]
    counts = np.random.default_rng(5).geometric(0.4, indices.size).astype(np.float32)
    matrix = csr_matrix((counts, indices.ravel(), genes.indptr), shape=(n_cells, n_genes))
    names = [f"GENE{number}" for number in range(n_genes)]
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical([f"type {chr(65 + number)}" for number in types]),
            **dict.fromkeys(("donor_id", "tissue", "disease"), "one"),
            "assay": "MERFISH",
            "development_stage": "30-year-old stage",
        },
        index=[f"cell_{row:07d}" for row in range(n_cells)],
    )
    section = ad.AnnData(
        matrix, obs, pd.DataFrame({"feature_name": names}, index=names), obsm={"spatial": xy_px}
    )
    section.uns["organism"] = "Homo sapiens"
    section.write_h5ad(folder / "section.h5ad")
    drawn = roles(n_pairs=n_pairs, n_genes=n_genes)
    receptors = np.split(drawn.receptor_genes, drawn.receptor_begins[1:-1])
    lines = [
        f"GENE{ligand},{'_'.join(f'GENE{gene}' for gene in receptor)}"
        for ligand, receptor in zip(drawn.ligand_genes, receptors, strict=True)
    ]
    (folder / "pairs.csv").write_text("\n".join(["ligand,receptor", *lines]))
    write_image(folder / "slide.tif", xy_px, types)


def draw_types(xy_px: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give each cell a type: in each square of 300 um two of them are frequent."""
    rng = np.random.default_rng(6)
    column, row = np.floor(xy_px * UM_PER_PX / 300).astype(np.int64).T
    likely = (column * 3 + row * 5 + rng.integers(0, 2, len(xy_px))) % N_TYPES
    found: NDArray[np.int64] = np.where(
        rng.random(len(xy_px)) < 0.7, likely, rng.integers(0, N_TYPES, len(xy_px))
    )
    return found


def write_image(path: Path, xy_px: NDArray[np.float64], types: NDArray[np.int64]) -> None:
    """Draw a nucleus for each cell, larger in some types, on a ground of pink noise."""
    n_tiles = int(np.ceil((xy_px.max() + 100) / TILE_PX))
    side = n_tiles * TILE_PX
    half = np.empty((side // 2, side // 2, 3), np.uint8)
    says = {"tile": (TILE_PX, TILE_PX), "compression": "jpeg", "photometric": "rgb"}
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(
            _tiles(xy_px, types, n_tiles, half),
            shape=(side, side, 3),
            dtype=np.uint8,
            subifds=3,
            resolution=(1e4 / UM_PER_PX, 1e4 / UM_PER_PX),
            resolutionunit="CENTIMETER",
            **says,
        )
        for _ in range(3):
            tiff.write(half, subfiletype=1, **says)
            half = half[::2, ::2].copy()


def _tiles(
    xy_px: NDArray[np.float64], types: NDArray[np.int64], n_tiles: int, half: NDArray[np.uint8]
) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(7)
    ground = (np.array([232, 188, 214]) + rng.normal(0, 9, (2 * TILE_PX, 2 * TILE_PX, 3))).clip(0, 255)
    order = np.argsort(xy_px[:, 1])
    tops = xy_px[order, 1]
    y, x = np.mgrid[-_DRAWN_PX:_DRAWN_PX, -_DRAWN_PX:_DRAWN_PX]
    for row in range(n_tiles):
        of_row = order[
            slice(*np.searchsorted(tops, [row * TILE_PX - _DRAWN_PX, (row + 1) * TILE_PX + _DRAWN_PX]))
        ]
        for column in range(n_tiles):
            at = rng.integers(0, TILE_PX, 2)
            padded = np.pad(
                ground[at[0] : at[0] + TILE_PX, at[1] : at[1] + TILE_PX], ((48, 48), (48, 48), (0, 0))
            )
            places = xy_px[of_row] - (column * TILE_PX, row * TILE_PX)
            is_near = (places[:, 0] > -_DRAWN_PX) & (places[:, 0] < TILE_PX + _DRAWN_PX)
            for cell, (left, top) in zip(of_row[is_near], places[is_near].astype(int), strict=True):
                long, short = 11 + types[cell] % 4 + rng.random() * 3, 8 + rng.random() * 3
                window = padded[top + 48 - 24 : top + 48 + 24, left + 48 - 24 : left + 48 + 24]
                window[(x / long) ** 2 + (y / short) ** 2 <= 1] = (96, 66, 140)
            tile = padded[48:-48, 48:-48].astype(np.uint8)
            small = tile.reshape(TILE_PX // 2, 2, TILE_PX // 2, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
            y0, x0 = row * TILE_PX // 2, column * TILE_PX // 2
            half[y0 : y0 + TILE_PX // 2, x0 : x0 + TILE_PX // 2] = small
            yield tile
