"""The cells, or groups of cells, that prompts are about."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, DONOR_UID, HAS_KNOWN_DONOR
from c2s_assets.core.prompts.facts import SHARED_CONDITIONS, TISSUE


@dataclass(frozen=True)
class Subjects:
    """Of each subject its cells and what is known of it.

    Attributes
    ----------
    rows
        Rows of the block: those of one subject after those of another, shape ``(n_cells,)``.
    sizes
        How many each subject has, shape ``(n_subjects,)``.
    facts
        See `facts_of`; a row for each subject.
    keys
        Random and always the same for a subject, shape ``(n_subjects,)``.
    """

    rows: NDArray[np.int64]
    sizes: NDArray[np.int64]
    facts: pl.DataFrame
    keys: NDArray[np.uint64]

    @property
    def first_rows(self) -> NDArray[np.int64]:
        """The row of the first cell of each subject."""
        first: NDArray[np.int64] = self.rows[np.cumsum(self.sizes) - self.sizes]
        return first

    def take(self, chosen: NDArray[np.bool_]) -> Self:
        """Keep some of the subjects."""
        return replace(
            self,
            rows=self.rows[np.repeat(chosen, self.sizes)],
            sizes=self.sizes[chosen],
            facts=self.facts.filter(pl.Series(chosen)),
            keys=self.keys[chosen],
        )

    def sums(self, of_cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add numbers of cells up to those of subjects."""
        return self._reduced(np.add, of_cells)

    def lowest(self, of_cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take the lowest number of the cells of each subject."""
        return self._reduced(np.minimum, of_cells)

    def lists(self, of_cells: pl.Series) -> pl.Series:
        """Put values of cells into a list for each subject."""
        numbers = pl.Series("subject", np.repeat(np.arange(self.sizes.size), self.sizes))
        return of_cells.to_frame().group_by(numbers, maintain_order=True).all()[of_cells.name]

    def _reduced(self, reduce: np.ufunc, of_cells: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self.sizes.size:
            return np.empty(0, np.int64)
        found: NDArray[np.int64] = reduce.reduceat(of_cells, np.cumsum(self.sizes) - self.sizes)
        return found


def single_cells(facts: pl.DataFrame, keys: NDArray[np.uint64], n_words: NDArray[np.int64]) -> Subjects:
    """Make a subject of each cell whose sentence has a word."""
    rows = np.flatnonzero(n_words)
    return Subjects(rows, np.ones(rows.size, np.int64), facts[rows], keys[rows])


def groups_of_cells(cells: pl.DataFrame, singles: Subjects, *, size: int) -> Subjects:
    """Make subjects of so many cells of one donor, tissue, disease and age, drawn by their keys.

    No cell is in two. What is left of a donor is in none, nor are cells of donors who cannot be told apart.

    Parameters
    ----------
    cells
        `cell_id`, `donor_uid`, `has_known_donor` and, where the dataset has it, the tissue as in `facts`.
    """
    shown = pl.DataFrame(
        {
            "row": singles.rows,
            "key": singles.keys,
            "subject": np.arange(singles.rows.size),
            TISSUE: singles.facts[TISSUE],
            SHARED_CONDITIONS: singles.facts[SHARED_CONDITIONS],
            DONOR_UID: cells[DONOR_UID].gather(singles.rows),
            HAS_KNOWN_DONOR: cells[HAS_KNOWN_DONOR].gather(singles.rows),
            CELL_ID: cells[CELL_ID].gather(singles.rows),
        }
    ).filter(pl.col(TISSUE).is_not_null() & pl.col(DONOR_UID).is_not_null() & pl.col(HAS_KNOWN_DONOR))
    by = [DONOR_UID, TISSUE, SHARED_CONDITIONS]
    placed = shown.sort(*by, "key", CELL_ID).with_columns(
        place=pl.int_range(pl.len()).over(by), n=pl.len().over(by)
    )
    chosen = placed.filter(pl.col("place") < pl.col("n") // size * size)
    first = chosen.filter(pl.col("place") % size == 0)["subject"].to_numpy()
    return Subjects(
        chosen["row"].to_numpy(), np.full(first.size, size), singles.facts[first], singles.keys[first]
    )
