"""Which cell each square bin of a slide belongs to."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidIdsError
from c2s_assets.core.spatial.outlines import Outlines

# Of a bin, between where it lies and where its row and column say.
_MOST_OFF = 0.5
_FIT_OF = 100_000


@dataclass(frozen=True)
class BinOwners:
    """The cells of bins.

    Attributes
    ----------
    cell
        Of each bin the cell whose outline has its middle, -1 if none has; shape ``(n_bins,)``.
    n_claims
        How many outlines have its middle; the cell is that with the nearest centre.
    n_bins
        Of each cell, shape ``(n_cells,)``.
    """

    cell: NDArray[np.int32]
    n_claims: NDArray[np.int32]
    n_bins: NDArray[np.int64]


class _Claims(NamedTuple):
    """Bins by row and column, and of each bin which cell has claimed it with the nearest centre so far."""

    bin_at: NDArray[np.int32]
    cell: NDArray[np.int32]
    n_claims: NDArray[np.int32]
    distance: NDArray[np.float64]


def own_bins(
    outlines: Outlines, xy_px: NDArray[np.float64], *, column: NDArray[np.int32], row: NDArray[np.int32]
) -> BinOwners:
    """Give each bin to the cell that it lies in.

    Parameters
    ----------
    outlines
        In pixels.
    xy_px
        Middles of the bins, shape ``(n_bins, 2)``.
    column, row
        Of each bin on the slide.

    Raises
    ------
    InvalidIdsError
        If the bins do not lie on a lattice, or two of them at one place.
    """
    corner = np.array([column.min(), row.min()])
    at = np.column_stack([column, row]) - corner
    bin_at = np.full(at.max(axis=0)[::-1] + 1, -1, np.int32)
    bin_at[at[:, 1], at[:, 0]] = np.arange(len(at), dtype=np.int32)
    to_lattice = _fit(xy_px, at)
    if (bin_at >= 0).sum() != len(at) or np.abs(_moved(xy_px, to_lattice) - at).max() > _MOST_OFF:
        raise InvalidIdsError(
            "bins do not lie on the lattice that array_row and array_col say. Put the positions and the "
            "matrix together that belong together."
        )
    placed = Outlines(outlines.begins, _moved(outlines.xy, to_lattice))
    _, centres = placed.areas_and_centres()
    claims = _Claims(
        bin_at, np.full(len(at), -1, np.int32), np.zeros(len(at), np.int32), np.full(len(at), np.inf)
    )
    _claim(placed.begins, placed.xy, centres, claims)
    n_bins = np.bincount(claims.cell[claims.cell >= 0], minlength=len(outlines))
    return BinOwners(claims.cell, claims.n_claims, n_bins)


def _fit(xy_px: NDArray[np.float64], at: NDArray[np.int32]) -> NDArray[np.float64]:
    """Fit what turns pixels into columns and rows, shape ``(3, 2)``."""
    some = slice(None, None, max(1, len(at) // _FIT_OF))
    pixels = np.column_stack([xy_px[some], np.ones(len(xy_px[some]))])
    found: NDArray[np.float64] = np.linalg.lstsq(pixels, at[some].astype(np.float64), rcond=None)[0]
    return found


def _moved(xy: NDArray[np.float64], to_lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = xy @ to_lattice[:2] + to_lattice[2]
    return moved


@njit(cache=True, nogil=True)
def _claim(
    begins: NDArray[np.int64],
    corners: NDArray[np.float64],
    centres: NDArray[np.float64],
    claims: _Claims,
) -> None:
    """Go through the rows of bins that each polygon has, from where it is entered to where it is left."""
    n_rows, n_columns = claims.bin_at.shape
    crossings = np.empty(np.diff(begins).max() + 1)
    for cell in range(begins.size - 1):
        ring = corners[begins[cell] : begins[cell + 1]]
        if ring.shape[0] < 3:
            continue
        first, last = np.ceil(ring[:, 1].min()), np.floor(ring[:, 1].max())
        for row in range(max(0, int(first)), min(n_rows - 1, int(last)) + 1):
            n_crossings = _cross(ring, row, crossings)
            inside = np.sort(crossings[:n_crossings])
            for number in range(0, n_crossings - 1, 2):
                start = max(0, int(np.ceil(inside[number])))
                stop = min(n_columns, int(np.ceil(inside[number + 1])))
                for column in range(start, stop):
                    _claim_one(row, column, cell, centres[cell], claims)


@njit(cache=True, nogil=True)
def _claim_one(row: int, column: int, cell: int, centre: NDArray[np.float64], claims: _Claims) -> None:
    claimed = claims.bin_at[row, column]
    if claimed < 0:
        return
    claims.n_claims[claimed] += 1
    away = (column - centre[0]) ** 2 + (row - centre[1]) ** 2
    if away < claims.distance[claimed]:
        claims.distance[claimed], claims.cell[claimed] = away, cell


@njit(cache=True, nogil=True)
def _cross(ring: NDArray[np.float64], row: int, crossings: NDArray[np.float64]) -> int:
    """Find where the edges of a polygon cross a row; a corner on it belongs to what lies below."""
    n_crossings = 0
    for here in range(ring.shape[0]):
        x, y = ring[here]
        next_x, next_y = ring[(here + 1) % ring.shape[0]]
        if (y <= row) != (next_y <= row):
            crossings[n_crossings] = x + (row - y) * (next_x - x) / (next_y - y)
            n_crossings += 1
    return n_crossings
