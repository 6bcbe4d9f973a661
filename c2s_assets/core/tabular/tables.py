"""Sums as rows of `pseudobulk` and `pseudocells`."""

import numpy as np
import polars as pl
import pyarrow as pa

from c2s_assets.core.columns import FEATURE_INDEX, VALUE
from c2s_assets.core.expression.tables import list_array
from c2s_assets.core.tabular.columns import CELL_INDEX, FRAC_DETECTED, N_CELLS
from c2s_assets.core.tabular.members import Members
from c2s_assets.core.tabular.sums import Sums


def pseudobulk_table(members: Members, first: int, sums: Sums) -> pa.Table:
    """Make rows of `pseudobulk`, from row `first` of the members on."""
    table = _with_sums(members, first, sums)
    n_cells = table[N_CELLS].to_numpy().repeat(np.diff(sums.indptr))
    share = (sums.n_detected / n_cells).astype(np.float32)
    return table.append_column(FRAC_DETECTED, list_array(sums.indptr, share))


def pseudocells_table(members: Members, first: int, sums: Sums) -> pa.Table:
    """Make rows of `pseudocells`, from row `first` of the members on."""
    bounds = members.bounds[first : first + sums.indptr.size]
    cells = list_array(bounds - bounds[0], members.cells[bounds[0] : bounds[-1]])
    return _with_sums(members, first, sums).append_column(CELL_INDEX, cells)


def _with_sums(members: Members, first: int, sums: Sums) -> pa.Table:
    rows = members.rows.slice(first, sums.indptr.size - 1)
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.append_column(FEATURE_INDEX, list_array(sums.indptr, sums.indices)).append_column(
        VALUE, list_array(sums.indptr, sums.values)
    )
