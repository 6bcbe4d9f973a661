"""Writes `pseudobulk` and `pseudocells`: cells of one donor added up, all of them or a few that are drawn."""

import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.cells.uniform import uniform_columns
from c2s_assets.core.columns import AGE, CELL_ID, DONOR_ID, IS_PRIMARY_DATA, VALUE
from c2s_assets.core.expression.csr import csr_of
from c2s_assets.core.expression.tables import rows_per_group
from c2s_assets.core.splits.manifest import assign_cells
from c2s_assets.core.tabular.groups import READ
from c2s_assets.core.tabular.members import Members, Pieces, cut
from c2s_assets.core.tabular.sums import Adder, Sums, Totals
from c2s_assets.schemas.registry import CELLS, MANIFEST
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.streams import one_ahead
from c2s_assets.storage.tables.buckets import VALUES_PER_BUCKET, Buckets
from c2s_assets.storage.tables.parquet import read_table, table_schema

# Of the rows of sums that are made at once: 48 MB.
_VALUES_AT_ONCE = 4 * 2**20

ToTable = Callable[[Members, int, Sums], pa.Table]


def read_cells(dataset: Dataset) -> pl.DataFrame:
    """Read the id of each cell, and what `group_cells` asks of it."""
    path = dataset.path(CELLS)
    there = table_schema(path).names
    asked = [CELL_ID, DONOR_ID, IS_PRIMARY_DATA, *(name for name in READ if name in there)]
    cells = read_table(path, columns=asked)
    sides = assign_cells(cells.select(CELL_ID, DONOR_ID, AGE, IS_PRIMARY_DATA), dataset.read(MANIFEST))
    described = cells.select(CELL_ID, *uniform_columns(cells.schema, READ)[:-1])
    return pl.DataFrame([*described, *sides.drop(CELL_ID)])


@dataclass(frozen=True)
class SumsWriter:
    """Writes a table whose rows are sums of cells; adds up what it was given, and what is read back.

    Attributes
    ----------
    members
        The rows, and the cells of each.
    to_table
        Makes rows of the asset's table of their sums.
    source, written
        Totals of the counts that were given, each as often as its cell is used, and of the rows that were
        read back.
    """

    staged: DatasetStage
    members: Members
    to_table: ToTable
    source: Totals
    written: Totals

    @classmethod
    def of(cls, staged: DatasetStage, members: Members, to_table: ToTable) -> "SumsWriter":
        """Begin with nothing."""
        n_vars = staged.dataset.profile.n_vars
        return cls(staged, members, to_table, Totals(n_vars), Totals(n_vars))

    def write(
        self, blocks: Iterable[tuple[int, csr_array]], *, n_stored: int, are_draws: bool, **says: Any
    ) -> None:
        """Write a row for each of the members.

        The matrix is read once, and the cells that are used are put aside on disk, those of a group together.
        So memory is bounded, however many rows there are, and however many cells a row has.

        Parameters
        ----------
        blocks, n_stored
            All of the matrix, and how many values it stores.
        are_draws
            Whether the rows are draws: nobody asks how many of their few cells have a feature, and their
            pages are not cut by content, which is for tables that are uploaded version after version.
        says
            What the footer says beside what every footer does.
        """
        profile, members = self.staged.dataset.profile, self.members
        if members.rows.is_empty():
            self.staged.write_no_rows(layer=profile.layer, **says)
            return
        per_cell = max(n_stored / profile.n_obs, 1)
        pieces = cut(members, n_obs=profile.n_obs, cells_per_bucket=max(1, int(VALUES_PER_BUCKET / per_cell)))
        n_most = int(np.minimum(members.n_cells * per_cell, profile.n_vars).sum())
        with tempfile.TemporaryDirectory(dir=self.staged.folder) as folder:
            buckets = Buckets(Path(folder), pieces.bucket_of_cell)
            self._put_aside(blocks, buckets)
            rows = rows_per_group(n_obs=members.rows.height, n_stored=n_most)
            adder = Adder(profile.n_vars, is_counted=not are_draws)
            with closing(one_ahead(self._tables(pieces, buckets, adder))) as tables:
                self.staged.write(
                    tables,
                    rows_per_group=rows,
                    rows_per_draw=rows if are_draws else None,
                    plain=[VALUE],
                    layer=profile.layer,
                    **says,
                )

    def read_back(self) -> Generator[pl.DataFrame]:
        """Read what was written, block by block, and add it up on the way, so that it is read once."""
        for block in self.staged.written():
            self.written.add(block)
            yield block

    def _put_aside(self, blocks: Iterable[tuple[int, csr_array]], buckets: Buckets) -> None:
        """Sort all cells that are used into buckets, and add up what the rows made of them have to hold."""
        times_used = self.members.times_used(self.staged.dataset.profile.n_obs).astype(np.float64)
        of_cells = np.zeros(times_used.size)
        for start, block in blocks:
            here = slice(start, start + block.shape[0])
            of_cells[here] = self.source.add_cells(csr_of(block), times=times_used[here])
            buckets.add(start, block)
        buckets.flush()
        self.source.add_rows(self.members.add_up(of_cells))

    def _tables(self, pieces: Pieces, buckets: Buckets, adder: Adder) -> Generator[pa.Table]:
        """Add up the cells of one bucket after the other."""
        n_rows, at_once = 0, max(1, _VALUES_AT_ONCE // self.staged.dataset.profile.n_vars)
        for bucket in range(pieces.n_buckets):
            cells, counts = buckets.take(bucket)
            begin, end = np.searchsorted(pieces.bucket, [bucket, bucket + 1]).tolist()
            for start in range(begin, end, at_once):
                stop = min(start + at_once, end)
                bounds, ends_row = pieces.bounds[start : stop + 1], pieces.ends_row[start:stop]
                places = np.searchsorted(cells, self.members.cells[bounds[0] : bounds[-1]])
                sums = adder.add(counts, places, bounds - bounds[0], ends_row=ends_row)
                if ends_row.any():
                    yield self.to_table(self.members, n_rows, sums)
                    n_rows += int(ends_row.sum())
