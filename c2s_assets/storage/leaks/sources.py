"""The fingerprints of all datasets of the lake, as searches for copies read them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import C2SError, LakeError
from c2s_assets.core.leaks.agreeing import CELLS_PER_BLOCK, CellBlock, cell_block
from c2s_assets.core.leaks.columns import BANDS, EXACT, N_GENES, SEARCH_HASHES
from c2s_assets.core.leaks.spec import N_BANDS, SPEC_ID
from c2s_assets.schemas.registry import CELLS, FINGERPRINTS
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.tables.inputs import SOURCE
from c2s_assets.storage.tables.parquet import read_footer_of_file, read_rows, read_table


@dataclass(frozen=True)
class FingerprintTable:
    """The fingerprints of one dataset.

    Attributes
    ----------
    goes_by_symbols
        Whether most of its genes have no Ensembl id, so that its cells are not those of other datasets.
    cells
        Its `cell_metadata`, of the same rows.
    digest
        That of the fingerprints, as the record of the dataset says.
    """

    dataset_id: str
    path: Path
    cells: Path
    digest: str
    n_cells: int
    source_sha256: str
    goes_by_symbols: bool

    def search_hashes(self) -> NDArray[np.uint64]:
        """Read the hashes by which the whole lake is searched: of whole cells, and sampled ones of parts."""
        found = read_table(self.path, columns=[EXACT[0], SEARCH_HASHES])
        hashes = (found[EXACT[0]], found[SEARCH_HASHES].drop_nulls().explode(empty_as_null=False))
        return np.concatenate([series.drop_nulls().to_numpy() for series in hashes]).view(np.uint64)

    def blocks(self) -> Iterator[CellBlock]:
        """Read all cells that carry evidence, in the order of their rows."""
        for start in range(0, self.n_cells, CELLS_PER_BLOCK):
            found = read_rows(
                self.path, start, start + CELLS_PER_BLOCK, columns=[N_GENES, *EXACT, BANDS]
            ).with_row_index("row", offset=start)
            found = found.drop_nulls(BANDS)
            bands = found[BANDS].explode().to_numpy().reshape(-1, N_BANDS)
            yield cell_block(
                found["row"].to_numpy().astype(np.int64),
                found[N_GENES].to_numpy(),
                found.select(EXACT).to_numpy(),
                bands,
            )

    def exact_1(self) -> pl.Series:
        """Read the first half of the hashes of whole cells; null of cells without evidence."""
        return read_table(self.path, columns=[EXACT[0]])[EXACT[0]]


def find_fingerprints(layout: Layout) -> tuple[list[FingerprintTable], dict[str, str]]:
    """Find the fingerprints that can be compared, by dataset in order; tell why those of others cannot."""
    found, left_out = [], {}
    for dataset_id in dataset_ids(layout):
        try:
            found.append(_find(layout, dataset_id))
        except (C2SError, OSError) as error:
            left_out[dataset_id] = str(error)
    return found, left_out


def _find(layout: Layout, dataset_id: str) -> FingerprintTable:
    built = read_record(layout, dataset_id).built.get(FINGERPRINTS)
    path, cells = layout.table(FINGERPRINTS, dataset_id), layout.table(CELLS, dataset_id)
    if built is None or not path.exists():
        raise LakeError(
            f"it has no {FINGERPRINTS}. Build them: c2s build --only {FINGERPRINTS} {dataset_id}."
        )
    says, n_cells, _ = read_footer_of_file(path)
    of_cells, n_rows, _ = read_footer_of_file(cells)
    if says.get("spec_id") != SPEC_ID or (says.get(SOURCE), n_cells) != (of_cells.get(SOURCE), n_rows):
        raise LakeError(
            f"its {FINGERPRINTS} are outdated. Build it again: c2s build --outdated {dataset_id}."
        )
    n_genes, n_ids = (int(str(says.get(name, 0))) for name in ("n_genes", "n_ensembl_ids"))
    return FingerprintTable(
        dataset_id=dataset_id,
        path=path,
        cells=cells,
        digest=built.digest,
        n_cells=n_cells,
        source_sha256=str(says[SOURCE]),
        goes_by_symbols=2 * n_ids < n_genes,
    )
