"""Draws sections of tissue to be measured on: places, pairs, expression, and an image."""

import numpy as np

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.roles import Roles
from c2s_assets.core.spatial.sample import SpatialSample, place_cells


def places_um(n_cells: int, *, per_mm2: float) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
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
