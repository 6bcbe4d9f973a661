"""What a split amounts to."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import FOLD, SPLIT
from c2s_assets.core.splits.donors import AGE_MEDIAN
from c2s_assets.core.splits.drawing import age_distances
from c2s_assets.core.splits.manifest import BY_CELL, N_QUARANTINED, level_of
from c2s_assets.core.splits.plan import N_ELIGIBLE
from c2s_assets.core.splits.sides import TEST, TRAIN, VALIDATION


@dataclass(frozen=True)
class SplitSummary:
    """What a manifest amounts to, for checks and for the UI.

    Cells that are counted under ``n_non_primary``, ``n_copies``, ``n_without_age`` or ``n_quarantined`` are
    on no side. Donors are those that can be told apart and have an eligible cell. Ages are years: means over
    cells, each cell standing at the median age of its donor; ``age_distance`` is the Wasserstein distance
    between test and train. ``None`` where there is nothing to compute it from.
    """

    split_level: str | None
    n_cells: int
    n_train: int
    n_validation: int
    n_test: int
    n_non_primary: int
    n_copies: int
    n_without_age: int
    n_quarantined: int
    n_indistinct: int
    validation_share: float | None
    test_share: float | None
    n_donors_train: int
    n_donors_validation: int
    n_donors_test: int
    age_mean_train: float | None
    age_mean_validation: float | None
    age_mean_test: float | None
    age_distance: float | None

    @property
    def n_eligible(self) -> int:
        """Cells that are on a side."""
        return self.n_train + self.n_validation + self.n_test

    @property
    def n_donors(self) -> int:
        """Donors that can be told apart and have an eligible cell."""
        return self.n_donors_train + self.n_donors_validation + self.n_donors_test


def describe_split(manifest: pl.DataFrame) -> SplitSummary:
    """Count and compare the sides of a manifest."""
    side, n_eligible = manifest[SPLIT].fill_null("").to_numpy(), manifest[N_ELIGIBLE].to_numpy()
    is_indistinct = (manifest[FOLD].is_null() & manifest[SPLIT].is_not_null()).to_numpy()
    is_donor = ~is_indistinct & (n_eligible > 0) & (level_of(manifest) != BY_CELL)
    n_of = {name: int(n_eligible[side == name].sum()) for name in (TRAIN, VALIDATION, TEST)}
    n_donors = {name: int((is_donor & (side == name)).sum()) for name in n_of}
    n_all = sum(n_of.values())
    ages = {name: manifest.filter(pl.col(SPLIT) == name).drop_nulls(AGE_MEDIAN) for name in n_of}
    return SplitSummary(
        split_level=level_of(manifest),
        n_cells=int(manifest["n_cells"].sum()),
        n_train=n_of[TRAIN],
        n_validation=n_of[VALIDATION],
        n_test=n_of[TEST],
        n_non_primary=int(manifest["n_non_primary"].sum()),
        n_copies=int(manifest["n_copies"].sum()),
        n_without_age=int(manifest["n_without_age"].sum()),
        n_quarantined=int(manifest[N_QUARANTINED].sum()),
        n_indistinct=int(n_eligible[is_indistinct].sum()),
        validation_share=n_of[VALIDATION] / n_all if n_all else None,
        test_share=n_of[TEST] / n_all if n_all else None,
        n_donors_train=n_donors[TRAIN],
        n_donors_validation=n_donors[VALIDATION],
        n_donors_test=n_donors[TEST],
        age_mean_train=_mean_age(ages[TRAIN]),
        age_mean_validation=_mean_age(ages[VALIDATION]),
        age_mean_test=_mean_age(ages[TEST]),
        age_distance=_age_distance(ages[TEST], ages[TRAIN]),
    )


def _ages(rows: pl.DataFrame) -> NDArray[np.float64]:
    return rows[AGE_MEDIAN].cast(pl.Float64).to_numpy()


def _mean_age(rows: pl.DataFrame) -> float | None:
    weights = rows[N_ELIGIBLE].to_numpy()
    return float(np.average(_ages(rows), weights=weights)) if weights.sum() else None


def _age_distance(test: pl.DataFrame, train: pl.DataFrame) -> float | None:
    if not test[N_ELIGIBLE].sum() or not train[N_ELIGIBLE].sum():
        return None
    both = pl.concat([test, train])
    in_test = np.arange(both.height)[np.newaxis] < test.height
    return float(age_distances(in_test, n_eligible=both[N_ELIGIBLE].to_numpy(), age=_ages(both))[0])
