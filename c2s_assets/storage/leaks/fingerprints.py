"""Writes `cell_fingerprints`."""

from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.leaks.columns import HASHES
from c2s_assets.core.leaks.fingerprints import fingerprint_rows
from c2s_assets.core.leaks.genes import count_ensembl_ids, gene_keys
from c2s_assets.core.leaks.spec import SPEC, SPEC_ID
from c2s_assets.core.leaks.tables import Evidence, fingerprint_table, no_fingerprints
from c2s_assets.storage.dataset import DatasetStage


def write_fingerprints(
    staged: DatasetStage,
    blocks: Iterable[tuple[int, csr_array]],
    *,
    genes: pl.Series,
    cell_ids: pl.Series,
) -> Evidence:
    """Write the fingerprints of all cells of a matrix of counts; tell how many of them carry evidence.

    Parameters
    ----------
    genes
        From `gene_ids`.
    """
    evidence, keys = Evidence(), gene_keys(genes)

    def tables() -> Iterator[pa.Table]:
        nonlocal evidence
        for start, counts in blocks:
            found = fingerprint_rows(csr_of(counts), keys)
            evidence = evidence.with_cells_of(found)
            yield fingerprint_table(found, cell_ids.slice(start, counts.shape[0]))

    _write(staged, tables(), genes=genes)
    return evidence


def write_no_fingerprints(staged: DatasetStage, cell_ids: pl.Series) -> Evidence:
    """Write the rows of a dataset without counts: none of its cells carries evidence."""
    _write(staged, [no_fingerprints(cell_ids)], genes=pl.Series(dtype=pl.String))
    return Evidence(n_cells=len(cell_ids), n_not_counts=len(cell_ids))


def _write(staged: DatasetStage, tables: Iterable[pa.Table], *, genes: pl.Series) -> None:
    staged.write(
        tables,
        plain=HASHES,
        layer=staged.dataset.profile.layer,
        spec_id=SPEC_ID,
        spec=SPEC,
        n_genes=genes.count(),
        n_ensembl_ids=count_ensembl_ids(genes),
    )
