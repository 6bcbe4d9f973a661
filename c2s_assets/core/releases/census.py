"""What the cells of a release are, counted: by side, by label, and the words of their sentences."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    AGE,
    CELL_TYPE,
    DATASET_ID,
    DONOR_UID,
    HAS_KNOWN_DONOR,
    N_ABOVE_TIES,
    ORGANISM,
    SENTENCE_LENGTH,
    SEX,
    SPLIT,
    SPLIT_LEVEL,
)
from c2s_assets.core.splits.manifest import BY_CELL
from c2s_assets.core.splits.sides import SIDES

N = "n_cells"
# Of which the cells are counted, by what they are called in a card.
LABELS = {
    ORGANISM: "organism",
    "tissue": "tissue",
    CELL_TYPE: "cell type",
    "assay": "assay",
    "disease": "disease",
    SEX: "sex",
}
# Columns of the training table by which cells are counted, beside their side and dataset.
COUNTED = pl.Schema(
    {
        DONOR_UID: pl.String(),
        HAS_KNOWN_DONOR: pl.Boolean(),
        SPLIT_LEVEL: pl.String(),
        AGE: pl.Float32(),
        **dict.fromkeys(LABELS, pl.String()),
    }
)
WORDS = (N_ABOVE_TIES, SENTENCE_LENGTH)
UNKNOWN = "(not stated)"  # in the place of a label


@dataclass(frozen=True)
class Census:
    """All cells, in two tables.

    Attributes
    ----------
    cells
        `split`, `dataset_id`, the columns of `COUNTED`, and `n_cells` that have these values.
    words
        `n_above_ties`, `sentence_length`, and `n_cells` whose sentences have these.
    """

    cells: pl.DataFrame
    words: pl.DataFrame

    @property
    def n_cells(self) -> int:
        """All cells on a side."""
        return int(self.cells[N].sum())

    @property
    def n_donors(self) -> int:
        """Donors that can be told apart."""
        return _n_donors(self.cells)

    def values(self, column: str) -> list[str]:
        """List the values of a label that any cell has, the most frequent first."""
        counted = self.cells.drop_nulls(column).group_by(column).agg(pl.col(N).sum())
        return counted.sort(N, column, descending=[True, False])[column].to_list()


def side_rows(census: Census) -> list[tuple[object, ...]]:
    """Count of each side that has cells: cells, donors, datasets, ages, tissues, cell types.

    Returns
    -------
    Rows of side, cells, donors, datasets, ages, cells without age, tissues, cell types.
    """
    sides = [(side, census.cells.filter(pl.col(SPLIT) == side)) for side in SIDES]
    return [
        (
            side,
            int(cells[N].sum()),
            _n_donors(cells),
            cells[DATASET_ID].n_unique(),
            _ages(cells),
            int(cells.filter(pl.col(AGE).is_null())[N].sum()),
            cells["tissue"].drop_nulls().n_unique(),
            cells[CELL_TYPE].drop_nulls().n_unique(),
        )
        for side, cells in sides
        if cells.height
    ]


def label_rows(census: Census, column: str, *, most: int) -> tuple[list[tuple[object, ...]], int]:
    """Count the cells of each value of a label, by side and in all, the most frequent first.

    Returns
    -------
    Rows of value, cells of each side that has any, and of all; and how many more values there are.
    """
    used = [side for side in SIDES if side in census.cells[SPLIT]]
    counted = (
        census.cells.with_columns(pl.col(column).fill_null(UNKNOWN))
        .group_by(column)
        .agg(*(pl.col(N).filter(pl.col(SPLIT) == side).sum().alias(side) for side in used), pl.col(N).sum())
        .sort(N, column, descending=[True, False])
    )
    return [tuple(row) for row in counted.head(most).iter_rows()], max(0, counted.height - most)


def split_by_cell(census: Census) -> list[str]:
    """Name the datasets of which single cells were split, so that a person can be on two sides."""
    return sorted(census.cells.filter(pl.col(SPLIT_LEVEL) == BY_CELL)[DATASET_ID].unique())


def donors_on_sides(census: Census) -> tuple[int, int, float]:
    """Count the donors that can be told apart, and those of them on several sides.

    Returns
    -------
    All of them, those on several sides, and how many would be on several in the mean if cells were drawn at
    random, each alone, as many for each side.
    """
    known = census.cells.filter(pl.col(HAS_KNOWN_DONOR).fill_null(value=False)).drop_nulls(DONOR_UID)
    donors = known.group_by(DONOR_UID).agg(pl.col(N).sum(), pl.col(SPLIT).n_unique().alias("n_sides"))
    n_cells = donors[N].sort().to_numpy()
    shares = census.cells.group_by(SPLIT).agg(pl.col(N).sum()).sort(N)[N].to_numpy() / max(census.n_cells, 1)
    n_mixed = float((1 - np.power(shares[:, None], n_cells).sum(axis=0)).sum())
    return donors.height, int((donors["n_sides"] > 1).sum()), n_mixed


@dataclass(frozen=True)
class Ties:
    """How much of all sentences is ties, whose order says nothing of expression.

    Attributes
    ----------
    median_above
        Words above the lowest ties of the median sentence.
    """

    n_words: int
    n_tied: int
    n_empty: int
    median_above: float
    median_length: float

    @property
    def pct_tied(self) -> float:
        """Share of all words that are ties, in percent."""
        return 100 * self.n_tied / self.n_words if self.n_words else 0.0


def count_ties(census: Census) -> Ties:
    """Sum up the words of all sentences."""
    length, above, n = (census.words[name].cast(pl.Int64) for name in (SENTENCE_LENGTH, N_ABOVE_TIES, N))
    n_words = int((length * n).sum())
    return Ties(
        n_words=n_words,
        n_tied=n_words - int((above * n).sum()),
        n_empty=int(n.filter(length == 0).sum()),
        median_above=_median(above, n),
        median_length=_median(length, n),
    )


def ages_by_side(census: Census) -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Give the ages of the cells of each side that has any, and how many cells have each."""
    known = census.cells.drop_nulls(AGE).group_by(SPLIT, AGE).agg(pl.col(N).sum()).sort(AGE)
    sides = ((side, known.filter(pl.col(SPLIT) == side)) for side in SIDES)
    return {
        side: (rows[AGE].to_numpy().astype(float), rows[N].to_numpy()) for side, rows in sides if rows.height
    }


def _n_donors(cells: pl.DataFrame) -> int:
    known = cells.filter(pl.col(HAS_KNOWN_DONOR).fill_null(value=False))
    return known[DONOR_UID].drop_nulls().n_unique()


def _ages(cells: pl.DataFrame) -> str | None:
    """Tell the lowest, the median and the highest age of cells; None if none is known."""
    known = cells.drop_nulls(AGE).sort(AGE)
    if known.is_empty():
        return None
    lowest, highest = known[AGE][0], known[AGE][-1]
    return f"{lowest:.4g} to {highest:.4g}, median {_median(known[AGE], known[N]):.4g}"


def _median(values: pl.Series, n: pl.Series) -> float:
    """Find the median of values of which each is there so many times."""
    counted = pl.DataFrame({"value": values, "n": n}).group_by("value").agg(pl.col("n").sum()).sort("value")
    if counted.is_empty():
        return 0.0
    reached = counted["n"].cum_sum()
    n_all = int(reached[-1])
    places = ((n_all - 1) // 2, n_all // 2)
    middle = [float(counted["value"][int((reached > place).arg_max() or 0)]) for place in places]
    return sum(middle) / 2
