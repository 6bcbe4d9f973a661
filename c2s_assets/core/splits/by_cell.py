"""The split of a dataset that names no donors: by single cells."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import AGE, CELL_ID, FOLD, SPLIT
from c2s_assets.core.splits.drawing import N_FOLDS, hash_ids, seed_key
from c2s_assets.core.splits.sides import TEST, TRAIN
from c2s_assets.core.splits.spec import SplitSpec


def split_cells(marked: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Put every n-th eligible cell into test, in order of age, then of a keyed hash.

    Parameters
    ----------
    marked
        From `mark_eligible`, of the whole dataset.

    Returns
    -------
    `split` and `fold` of each cell, in its order; both are null for a cell that is not eligible. There is no
    validation side, as it would be no more apart from train than a part of train is.
    """
    key = seed_key(spec.seed)
    hashes = hash_ids(marked[CELL_ID], key=key)
    age = marked[AGE].fill_null(-1).to_numpy()
    is_eligible = marked["n_eligible"].to_numpy()
    # Two orders that share nothing but age; with one, all test cells could fall into the same fold.
    by_age, by_age_again = (np.lexsort((hashes[:, i], age, ~is_eligible)) for i in (0, 1))
    in_test = np.zeros(marked.height, dtype=bool)
    n = int(is_eligible.sum())
    in_test[by_age[:n]] = _every_nth(n, share=spec.test_size, start=int.from_bytes(key))
    folds = np.empty(marked.height, dtype=np.int32)
    folds[by_age_again] = np.arange(marked.height) % N_FOLDS
    side = pl.when(pl.Series(in_test)).then(pl.lit(TEST)).otherwise(pl.lit(TRAIN))
    sides = pl.DataFrame([marked.select(side.alias(SPLIT))[SPLIT], pl.Series(FOLD, folds)])
    return sides.select(pl.when(pl.Series(is_eligible)).then(pl.all()))


def _every_nth(n: int, *, share: float, start: int) -> NDArray[np.bool_]:
    """Choose about this share of `n`, evenly; of two or more at least one, and not all."""
    if n < 2:
        return np.zeros(n, dtype=bool)
    n_chosen = min(max(round(share * n), 1), n - 1)
    steps = (np.arange(n + 1) * n_chosen + start % n) // n
    return np.diff(steps) > 0
