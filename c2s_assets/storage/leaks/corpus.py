"""All copies of the lake put together: the groups that they form, and the donors that share them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import DONOR_UID
from c2s_assets.core.leaks.columns import (
    DATASETS,
    IS_EXACT,
    N_CELLS,
    N_OTHER_CELLS,
    OTHER_DONOR_UID,
    OTHER_ROW,
    ROW,
)
from c2s_assets.core.leaks.groups import Copies
from c2s_assets.core.leaks.people import count_shared, expect_by_chance, judge
from c2s_assets.storage.leaks.cells import CopiedCells, read_copied_cells, read_named_cells
from c2s_assets.storage.leaks.pairs import PairsOfDatasets
from c2s_assets.storage.leaks.sources import FingerprintTable


@dataclass(frozen=True)
class CorpusCopies:
    """The cells of all datasets that have copies.

    Attributes
    ----------
    first_rows
        The number of the first row of each dataset, where all rows are counted through, ``(n_datasets,)``.
    dataset
        The place of the dataset of each copied cell, ``(n_copied,)``.
    cells
        What decides about them, by the place of their dataset.
    """

    tables: Sequence[FingerprintTable]
    pairs: Sequence[PairsOfDatasets]
    first_rows: NDArray[np.int64]
    copies: Copies
    dataset: NDArray[np.int64]
    cells: Mapping[int, CopiedCells]

    @classmethod
    def of_pairs(cls, pairs: Sequence[PairsOfDatasets], tables: Sequence[FingerprintTable]) -> "CorpusCopies":
        """Put pairs together, and read what decides about their cells."""
        first_rows = np.cumsum([0, *(table.n_cells for table in tables)])[:-1]
        copies = _number(pairs, dict(zip((table.dataset_id for table in tables), first_rows, strict=True)))
        dataset = np.searchsorted(first_rows, copies.cells, side="right") - 1
        cells = {
            place: read_copied_cells(tables[place], copies.cells[dataset == place] - first_rows[place])
            for place in np.unique(dataset).tolist()
        }
        return cls(tables, pairs, first_rows, copies, dataset, cells)

    def describe(self) -> pl.DataFrame:
        """Tell of each copied cell which group it is in, see `Copies.describe`."""
        cells = self.cells.values()
        return self.copies.describe(
            dataset=self.dataset,
            exact_1=np.concatenate([np.zeros(0, np.int64), *(found.exact_1 for found in cells)]),
            is_primary=np.concatenate([np.zeros(0, np.bool_), *(found.is_primary for found in cells)]),
        )

    def table_of(self, place: int, described: pl.DataFrame) -> pl.DataFrame:
        """Lay out the copied cells of one dataset, see schemas.leaks.CellCopies."""
        is_here = self.dataset == place
        named = read_named_cells(self.tables[place], self.copies.cells[is_here] - self.first_rows[place])
        return pl.concat([named, described.filter(is_here)], how="horizontal")

    def aliases(self) -> pl.DataFrame:
        """Lay out the donors that share cells, see schemas.leaks.DonorAliases."""
        evidence = pl.concat(
            [
                _NO_EVIDENCE,
                *(found.n_evidence.with_columns(dataset=place) for place, found in self.cells.items()),
            ],
            how="diagonal_relaxed",
        )
        names = pl.Enum(evidence["donor"].drop_nulls().unique().sort())
        evidence = evidence.with_columns(pl.col("donor").cast(names))
        shared = count_shared(self._donors_of_pairs(names))
        judged = judge(expect_by_chance(shared, evidence=evidence, compared=self._compared()))
        n_cells = evidence.group_by("donor").agg(pl.col("n_evidence").sum())
        for donor, name in (("donor", N_CELLS), ("other_donor", N_OTHER_CELLS)):
            judged = judged.join(n_cells.rename({"donor": donor, "n_evidence": name}), on=donor)
        ids = dict(enumerate(table.dataset_id for table in self.tables))
        named = pl.element().replace_strict(ids, return_dtype=pl.String)
        return judged.select(
            pl.col("donor").cast(pl.String).alias(DONOR_UID),
            pl.col("other_donor").cast(pl.String).alias(OTHER_DONOR_UID),
            pl.exclude("donor", "other_donor", DATASETS),
            pl.col(DATASETS).list.eval(named),
        ).sort(DONOR_UID, OTHER_DONOR_UID)

    def _donors_of_pairs(self, names: pl.Enum) -> pl.DataFrame:
        """Tell of each pair of cells their numbers, their donors and the places of their datasets."""
        none = pl.Series("donor", [], names)
        donor = pl.concat([none, *(found.donor.cast(names) for found in self.cells.values())])
        sides = {"": self.copies.left, "other_": self.copies.right}
        columns = {}
        for side, cells in sides.items():
            columns[f"{side}cell"] = pl.Series(cells)
            columns[f"{side}donor"] = donor[cells]
            columns[f"{side}dataset"] = pl.Series(self.dataset[cells])
        return pl.DataFrame({**columns, IS_EXACT: self.copies.pair_is_exact})

    def _compared(self) -> pl.DataFrame:
        places = {table.dataset_id: place for place, table in enumerate(self.tables)}
        return pl.DataFrame(
            [
                (places[pair.left.dataset_id], places[pair.right.dataset_id], pair.n_expected)
                for pair in self.pairs
            ],
            schema={"dataset": pl.Int64, "other_dataset": pl.Int64, "n_expected": pl.Float64},
            orient="row",
        )


_NO_EVIDENCE = pl.DataFrame(schema={"donor": pl.String, "n_evidence": pl.UInt32, "dataset": pl.Int64})


def _number(pairs: Sequence[PairsOfDatasets], first_row: Mapping[str, int]) -> Copies:
    """Join pairs of rows of all datasets, with the rows counted through."""
    parts: dict[str, list[NDArray[np.int64]]] = {ROW: [], OTHER_ROW: []}
    for pair in pairs:
        parts[ROW].append(pair.rows[ROW].to_numpy() + first_row[pair.left.dataset_id])
        parts[OTHER_ROW].append(pair.rows[OTHER_ROW].to_numpy() + first_row[pair.right.dataset_id])
    left, right = (np.concatenate([np.zeros(0, np.int64), *found]) for found in parts.values())
    is_exact = np.concatenate([np.zeros(0, np.bool_), *(pair.rows[IS_EXACT].to_numpy() for pair in pairs)])
    return Copies.of_pairs(left, right, is_exact)
