"""How the nucleus of a cell looks in a patch stained with haematoxylin and eosin."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.patches import CELL_PATCH
from c2s_assets.core.spatial.thresholds import LEVELS, otsu

# With coarser pixels of the image a nucleus has no outline.
COARSEST_UM_PER_PX = 0.6

# Optical density of each value of a channel, and how much of it haematoxylin has: the first column of the
# inverse of the stain matrix of Ruifrok and Johnston (2001).
_DENSITY = -np.log((np.arange(256) + 1) / 256).astype(np.float32)
_HAEMATOXYLIN = np.linalg.inv([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])[:, 0]
_DENSEST = 2.0
# Grey levels of fluorescence, and stains of one colour, are no haematoxylin and eosin.
_LEAST_COLOUR = 6.0
# Of the patch: a nucleus is at its centre.
_CENTRE = slice(CELL_PATCH.px * 3 // 8, CELL_PATCH.px * 5 // 8)
_SMALLEST_UM2, _LARGEST_UM2 = 4.0, 200.0
_IN_PLANE = np.array([np.zeros((3, 3)), [[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.zeros((3, 3))])

NO_NUCLEI = pl.DataFrame(
    schema={c.NUCLEUS_AREA_UM2: pl.Float32, c.NUCLEUS_ELONGATION: pl.Float32, c.NUCLEUS_STAIN: pl.Float32}
)


def measure_nuclei(patches: NDArray[np.uint8], *, um_per_px: float) -> pl.DataFrame:
    """Measure the nucleus at the centre of each patch.

    What is darker than Otsu's threshold of the patch is nucleus, and the part of it that has most of the
    centre is taken; null if that reaches the edge, is too small or too large for a nucleus, or if the patch
    has no colours.

    Parameters
    ----------
    patches
        Shape ``(n_cells, 64, 64, 3)``.
    um_per_px
        Of the patches.

    Returns
    -------
    The columns of `NO_NUCLEI`, one row per patch: area; how many times longer than wide it is; and the mean
    density of haematoxylin in it.
    """
    from scipy.ndimage import label  # noqa: PLC0415  a tenth of a second, of every process

    if not len(patches):
        return NO_NUCLEI
    stain = _DENSITY[patches] @ _HAEMATOXYLIN.astype(np.float32)
    level = np.clip(stain * (LEVELS / _DENSEST), 0, LEVELS - 1).astype(np.int64)
    parts, _ = label(level > otsu(level)[:, None, None], structure=_IN_PLANE)
    chosen = _most_frequent(parts[:, _CENTRE, _CENTRE].reshape(len(patches), -1))
    nucleus = (parts == chosen[:, None, None]) & (chosen > 0)[:, None, None]
    n_px, elongation = _shapes(nucleus)
    area = n_px * um_per_px**2
    edge = nucleus[:, [0, -1], :].any(axis=(1, 2)) | nucleus[:, :, [0, -1]].any(axis=(1, 2))
    is_found = (area >= _SMALLEST_UM2) & (area <= _LARGEST_UM2) & ~edge & _are_coloured(patches)
    mean = (stain * nucleus).sum(axis=(1, 2)) / np.maximum(n_px, 1)
    return pl.DataFrame(
        {
            name: np.where(is_found, values, np.nan).astype(np.float32)
            for name, values in zip(NO_NUCLEI.columns, (area, elongation, mean), strict=True)
        }
    ).fill_nan(None)


def _are_coloured(patches: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = np.moveaxis(patches.astype(np.int16), -1, 0)
    found: NDArray[np.bool_] = (abs(red - green) + abs(green - blue)).mean(axis=(1, 2)) >= _LEAST_COLOUR
    return found


def _most_frequent(parts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Find the part that most pixels of each row belong to; 0, the background, if none does."""
    n_parts = int(parts.max()) + 1
    row = np.repeat(np.arange(len(parts)), parts.shape[1])
    pairs, counts = np.unique(row * n_parts + parts.ravel(), return_counts=True)
    is_part = pairs % n_parts > 0
    pairs, counts = pairs[is_part], counts[is_part]
    order = np.lexsort((-counts, pairs // n_parts))
    rows, first = np.unique(pairs[order] // n_parts, return_index=True)
    chosen = np.zeros(len(parts), np.int64)
    chosen[rows] = pairs[order][first] % n_parts
    return chosen


def _shapes(nucleus: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the pixels of each nucleus, and compare the axes of the ellipse with its second moments."""
    axis = np.arange(nucleus.shape[1], dtype=np.float64)
    mass = nucleus.astype(np.float64)
    n_px = mass.sum(axis=(1, 2))
    by_y, by_x = mass.sum(axis=2), mass.sum(axis=1)
    n = np.maximum(n_px, 1)
    y, x = by_y @ axis / n, by_x @ axis / n
    yy, xx = by_y @ axis**2 / n - y**2, by_x @ axis**2 / n - x**2
    xy = np.einsum("nyx,y,x->n", mass, axis, axis, optimize=True) / n - x * y
    middle, half = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    # A pixel is as wide as long: a twelfth is its own variance.
    return n_px, np.sqrt((middle + half + 1 / 12) / (middle - half + 1 / 12))
