"""Draws of a few cells of each group, which follow from the ids of the cells and from nothing else.

Importing this module costs half a second (numba).
"""

from typing import Any

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.hashes import mix
from c2s_assets.core.tabular.columns import DRAW, N_CELLS, N_CELLS_IN_GROUP
from c2s_assets.core.tabular.members import Members
from c2s_assets.core.tabular.spec import PseudocellSettings

_mix: Any = njit(nogil=True)(mix)


def draw_cells(groups: Members, keys: NDArray[np.uint64], spec: PseudocellSettings) -> Members:
    """Draw ``n_cells`` different cells of each group, ``n_draws`` times.

    Draw `d` takes the cells whose hash of (seed, id, `d`) is lowest. So a cell that comes or goes takes part
    in a draw, or is replaced in it, and all others stay; the order of the cells in the file, other groups and
    other datasets have no part in it. A larger ``n_cells`` adds cells to a draw, a larger ``n_draws`` adds
    draws. Of a group with no more cells than are drawn there is one draw, of all of them: more would be the
    same again.

    Parameters
    ----------
    groups
        See `group_cells`.
    keys
        Hash of the seed and the id of every cell of the dataset, see `core.hashes.keys_of`.

    Returns
    -------
    One row per draw, in order of its group: `draw` from 0 on, how many cells it has, and how many the group.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches. doi:10.1145/1281100.1281133
    """
    n_in_group = groups.n_cells
    n_draws = np.where(n_in_group > spec.n_cells, spec.n_draws, 1)
    size = np.minimum(n_in_group, spec.n_cells)
    group = np.repeat(np.arange(n_in_group.size), n_draws)
    draw = np.arange(group.size) - np.repeat(np.cumsum(n_draws) - n_draws, n_draws)
    bounds = np.concatenate([[0], np.cumsum(size[group])])
    cells = np.empty(int(bounds[-1]), np.int32)
    salts = mix(np.arange(1, spec.n_draws + 1, dtype=np.uint64))
    _take_lowest(
        keys[groups.cells],
        group_bounds=groups.bounds,
        group=group,
        salts=salts[draw],
        bounds=bounds,
        chosen=cells,
    )
    rows = groups.rows[group].with_columns(
        pl.Series(DRAW, draw, pl.Int32),
        pl.Series(N_CELLS, size[group], pl.Int32),
        pl.Series(N_CELLS_IN_GROUP, n_in_group[group], pl.Int32),
    )
    return Members(rows=rows, group=group, cells=_cells_at(groups, cells, group, size), bounds=bounds)


def _cells_at(
    groups: Members, chosen: NDArray[np.int32], group: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Turn places within groups into cells."""
    found: NDArray[np.int32] = groups.cells[np.repeat(groups.bounds[group], size[group]) + chosen]
    return found


@njit(cache=True, nogil=True)
def _take_lowest(
    keys: NDArray[np.uint64],
    *,
    group_bounds: NDArray[np.int64],
    group: NDArray[np.int64],
    salts: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    chosen: NDArray[np.int32],
) -> None:
    """Fill in the places, within the group of each draw, of the cells with the lowest hashes, ascending."""
    for row in range(group.size):
        begin = group_bounds[group[row]]
        n_cells = group_bounds[group[row] + 1] - begin
        places = chosen[bounds[row] : bounds[row + 1]]
        lowest = np.empty(places.size, np.uint64)
        n_found = 0
        for place in range(n_cells):
            hashed = _mix(keys[begin + place] ^ salts[row])
            if n_found == places.size and hashed >= lowest[n_found - 1]:
                continue
            n_found = min(n_found + 1, places.size)
            at = n_found - 1
            while at > 0 and lowest[at - 1] > hashed:
                lowest[at], places[at] = lowest[at - 1], places[at - 1]
                at -= 1
            lowest[at], places[at] = hashed, place
        places.sort()
