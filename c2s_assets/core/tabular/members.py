"""Which cells each row of a table is the sum of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

_CELLS_AT_ONCE = 65_536


@dataclass(frozen=True)
class Members:
    """The rows of a table, and the cells that each of them adds up.

    Attributes
    ----------
    rows
        What describes each row.
    group
        Number of the group of cells that a row is of, ascending. Rows of two groups share no cell.
    cells
        0-based rows of `cell_metadata`, those of the first row first, ascending in each row.
    bounds
        Where the cells of each row begin in `cells`, and where the last ones end, ``(n_rows + 1,)``.
    """

    rows: pl.DataFrame
    group: NDArray[np.int64]
    cells: NDArray[np.int32]
    bounds: NDArray[np.int64]

    @property
    def n_cells(self) -> NDArray[np.int64]:
        """How many cells each row has."""
        return np.diff(self.bounds)

    def mean(self, of_cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """Average what each cell has, ``(n_obs, n)``, over the cells of each row, ``(n_rows, n)``."""
        weights = np.repeat(1 / np.maximum(self.n_cells, 1), self.n_cells).astype(np.float32)
        shape = (self.bounds.size - 1, len(of_cells))
        means: NDArray[np.float32] = csr_array((weights, self.cells, self.bounds), shape=shape) @ of_cells
        return means

    def no_rows(self) -> "Members":
        """Give none of the rows."""
        return Members(self.rows.clear(), self.group[:0], self.cells[:0], self.bounds[:1])

    def times_used(self, n_obs: int) -> NDArray[np.int64]:
        """Count the rows that each of all cells is in, ``(n_obs,)``."""
        return np.bincount(self.cells, minlength=n_obs)

    def add_up(self, of_cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up what each cell has, ``(n_obs,)``, over the cells of each row, ``(n_rows,)``."""
        until = np.concatenate([[0.0], np.cumsum(of_cells[self.cells])])
        return np.diff(until[self.bounds])


def gather(cells: pl.DataFrame, keys: Sequence[str], *, where: pl.Expr | None = None) -> Members:
    """Put cells together that have the same keys, one row for each in order of the keys, null last.

    Parameters
    ----------
    where
        Which cells are put together at all; all if None.
    """
    numbered = cells.select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("cell"),
        pl.lit(value=True).alias("is_used") if where is None else where.alias("is_used"),
        *keys,
    )
    # A million cells with 14 keys took 570 MB at once, and 60 MB in slices.
    slices = [numbered.clear(), *numbered.iter_slices(_CELLS_AT_ONCE)]
    parts = [part.filter("is_used").group_by(keys).agg("cell") for part in slices]
    rows = pl.concat(parts).group_by(keys, maintain_order=True).agg(pl.col("cell").explode())
    rows = rows.sort(keys, nulls_last=True)
    n_cells = rows["cell"].list.len().to_numpy().astype(np.int64)
    return Members(
        rows=rows.drop("cell"),
        group=np.arange(rows.height),
        cells=rows["cell"].explode(empty_as_null=False).to_numpy(),
        bounds=np.concatenate([[0], np.cumsum(n_cells)]),
    )


@dataclass(frozen=True)
class Pieces:
    """Rows cut into pieces of few cells, and put into buckets whose cells fit into memory.

    Attributes
    ----------
    bounds
        As of `Members`, of pieces.
    ends_row
        Whether a piece is the last of its row.
    bucket
        The bucket of each piece, ascending from 0 without a gap.
    bucket_of_cell
        The one of each cell, ``(n_obs,)``; -1 for a cell that is in no row.
    """

    bounds: NDArray[np.int64]
    ends_row: NDArray[np.bool_]
    bucket: NDArray[np.int64]
    bucket_of_cell: NDArray[np.int32]

    @property
    def n_buckets(self) -> int:
        """How many buckets there are."""
        return int(self.bucket[-1]) + 1 if self.bucket.size else 0


def cut(members: Members, *, n_obs: int, cells_per_bucket: int) -> Pieces:
    """Put groups into buckets of about so many cells; a row that is all of a group is cut if it has more."""
    is_alone = np.bincount(members.group)[members.group] == 1
    n_pieces = np.where(is_alone, np.maximum(-(-members.n_cells // cells_per_bucket), 1), 1)
    ends_row = np.zeros(int(n_pieces.sum()), np.bool_)
    ends_row[np.cumsum(n_pieces) - 1] = True
    row = np.repeat(np.arange(n_pieces.size), n_pieces)
    within = np.arange(row.size) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    starts = members.bounds[:-1][row] + within * cells_per_bucket
    bounds = np.concatenate([starts, members.bounds[-1:]])

    is_new = np.zeros(members.cells.size + 1, np.int64)
    is_new[np.unique(members.cells, return_index=True)[1] + 1] = 1
    n_before = np.cumsum(is_new)[starts]
    # Pieces of one row share no cells, rows of one group may.
    begins_unit = np.concatenate([[True], (np.diff(members.group[row]) > 0) | (np.diff(row) == 0)])[
        : row.size
    ]
    unit = np.cumsum(begins_unit) - 1
    _, bucket = np.unique(n_before[begins_unit][unit] // cells_per_bucket, return_inverse=True)
    bucket_of_cell = np.full(n_obs, -1, np.int32)
    bucket_of_cell[members.cells] = np.repeat(bucket, np.diff(bounds))
    return Pieces(bounds, ends_row, bucket.astype(np.int64), bucket_of_cell)
