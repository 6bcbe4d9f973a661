"""Fingerprints of cells: hashes of their counts that tell a copy, also one that has lost some of its genes.

A cell is a set of items, each a gene with its count. All hashes are of the set, so that neither the order of
the features nor what else stands in a file matters. Importing this module costs half a second (numba).

References
----------
Broder (1997), On the resemblance and containment of documents. doi:10.1109/SEQUEN.1997.666900
Li, Owen and Zhang (2012), One permutation hashing. Advances in Neural Information Processing Systems 25.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.hashes import mix
from c2s_assets.core.leaks.genes import NO_GENE
from c2s_assets.core.leaks.spec import BUCKETS_PER_BAND, MIN_GENES, N_BANDS, N_BUCKETS

# The bucket of an item is in its leading bits.
_BUCKET_SHIFT = np.uint64(64 - (N_BUCKETS - 1).bit_length())
# 2^64 divided by the golden ratio: odd, and its bits look random.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_EMPTY = np.uint64(2**64 - 1)
_NO_GENE = np.uint64(NO_GENE)

_mix: Any = njit(nogil=True)(mix)


class Fingerprints(NamedTuple):
    """What is known of each cell of a block.

    `n_genes` is how many genes it expresses, `are_counts` whether all its values are whole and above zero,
    both ``(n_obs,)``. `exact` is a hash of all items, ``(n_obs, 2)``; `bands` are hashes of parts of them,
    ``(n_obs, N_BANDS)``. Hashes of cells that carry no evidence mean nothing.
    """

    n_genes: NDArray[np.int32]
    are_counts: NDArray[np.bool_]
    exact: NDArray[np.uint64]
    bands: NDArray[np.uint64]

    @property
    def is_evidence(self) -> NDArray[np.bool_]:
        """Whether a cell says enough of itself for a copy to be told from another cell."""
        return self.are_counts & (self.n_genes >= MIN_GENES)


def fingerprint_rows(rows: Csr, keys: NDArray[np.uint64]) -> Fingerprints:
    """Hash the counts of each cell of a block.

    Parameters
    ----------
    rows
        A block without explicit zeros whose rows begin at 0, its features in any order.
    keys
        Of each feature, ``(n_vars,)``, see `gene_keys`.
    """
    n_obs = rows.indptr.size - 1
    found = Fingerprints(
        n_genes=np.empty(n_obs, np.int32),
        are_counts=np.empty(n_obs, np.bool_),
        exact=np.empty((n_obs, 2), np.uint64),
        bands=np.empty((n_obs, N_BANDS), np.uint64),
    )
    _hash_rows(rows, keys, found)
    return found


@njit(cache=True, nogil=True)
def _hash_rows(rows: Csr, keys: NDArray[np.uint64], found: Fingerprints) -> None:
    indptr, indices, values = rows
    bits = values.view(np.uint32)
    least = np.empty(N_BUCKETS, np.uint64)
    for row in range(indptr.size - 1):
        begin, end = np.uint64(indptr[row]), np.uint64(indptr[row + 1])
        least[:] = _EMPTY
        n_genes = 0
        first, second = np.uint64(0), np.uint64(0)
        for position in range(begin, end):
            key = keys[np.uint64(indices[position])]
            if key == _NO_GENE:
                continue
            # The bits of a float are another number for each count.
            item = _mix(key ^ (np.uint64(bits[position]) * _SPREAD))
            first += item
            second += item * (item >> np.uint64(32))
            bucket = item >> _BUCKET_SHIFT
            least[bucket] = min(least[bucket], item)
            n_genes += 1
        found.n_genes[row] = n_genes
        found.are_counts[row] = _are_whole(values[begin:end])
        found.exact[row, 0] = _mix(first + np.uint64(n_genes))
        found.exact[row, 1] = _mix(second ^ np.uint64(n_genes))
        _hash_bands(least, found.bands[row])


@njit(cache=True, nogil=True)
def _are_whole(values: NDArray[np.float32]) -> bool:
    """Whether all are whole and above zero; in a loop without an exit, which takes several at once."""
    n_wrong = 0
    for value in values:
        n_wrong += (value < 0) | (value != np.floor(value))
    return n_wrong == 0


@njit(cache=True, nogil=True)
def _hash_bands(least: NDArray[np.uint64], bands: NDArray[np.uint64]) -> None:
    """Hash what each band has kept together with its number, so that different bands never agree."""
    for band in range(N_BANDS):
        joined = np.uint64(band + 1) * _SPREAD
        for bucket in range(BUCKETS_PER_BAND):
            joined = _mix(joined ^ least[band * BUCKETS_PER_BAND + bucket])
        bands[band] = joined
