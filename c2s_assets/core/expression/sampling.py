"""Which cells to look at when looking at all would cost too much, or when some may not be looked at."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.hashes import keys_of
from c2s_assets.core.splits.manifest import BY_CELL
from c2s_assets.core.splits.sides import TRAIN

# 500 cells of 33,000 features; of a million, 16 cells.
_WINDOW_VALUES = 2**24


def windows(n_rows: int, *, size: int, n_vars: int) -> list[tuple[int, int]]:
    """Choose head, middle and tail as (start, stop), `size` rows each, or all if there are no more.

    Fewer rows where `size` of them, full, would have more than `_WINDOW_VALUES` values.
    """
    size = max(1, min(size, _WINDOW_VALUES // n_vars))
    if n_rows <= 3 * size:
        return [(0, n_rows)] if n_rows else []
    middle = (n_rows - size) // 2
    return [(0, size), (middle, middle + size), (n_rows - size, n_rows)]


def draw(names: pl.Series, *, n: int, seed: int) -> NDArray[np.intp]:
    """Draw `n` positions, or all if there are no more, ascending: those whose name has the lowest hash."""
    if n >= len(names):
        return np.arange(len(names))
    return np.sort(np.argsort(keys_of(names, seed=seed), kind="stable")[:n])


def draw_balanced(names: pl.Series, donors: pl.Series, *, n: int, seed: int) -> NDArray[np.intp]:
    """Draw `n` positions, or all if there are no more, ascending, so that no donor outweighs the others.

    All donors give the same number of cells, or all they have if that is fewer. Cells without donor stand
    for one. Which cells of a donor are drawn depends on the seed and their names only.
    """
    if n >= len(names):
        return np.arange(len(names))
    donor = donors.rank("dense").fill_null(0).to_numpy().astype(np.intp)
    quota = _share_out(np.bincount(donor), n=n)
    order = np.lexsort((keys_of(names, seed=seed), donor))
    starts = np.cumsum(np.bincount(donor)) - np.bincount(donor)
    place_in_donor = np.arange(len(names)) - starts[donor[order]]
    return np.sort(order[place_in_donor < quota[donor[order]]])


def in_train(donors: pl.Series, manifest: pl.DataFrame) -> NDArray[np.bool_]:
    """Whether each cell is of a donor in train; of cells that are split one by one, whether it is in train.

    Parameters
    ----------
    donors
        `donor_uid` of each cell, in the order of `cell_metadata`.
    manifest
        `split_level`, `donor_uid` and `split`, one row per donor or, where cells were split, per cell.
    """
    if manifest[SPLIT_LEVEL][0] == BY_CELL:
        return (manifest[SPLIT] == TRAIN).fill_null(False).to_numpy()
    sides = manifest.select(DONOR_UID, SPLIT)
    joined = pl.DataFrame({DONOR_UID: donors}).join(
        sides, on=DONOR_UID, how="left", nulls_equal=True, maintain_order="left"
    )
    return (joined[SPLIT] == TRAIN).fill_null(False).to_numpy()


def _share_out(n_cells: NDArray[np.intp], *, n: int) -> NDArray[np.intp]:
    """Give each donor the same share of `n`, or all it has; what is left over goes to the first ones."""
    quota = np.zeros_like(n_cells)
    while (left := n - int(quota.sum())) > 0:
        has_more = np.flatnonzero(quota < n_cells)
        each, over = divmod(left, has_more.size)
        more = np.full(has_more.size, each)
        more[:over] += 1
        quota[has_more] = np.minimum(quota[has_more] + more, n_cells[has_more])
    return quota
