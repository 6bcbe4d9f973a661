"""Writes `cell_fingerprints`."""

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.leaks.columns import HASHES
from c2s_assets.core.leaks.fingerprints import fingerprint_rows
from c2s_assets.core.leaks.spec import SPEC, SPEC_ID
from c2s_assets.core.leaks.tables import Evidence, fingerprint_table, no_fingerprints
from c2s_assets.storage.dataset import DatasetStage


def write_fingerprints(
    staged: DatasetStage,
    blocks: Iterable[tuple[int, csr_array]],
    *,
    keys: NDArray[np.uint64],
    cell_ids: pl.Series,
) -> Evidence:
    """Write the fingerprints of all cells of a matrix of counts; tell how many of them carry evidence."""
    evidence = Evidence()

    def tables() -> Iterator[pa.Table]:
        nonlocal evidence
        for start, counts in blocks:
            found = fingerprint_rows(csr_of(counts), keys)
            evidence = evidence.with_cells_of(found)
            yield fingerprint_table(found, cell_ids.slice(start, counts.shape[0]))

    _write(staged, tables())
    return evidence


def write_no_fingerprints(staged: DatasetStage, cell_ids: pl.Series) -> Evidence:
    """Write the rows of a dataset without counts: none of its cells carries evidence."""
    _write(staged, [no_fingerprints(cell_ids)])
    return Evidence(n_cells=len(cell_ids), n_not_counts=len(cell_ids))


def _write(staged: DatasetStage, tables: Iterable[pa.Table]) -> None:
    layer = staged.dataset.profile.layer
    staged.write(tables, plain=HASHES, layer=layer, spec_id=SPEC_ID, spec=SPEC)
