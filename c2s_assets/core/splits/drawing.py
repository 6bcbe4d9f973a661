"""Drawing donors for a side and dealing them out to folds, so that all are alike in what matters."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5

# 50,000 cells of 200 donors: 100, 500, 2,000 draws take 12, 19, 50 ms, miss the target share by 0.5, 0.4,
# 0.2 % of it and leave the two sides 3.3, 3.1, 2.8 years apart.
_N_DRAWS = 500
# A draw is near the target share if it misses it by this share of the target more than the best draw does,
# and by half as much again. Nearer would decide by size alone: of five donors that differ by a third in size
# the smallest would be tested in every dataset.
_NEAR, _NEAR_FACTOR = 0.05, 1.5
# Share of such draws that count as like the others in age and sex.
_ALIKE = 0.1
# Where no donor comes near the target, the smallest ones do: at most this share of the donors is on a side
# that is drawn, or the share of cells asked for where that is more, so that a donor with nearly all cells is
# not all that train has.
_MOST_DRAWN = 1 / 3


@dataclass(frozen=True)
class Donors:
    """Donors as they are drawn, each array of shape ``(n_donors,)``.

    `n_eligible` counts cells, `age` is in years and NaN where it is not known, `sex` is a code, below zero
    where it is not known, and `hashes` orders donors that are equal otherwise.
    """

    n_eligible: NDArray[np.int64]
    age: NDArray[np.float64]
    sex: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Donors":
        """Take some of them, in the order of `rows`."""
        return Donors(self.n_eligible[rows], self.age[rows], self.sex[rows], self.hashes[rows])


def seed_key(seed: int, *, namespace: str = "") -> bytes:
    """Mix the seed with what donors' names belong to; else the same ranks would be drawn in every dataset."""
    content = f"{seed}\0{namespace}".encode()
    return hashlib.blake2b(content, digest_size=32, person=b"c2s split").digest()


def hash_ids(ids: Iterable[str], *, key: bytes) -> NDArray[np.uint64]:
    """Two independent numbers per id, shape ``(n_ids, 2)``, that depend on the id and the key only."""
    digests = (hashlib.blake2b(i.encode(), key=key, digest_size=16).digest() for i in ids)
    return np.fromiter(digests, dtype="S16").view("<u8").reshape(-1, 2)


def draw_side(
    donors: Donors,
    *,
    is_free: NDArray[np.bool_],
    is_on_side: NDArray[np.bool_],
    n_all: int,
    share: float,
    key: bytes,
) -> NDArray[np.bool_]:
    """Draw donors for one side, shape ``(n_donors,)``; nobody if that would leave no donor to train on.

    Donors are drawn many times, in orders of which every stretch holds all ages alike. Of the draws near the
    share asked for the first one wins if one donor is on the side: one is like nobody else, so age and sex
    decide nothing, and equally large donors are equally likely. If it is several, the first one wins of those
    that are most like the others in age and sex.

    Parameters
    ----------
    is_free
        Who can be drawn; all others stay where they are.
    is_on_side
        Who is on the side already.
    n_all
        Cells of which `share` is a share; more than `donors` have where some cannot be drawn.
    key
        From `seed_key`.
    """
    on_side = is_on_side.copy()
    n_free, n_elsewhere = int(is_free.sum()), int((~is_free & ~is_on_side).sum())
    if n_free == 0 or n_free + n_elsewhere == 1:
        return np.zeros_like(is_free)
    # By age, then by hash: the draws must not follow how the ids sort.
    by_age = np.lexsort((donors.hashes, donors.age))
    ordered, free, fixed = donors.take(by_age), is_free[by_age], is_on_side[by_age]
    target = share * n_all
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(key)))
    draws = np.tile(fixed, (_n_draws(n_free), 1))
    draws[:, free] = _fill(
        _draw_stratified(n_free, rng=rng),
        n_cells=ordered.n_eligible[free],
        target=target - float(ordered.n_eligible[fixed].sum()),
        n_most=max(int(free.size * max(_MOST_DRAWN, share)), 1) - int(fixed.sum()),
        takes_somebody=not fixed.any(),
        leaves_somebody=n_elsewhere == 0,
    )
    misses = np.abs(draws @ ordered.n_eligible / target - 1)
    on_side[by_age] = _choose(draws[misses <= misses.min() * _NEAR_FACTOR + _NEAR], ordered)
    return on_side & is_free


