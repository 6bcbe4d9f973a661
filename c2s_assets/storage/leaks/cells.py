"""What the tables of a dataset say of its cells that have copies: ids, donors, and which is canonical."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, DONOR_UID, HAS_KNOWN_DONOR, IS_PRIMARY_DATA
from c2s_assets.storage.leaks.sources import FingerprintTable
from c2s_assets.storage.tables.parquet import read_table

Rows = NDArray[np.int64]


class CopiedCells(NamedTuple):
    """What decides about the cells of a dataset that have copies, and how many cells its donors have.

    Attributes
    ----------
    donor
        Of each such cell, null if the donor cannot be told from others.
    is_primary
        True also where the source does not say it: such cells are used as canonical ones are.
    n_evidence
        `donor` and `n_evidence`, how many cells of each carry evidence; a row for those without a donor.
    """

    donor: pl.Series
    is_primary: NDArray[np.bool_]
    exact_1: NDArray[np.int64]
    n_evidence: pl.DataFrame


def read_copied_cells(table: FingerprintTable, rows: Rows) -> CopiedCells:
    """Read what decides about the cells in these rows."""
    cells = read_table(table.cells, columns=[DONOR_UID, HAS_KNOWN_DONOR, IS_PRIMARY_DATA])
    exact_1 = table.exact_1()
    donor = cells[DONOR_UID].set(~cells[HAS_KNOWN_DONOR], None).alias("donor")
    return CopiedCells(
        donor=donor[rows].cast(pl.Categorical),
        is_primary=cells[IS_PRIMARY_DATA][rows].fill_null(value=True).to_numpy(),
        exact_1=exact_1[rows].to_numpy(),
        n_evidence=donor.filter(exact_1.is_not_null()).value_counts(name="n_evidence"),
    )


def read_named_cells(table: FingerprintTable, rows: Rows) -> pl.DataFrame:
    """Read `cell_id`, `donor_uid` and `is_primary_data` of the cells in these rows."""
    return read_table(table.cells, columns=[CELL_ID, DONOR_UID, IS_PRIMARY_DATA])[rows]
