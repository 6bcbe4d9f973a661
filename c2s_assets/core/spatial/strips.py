"""Strips of a section, in which cells hear each other: several at once, and not all in memory."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.spatial.neighbours import Places, row_of

# With 600 neighbours a cell 40 MB of who hears whom. Sums of several strips are rounded, so that what is
# written depends on it.
FEWEST_CELLS = 8_192


class Strip(NamedTuple):
    """Cells of one section that lie in some rows of squares, by their positions in `Places`.

    Attributes
    ----------
    first, last
        From and to which position its cells are.
    low, high
        The same with the row before and the row behind it, in which all lie that these cells can hear.
    section
        Number of the section.
    """

    first: int
    last: int
    low: int
    high: int
    section: int


def cut_into_strips(places: Places, section: NDArray[np.int32]) -> list[Strip]:
    """Cut sections into strips of whole rows, each of 8,192 cells or more, but for the last of a section.

    Parameters
    ----------
    section
        Of each position, ascending.
    """
    row = row_of(places.square)
    strips, first = [], 0
    while first < len(row):
        end = int(np.searchsorted(section, section[first], side="right"))
        wanted = min(first + FEWEST_CELLS, end) - 1
        last = int(np.searchsorted(row, row[wanted], side="right"))
        low = int(np.searchsorted(row, row[first] - 1))
        high = int(np.searchsorted(row, row[last - 1] + 1, side="right"))
        strips.append(Strip(first, last, low, high, int(section[first])))
        first = last
    return strips
