"""The rows of `cell_fingerprints`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.hashes import mix
from c2s_assets.core.leaks.columns import BANDS, EXACT, N_GENES, SEARCH_HASHES
from c2s_assets.core.leaks.spec import SAMPLED_BITS

if TYPE_CHECKING:
    from c2s_assets.core.leaks.fingerprints import Fingerprints  # with numba, which no claim needs

_INT64S = pa.list_(pa.int64())


@dataclass(frozen=True)
class Evidence:
    """How many cells there are, how many of them tell a copy, and why others do not."""

    n_cells: int = 0
    n_few_genes: int = 0
    n_not_counts: int = 0

    @property
    def n_evidence(self) -> int:
        """Cells whose copies can be told from other cells."""
        return self.n_cells - self.n_few_genes - self.n_not_counts

    def with_cells_of(self, found: "Fingerprints") -> "Evidence":
        """Count the cells of a block as well."""
        n_not_counts = int(np.count_nonzero(~found.are_counts))
        n_evidence = int(np.count_nonzero(found.is_evidence))
        n_cells = found.n_genes.size
        return Evidence(
            n_cells=self.n_cells + n_cells,
            n_few_genes=self.n_few_genes + n_cells - n_not_counts - n_evidence,
            n_not_counts=self.n_not_counts + n_not_counts,
        )


def fingerprint_table(found: "Fingerprints", cell_ids: pl.Series) -> pa.Table:
    """Lay out the fingerprints of a block; a cell that carries no evidence has no hashes."""
    is_none = ~found.is_evidence
    bands = found.bands.view(np.int64)
    n_bands = np.where(is_none, 0, bands.shape[1])
    joined = mix(found.bands[:, ::2] ^ mix(found.bands[:, 1::2]))
    is_sampled = (joined & np.uint64(2**SAMPLED_BITS - 1) == 0) & found.is_evidence[:, np.newaxis]
    exact = (found.exact[:, part].view(np.int64) for part in range(len(EXACT)))
    return pa.table(
        {
            CELL_ID: cell_ids.to_arrow().cast(pa.string()),
            N_GENES: pa.array(found.n_genes),
            **{name: pa.array(hashes, mask=is_none) for name, hashes in zip(EXACT, exact, strict=True)},
            BANDS: _lists(bands[found.is_evidence].ravel(), n_bands, is_none),
            SEARCH_HASHES: _lists(joined[is_sampled].view(np.int64), is_sampled.sum(axis=1), is_none),
        }
    )


def no_fingerprints(cell_ids: pl.Series) -> pa.Table:
    """Lay out the rows of cells of which no counts are known."""
    n_cells = len(cell_ids)
    return pa.table(
        {
            CELL_ID: cell_ids.to_arrow().cast(pa.string()),
            N_GENES: pa.nulls(n_cells, pa.int32()),
            **{name: pa.nulls(n_cells, pa.int64()) for name in EXACT},
            BANDS: pa.nulls(n_cells, _INT64S),
            SEARCH_HASHES: pa.nulls(n_cells, _INT64S),
        }
    )


def _lists(values: NDArray[np.int64], lengths: NDArray[np.intp], is_none: NDArray[np.bool_]) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values), mask=pa.array(is_none))
