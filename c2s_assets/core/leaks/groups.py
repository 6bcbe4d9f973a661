"""Copies joined into groups: all rows, of whatever dataset, that are one cell."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from c2s_assets.core.leaks.columns import HAS_PRIMARY, IS_EXACT, N_DATASETS


@dataclass(frozen=True)
class Copies:
    """All cells that have copies, and which of them are.

    Attributes
    ----------
    cells
        The number of each such cell, ascending, ``(n_copied,)``: its row, counted through all datasets.
    left, right
        The two cells of each pair, by their places in `cells`.
    pair_is_exact
        Whether the two have the same counts of the same genes.
    """

    cells: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    pair_is_exact: NDArray[np.bool_]

    @classmethod
    def of_pairs(
        cls, left: NDArray[np.int64], right: NDArray[np.int64], pair_is_exact: NDArray[np.bool_]
    ) -> "Copies":
        """Collect the cells of pairs, which are given by the numbers of both."""
        cells = np.unique(np.concatenate([left, right]))
        return cls(cells, np.searchsorted(cells, left), np.searchsorted(cells, right), pair_is_exact)

    def describe(
        self, *, dataset: NDArray[np.int64], exact_1: NDArray[np.int64], is_primary: NDArray[np.bool_]
    ) -> pl.DataFrame:
        """Tell of each cell which group it is in, and what is known of that group.

        Parameters
        ----------
        dataset
            The place of each cell's dataset, ``(n_copied,)``.
        exact_1
            First half of its hash. A group is named by the least of them, without its sign: the name stays
            the same whatever else the lake holds.
        is_primary
            Whether it is the canonical copy.

        Returns
        -------
        `copy_group`, `n_datasets`, `has_primary` and `is_exact`, a row per cell in their order.
        """
        component = self._components()
        is_exact = np.zeros(self.cells.size, np.bool_)
        is_exact[self.left[self.pair_is_exact]] = is_exact[self.right[self.pair_is_exact]] = True
        of_cells = pl.DataFrame(
            {
                "component": component,
                "dataset": dataset,
                "name": exact_1 & np.iinfo(np.int64).max,
                "is_primary": is_primary,
                IS_EXACT: is_exact,
            }
        )
        return of_cells.select(
            copy_group=pl.col("name").min().over("component"),
            **{
                N_DATASETS: pl.col("dataset").n_unique().over("component").cast(pl.Int32),
                HAS_PRIMARY: pl.col("is_primary").any().over("component"),
                IS_EXACT: pl.col(IS_EXACT),
            },
        )

    def _components(self) -> NDArray[np.int32]:
        n_cells = self.cells.size
        linked = coo_array((np.ones(self.left.size, np.int8), (self.left, self.right)), (n_cells, n_cells))
        component: NDArray[np.int32] = connected_components(linked, directed=False)[1]
        return component
