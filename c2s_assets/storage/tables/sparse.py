"""Writes `expression`: the values that are not zero, and what is known of them afterwards."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.expression.tables import (
    ROWS_PER_DRAW,
    CellTotals,
    ExpressionDigest,
    expression_rows,
    expression_table,
    rows_per_group,
)
from c2s_assets.schemas.registry import CELLS
from c2s_assets.storage.dataset import DatasetStage


@dataclass(frozen=True)
class ExpressionWriter:
    """Writes the rows of a matrix; digests what it was given, and what is read back.

    Attributes
    ----------
    source, written
        Digests of the features and values that were given and that were read back.
    totals
        What was counted of each cell on the way.
    """

    staged: DatasetStage
    source: ExpressionDigest
    written: ExpressionDigest
    totals: CellTotals = field(default_factory=CellTotals)

    @classmethod
    def of(cls, staged: DatasetStage) -> "ExpressionWriter":
        """Begin with nothing."""
        n_vars = staged.dataset.profile.n_vars
        return cls(staged, ExpressionDigest(n_vars), ExpressionDigest(n_vars))

    def write(self, blocks: Iterable[tuple[int, csr_array]], *, n_stored: int) -> None:
        """Write all blocks of the matrix, which stores so many values."""
        profile = self.staged.dataset.profile
        self.staged.write(
            self._tables(blocks),
            layer=profile.layer,
            rows_per_group=rows_per_group(n_obs=profile.n_obs, n_stored=n_stored),
            rows_per_draw=ROWS_PER_DRAW,
        )

    def read_back(self) -> Generator[pl.DataFrame]:
        """Read what was written, block by block, and digest it on the way, so that it is read once."""
        for block in self.staged.written():
            self.written.add(expression_rows(block, n_vars=self.written.n_vars))
            yield block

    def _tables(self, blocks: Iterable[tuple[int, csr_array]]) -> Iterator[pa.Table]:
        cell_ids = self.staged.dataset.read(CELLS, columns=[CELL_ID])[CELL_ID]
        for start, block in blocks:
            self.source.add(block)
            self.totals.add(block)
            yield expression_table(block, cell_ids.slice(start, block.shape[0]))
