"""Measures what fingerprints cost beside the sentences of the same cells, in seconds of the processor.

    python -m benchmarks.fingerprints ATLAS FOLDER

ATLAS is what `benchmarks.atlas` writes, FOLDER is for the results. Fingerprints are made in the pass that
counts the features, which is made anyway: their cost is what that pass takes longer with them. The three take
turns.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import polars as pl

from benchmarks import ours
from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.expression.variability import FeatureTally
from c2s_assets.core.leaks.columns import HASHES
from c2s_assets.core.leaks.fingerprints import fingerprint_rows
from c2s_assets.core.leaks.genes import gene_ids, gene_keys
from c2s_assets.core.leaks.tables import fingerprint_table
from c2s_assets.schemas.tables import CellFingerprints
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.tables.parquet import write_blocks

_REPEATS = 5


def main(atlas: Path, folder: Path) -> None:
    """Measure, and print the ratio."""
    ways: dict[str, Callable[[], None]] = {
        "sentences": lambda: ours.write_sentences(atlas, folder / "sentences"),
        "counting features": lambda: _count(atlas),
        "counting and fingerprints": lambda: write_fingerprints(atlas, folder / "fingerprints.parquet"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(_REPEATS + 1):
        for name, way in ways.items():
            shutil.rmtree(folder / "sentences", ignore_errors=True)
            started = process_time()
            way()
            if repeat:  # the first time, kernels are loaded or compiled
                seconds[name].append(process_time() - started)
    sentences, counting, both = (median(of_way) for of_way in seconds.values())
    print(f"sentences {sentences:.2f} s, counting {counting:.2f} s, with fingerprints {both:.2f} s")
    print(f"fingerprints: {(both - counting) / sentences:.1%} of the sentences")


def write_fingerprints(atlas: Path, target: Path) -> None:
    """Count the features of an atlas, and write the fingerprints of its cells."""
    with open_h5ad(atlas) as h5ad:
        cell_ids = h5ad.obs.index().alias(CELL_ID)
        var = pl.DataFrame([h5ad.var.read(name) for name in h5ad.var.names])
        keys = gene_keys(gene_ids(h5ad.var.index(), var))
        tables = (
            fingerprint_table(fingerprint_rows(csr_of(counts), keys), cell_ids.slice(start, counts.shape[0]))
            for start, counts in _tally(h5ad).passing(h5ad.matrix("X").blocks(rows=ours.ROWS_PER_BLOCK))
        )
        write_blocks(target, tables, model=CellFingerprints, footer={}, plain=HASHES)


def _count(atlas: Path) -> None:
    with open_h5ad(atlas) as h5ad:
        for _ in _tally(h5ad).passing(h5ad.matrix("X").blocks(rows=ours.ROWS_PER_BLOCK)):
            pass


def _tally(h5ad: H5ad) -> FeatureTally:
    n_obs, n_vars = h5ad.matrix("X").info.shape
    return FeatureTally(kind="counts", n_vars=n_vars, is_fitted=np.ones(n_obs, np.bool_))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