def age_distances(
    in_test: NDArray[np.bool_], *, n_eligible: NDArray[np.int64], age: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Wasserstein distance in years between the ages of test and train cells, one per row of `in_test`."""
    by_age = np.argsort(age, kind="stable")
    all_cells = np.cumsum(n_eligible[by_age])
    test = np.cumsum(in_test[:, by_age] * n_eligible[by_age], axis=1)
    train = all_cells - test
    gaps = np.abs(test / test[:, -1:] - train / train[:, -1:])
    distances: NDArray[np.float64] = (gaps[:, :-1] * np.diff(age[by_age])).sum(axis=1)
    return distances


def balance_folds(donors: Donors, folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Deal donors out, largest first, to the fold that has the fewest cells in all and of their age.

    Parameters
    ----------
    folds
        The fold of each donor that has one already, which it keeps; below zero for all others.
    """
    n_donors = donors.n_eligible.size
    stratum = np.empty(n_donors, dtype=np.int64)
    by_age = np.lexsort((donors.hashes, donors.age))  # NaN last: those without age stand together
    stratum[by_age] = np.arange(n_donors) // N_FOLDS
    cells = np.maximum(donors.n_eligible, 1)
    stratum_cells = np.bincount(stratum, weights=cells)
    in_fold = np.zeros(N_FOLDS)
    in_stratum = np.zeros((stratum_cells.size, N_FOLDS))
    folds = folds.copy()
    for donor in np.lexsort((donors.hashes, -cells, folds < 0)):  # those that have a fold come first
        s = stratum[donor]
        if folds[donor] < 0:
            folds[donor] = np.argmin(in_fold / cells.sum() + in_stratum[s] / stratum_cells[s] / N_FOLDS)
        in_fold[folds[donor]] += cells[donor]
        in_stratum[s, folds[donor]] += cells[donor]
    return folds


def _n_draws(n_donors: int) -> int:
    return int(np.clip(1_000_000 // n_donors, 20, _N_DRAWS))  # bounds memory: one donor per cell happens


def _draw_stratified(n_donors: int, *, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random orders of donors given by age, such that every stretch of an order holds all ages alike.

    Shape ``(n_draws, n_donors)``. Uses `random` alone: of all methods its stream is least likely to change.
    """
    n_strata = int(np.clip(n_donors // 5, 1, 10))
    places = rng.random((_n_draws(n_donors), n_donors))
    for stratum in np.array_split(np.arange(n_donors), n_strata):
        ranks = places[:, stratum].argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        places[:, stratum] = (ranks + rng.random(ranks.shape)) / stratum.size
    return places.argsort(axis=1, kind="stable")


def _fill(
    order: NDArray[np.intp],
    *,
    n_cells: NDArray[np.int64],
    target: float,
    n_most: int,
    takes_somebody: bool,
    leaves_somebody: bool,
) -> NDArray[np.bool_]:
    """Take donors in each order, passing over those that would lead away from the target number of cells.

    At most `n_most` are taken, and where that is asked for at least one is, and one is left. Shape as
    `order`.
    """
    draws = np.arange(len(order))
    taken = np.zeros(order.shape, dtype=bool)
    missing = np.full(len(order), target)
    n_taken = np.zeros(len(order), dtype=np.int64)
    for donor in order.T:
        is_taken = (n_cells[donor] < 2 * missing) & (n_taken < n_most)
        taken[draws, donor] = is_taken
        missing -= np.where(is_taken, n_cells[donor], 0)
        n_taken += is_taken
    if takes_somebody:
        nobody = ~taken.any(axis=1)
        taken[draws[nobody], order[nobody, 0]] = True
    if leaves_somebody:
        everybody = taken.all(axis=1)
        taken[draws[everybody], order[everybody, -1]] = False
    return taken


def _choose(draws: NDArray[np.bool_], donors: Donors) -> NDArray[np.bool_]:
    """Choose one of the draws, shape ``(n_donors,)``; see `draw_side`."""
    n_in_test = draws.sum(axis=1)
    if n_in_test[0] > 1:
        draws = draws[n_in_test > 1]
        apart = _age_differences(draws, donors) + _sex_differences(draws, donors)
        draws = draws[apart <= np.quantile(apart, _ALIKE)]
    chosen: NDArray[np.bool_] = draws[0]
    return chosen


def _age_differences(draws: NDArray[np.bool_], donors: Donors) -> NDArray[np.float64]:
    """Distance between the ages of test and train as a share of the range of ages, of donors of known age."""
    apart = np.zeros(len(draws))
    is_known = np.isfinite(donors.age)
    age, n_eligible, of_known = donors.age[is_known], donors.n_eligible[is_known], draws[:, is_known]
    has_both = of_known.any(axis=1) & ~of_known.all(axis=1)
    if has_both.any() and np.ptp(age) > 0:
        apart[has_both] = age_distances(of_known[has_both], n_eligible=n_eligible, age=age) / np.ptp(age)
    return apart


def _sex_differences(draws: NDArray[np.bool_], donors: Donors) -> NDArray[np.float64]:
    """Largest difference between test and train in the share of one sex, of donors of known sex."""
    known = donors.sex >= 0
    of_known = draws[:, known]
    n_test = of_known.sum(axis=1)
    n_train = known.sum() - n_test
    largest = np.zeros(len(draws))
    for sex in np.unique(donors.sex[known]):
        is_sex = donors.sex[known] == sex
        n_of_sex = of_known @ is_sex.astype(np.int64)
        shares = n_of_sex / np.maximum(n_test, 1), (is_sex.sum() - n_of_sex) / np.maximum(n_train, 1)
        difference = np.where((n_test > 0) & (n_train > 0), np.abs(shares[0] - shares[1]), 0.0)
        largest = np.maximum(largest, difference)
    return largest
