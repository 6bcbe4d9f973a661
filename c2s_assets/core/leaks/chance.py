"""How many pairs of unrelated cells look like copies by chance, as the pairs that do not quite do show it.

Two unrelated cells agree in each of their bands with some probability q, which is estimated from the pairs
that agree in one band alone. Those that agree in the k bands that make a copy are then about
``n * binomial(16, k) * q ** k``. Cells that are more alike than others of their datasets make more; hence the
wide margin by which a number of copies has to exceed it.
"""

from dataclasses import dataclass, field
from math import comb

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.leaks.agreeing import Agreeing, CellBlock
from c2s_assets.core.leaks.spec import MIN_BANDS, N_BANDS

_FEWEST_GENES = np.array([n_genes for n_genes, _ in MIN_BANDS])
_NEEDED = np.array([n_bands for _, n_bands in MIN_BANDS])
_N_CLASSES = len(MIN_BANDS)


def depth_class(n_genes: NDArray[np.int32]) -> NDArray[np.intp]:
    """Find which of `MIN_BANDS` holds for cells of so many genes."""
    return np.searchsorted(_FEWEST_GENES, n_genes, side="right") - 1


@dataclass
class Chance:
    """Pairs of cells that were compared, and those that agree in one band alone, by class of depth."""

    n_pairs: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_N_CLASSES))
    n_single: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_N_CLASSES))

    def add(self, left: CellBlock, right: CellBlock) -> None:
        """Count the pairs of two blocks, or of one, each in the class of the cell with fewer genes."""
        one, other = (_from_class_on(block) for block in (left, right))
        both = one * (one - 1) / 2 if left is right else one * other
        self.n_pairs += both - np.append(both[1:], 0)

    def n_expected(self) -> float:
        """Estimate how many of the pairs look like copies by chance."""
        q = self.n_single / np.maximum(self.n_pairs, 1) / N_BANDS
        ways = np.array([comb(N_BANDS, needed) for needed in _NEEDED.tolist()])
        return float((self.n_pairs * ways * q**_NEEDED).sum())


def are_copies(left: CellBlock, right: CellBlock, found: Agreeing, chance: Chance) -> NDArray[np.bool_]:
    """Tell which pairs agree in enough bands to be one cell, and count those that agree in one alone."""
    fewer = np.minimum(left.n_genes[found.left], right.n_genes[found.right])
    classes = depth_class(fewer)
    chance.n_single += np.bincount(classes[found.n_bands == 1], minlength=_N_CLASSES)
    enough: NDArray[np.bool_] = found.n_bands >= _NEEDED[classes]
    return enough


def _from_class_on(block: CellBlock) -> NDArray[np.float64]:
    counts = np.bincount(depth_class(block.n_genes), minlength=_N_CLASSES)
    return np.cumsum(counts[::-1])[::-1].astype(np.float64)
