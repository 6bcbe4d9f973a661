import numpy as np
import pytest

from c2s_assets.core.leaks.agreeing import Agreeing, agreeing_cells, cell_block
from c2s_assets.core.leaks.chance import Chance, are_copies
from c2s_assets.core.leaks.spec import MIN_BANDS, N_BANDS


def _block(n_genes, *, seed=0, n_bands=2**62):
    rng = np.random.default_rng(seed)
    n_cells = len(n_genes)
    # Each place has bands of its own, as the hashes of fingerprints do.
    bands = rng.integers(0, n_bands, (n_cells, N_BANDS)) * N_BANDS + np.arange(N_BANDS)
    mixed = bands.astype(np.int64) * np.int64(0x5851F42D4C957F2D)
    return cell_block(
        np.arange(n_cells), np.asarray(n_genes, np.int32), np.zeros((n_cells, 2), np.int64), mixed
    )


@pytest.mark.parametrize(("fewest", "needed"), MIN_BANDS)
def test_the_cell_with_fewer_genes_says_how_many_bands_are_needed(fewest, needed):
    left, right = _block([fewest, fewest]), _block([5000, fewest])
    found = Agreeing(np.array([0, 0]), np.array([0, 1]), np.array([needed, needed - 1], np.int32))
    assert are_copies(left, right, found, Chance()).tolist() == [True, False]


def test_pairs_are_counted_in_the_class_of_the_cell_with_fewer_genes():
    chance = Chance()
    chance.add(_block([90, 120, 300]), _block([120, 5000]))
    assert chance.n_pairs.tolist() == [2, 3, 0, 1]


def test_a_block_has_half_as_many_pairs_with_itself():
    chance, block = Chance(), _block([90, 300, 300, 300])
    chance.add(block, block)
    assert chance.n_pairs.tolist() == [3, 0, 0, 3]


def test_without_a_pair_that_agrees_in_one_band_chance_gives_nothing():
    chance = Chance()
    chance.add(_block([300] * 10), _block([300] * 10, seed=1))
    assert chance.n_expected() == 0


def test_chance_is_what_unrelated_cells_show():
    """Of 9,000,000 pairs, each of whose bands is one of 400, about 60 agree in three of 16."""
    left, right = (_block([300] * 3000, seed=seed, n_bands=400) for seed in (1, 2))
    chance = Chance()
    chance.add(left, right)
    n_found = are_copies(left, right, agreeing_cells(left, right), chance).sum()
    assert 0.7 * n_found < chance.n_expected() < 1.5 * n_found
