"""Tells whether genes that are marked as filtered should count: `python -m benchmarks.filtered`.

CELLxGENE's `feature_is_filtered` marks genes that are in the counts, but not in the normalised matrix. Cells
are drawn as in `benchmarks.planted`; of a study some genes are marked. Its copy in an atlas has the same
counts, of which nothing is marked, or no counts of those genes. Printed is how many of the copies are found
if marked genes count as others do, and if they are left out.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted import N_VARS, VAR_NAMES, draw
from c2s_assets.core.leaks.fingerprints import Fingerprints, fingerprint_rows
from c2s_assets.core.leaks.genes import NO_GENE, gene_keys
from c2s_assets.core.leaks.spec import MIN_BANDS

_N_CELLS = 4_096


def main() -> None:
    """Print a row for each choice of genes that are marked."""
    counts = draw(0, 0, _N_CELLS)
    n_cells = np.bincount(counts.indices, minlength=N_VARS)
    order = np.argsort(n_cells)
    share = np.cumsum(n_cells[order]) / n_cells.sum()
    print("| marked | of the counts | copy has | found, counted | found, left out |")
    print("| --- | ---: | --- | ---: | ---: |")
    marked = {
        "genes in fewest cells": order[share <= 0.01],
        "more such genes": order[share <= 0.05],
        "most such genes": order[share <= 0.15],
        "all but the 5,000 in most cells": order[:-5_000],
        "all but 2,000 at random": np.random.default_rng(0).permutation(N_VARS)[2_000:],
    }
    keys = gene_keys(VAR_NAMES)
    whole = fingerprint_rows(counts, keys)
    for name, genes in marked.items():
        lost = keys.copy()
        lost[genes] = NO_GENE
        without = fingerprint_rows(counts, lost)
        of_counts = n_cells[genes].sum() / n_cells.sum()
        for has, copy in (("them, not marked", whole), ("lost them", without)):
            counted, left_out = _found(whole, copy), _found(without, copy)
            print(f"| {name} | {of_counts:.0%} | {has} | {counted:.1%} | {left_out:.1%} |")


def _found(cells: Fingerprints, copies: Fingerprints) -> float:
    """Tell the share of cells whose copy is found, of those that carry evidence in one of the two."""
    n_bands = (cells.bands == copies.bands).sum(axis=1)
    least = _least_bands(np.minimum(cells.n_genes, copies.n_genes))
    is_evidence = cells.is_evidence & copies.is_evidence
    return float((is_evidence & (n_bands >= least)).sum() / (cells.is_evidence | copies.is_evidence).sum())


def _least_bands(n_genes: NDArray[np.int32]) -> NDArray[np.int64]:
    bounds, least = (np.array(column) for column in zip(*MIN_BANDS, strict=True))
    return least[np.maximum(np.searchsorted(bounds, n_genes, side="right") - 1, 0)]


if __name__ == "__main__":
    main()
