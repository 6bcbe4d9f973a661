"""Counts of cells for tests of fingerprints: sparse, seeded, as deep as asked for."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.hashes import keys_of
from c2s_assets.core.leaks.fingerprints import Fingerprints, fingerprint_rows


def draw_counts(n_obs: int, *, n_vars: int = 1000, n_genes: int = 300, seed: int = 0) -> NDArray[np.float32]:
    """Draw cells that express about `n_genes` of the genes, some of them far more often than others."""
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 1, n_vars)
    counts = rng.poisson(share / share.mean(), (n_obs, n_vars))
    is_kept = rng.random((n_obs, n_vars)) < n_genes / np.count_nonzero(counts, axis=1, keepdims=True)
    return (counts * is_kept).astype(np.float32)


def gene_ids(n_vars: int) -> list[str]:
    """Name the genes of `draw_counts`."""
    return [f"ENSG{number:011d}" for number in range(n_vars)]


def fingerprint(counts: NDArray[np.float32], ids: list[str]) -> Fingerprints:
    """Fingerprint cells by rows, with the genes in the order of `ids`."""
    return fingerprint_rows(csr_of(csr_array(counts)), keys_of(ids, seed=0))
