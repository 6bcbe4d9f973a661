"""Which cells lie within a distance of each other, found without comparing all with all."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.errors import SourceError

# Squares are numbered row by row in 63 bits; a section more than two thousand million squares wide has
# coordinates that are none.
_ROW = 1 << 31
_MOST_SQUARES = 1 << 30


class Places(NamedTuple):
    """Cells sorted by the square that they lie in, squares row by row, sections one below the other.

    Attributes
    ----------
    square
        Number of each cell's square, ascending, shape ``(n_cells,)``.
    xy_um
        Shape ``(n_cells, 2)``.
    cell
        Which cell of those given it is.
    """

    square: NDArray[np.int64]
    xy_um: NDArray[np.float64]
    cell: NDArray[np.int32]


def lay_out(xy_um: NDArray[np.float64], section: NDArray[np.int32], *, radius_um: float) -> Places:
    """Sort cells into squares as wide as the radius, so that neighbours lie in the nine around a cell.

    Two empty rows of squares part each section from the next, so that no neighbour is of another one.

    Parameters
    ----------
    xy_um
        Shape ``(n_cells, 2)``, microns, finite.
    section
        Number of each cell's section, from 0, shape ``(n_cells,)``.

    Raises
    ------
    SourceError
        If the coordinates of a section reach further than squares can be numbered.
    """
    column_and_row = np.zeros(xy_um.shape, np.int64)
    first_row = 0
    for number in range(int(section.max(initial=-1)) + 1):
        chosen = np.flatnonzero(section == number)
        if not len(chosen):
            continue
        lowest = xy_um[chosen].min(axis=0)
        extent = (xy_um[chosen].max(axis=0) - lowest).max()
        if not extent / radius_um < _MOST_SQUARES:
            raise SourceError(
                f"cells of a section lie up to {extent:g} um apart, which is no tissue. Correct the "
                f"coordinates, or their um_per_unit in the dataset's entry of datasets.yaml."
            )
        squares = np.floor((xy_um[chosen] - lowest) / radius_um).astype(np.int64)
        column_and_row[chosen] = squares + np.array([1, first_row])
        first_row += int(squares[:, 1].max()) + 3
    square = column_and_row[:, 1] * _ROW + column_and_row[:, 0]
    order = np.argsort(square, kind="stable")
    return Places(square[order], np.ascontiguousarray(xy_um[order]), order.astype(np.int32))


def row_of(square: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row that each square is in."""
    return square // _ROW


@njit(cache=True, nogil=True)
def count_neighbours(places: Places, first_one: int, last_one: int, radius_um: float) -> NDArray[np.int64]:
    """Count the neighbours of the cells from one position of `places` to another, themselves left out."""
    counts = np.zeros(last_one - first_one, np.int64)
    for number in range(counts.size):
        position = first_one + number
        for row in range(-1, 2):
            first, last = near(places, position, row)
            for other in range(first, last):
                counts[number] += other != position and distance_um(places, position, other) <= radius_um
    return counts


@njit(cache=True, nogil=True)
def near(places: Places, position: int, row: int) -> tuple[int, int]:
    """Positions from and to which the three squares lie that touch a cell's, in a row beside its own."""
    square = places.square[position] + row * _ROW
    first = np.searchsorted(places.square, square - 1)
    return first, first + np.searchsorted(places.square[first:], square + 1, side="right")


@njit(cache=True, nogil=True)
def distance_um(places: Places, one: int, other: int) -> float:
    """Measure how far the cells at two positions lie apart."""
    dx = places.xy_um[one, 0] - places.xy_um[other, 0]
    dy = places.xy_um[one, 1] - places.xy_um[other, 1]
    return math.sqrt(dx * dx + dy * dy)
