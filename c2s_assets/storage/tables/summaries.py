"""Figures of features that a pass for another table has made, until `feature_metadata` takes them.

Reading a matrix is most of what either costs.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.genes.features import IS_HIGHLY_VARIABLE, MEAN, N_CELLS
from c2s_assets.schemas.registry import FEATURES, TABLES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.tables.parquet import read_footer, read_table, with_metadata, write_table

if TYPE_CHECKING:  # numba takes half a second to import
    from c2s_assets.core.expression.variability import FeatureSummary, FeatureTally


def tally_of_all_cells(dataset: Dataset) -> "FeatureTally | None":
    """Begin with the figures; None if only some cells, not known yet, decide what is variable."""
    from c2s_assets.core.expression.variability import FeatureTally  # noqa: PLC0415

    profile = dataset.profile
    if dataset.settings.projections.fit_scope != "all":
        return None
    every_cell = np.ones(profile.n_obs, np.bool_)
    return FeatureTally(kind=profile.verdict.kind, n_vars=profile.n_vars, is_fitted=every_cell)


def keep_summary(dataset: Dataset, summary: "FeatureSummary") -> None:
    """Keep figures for `summarise`."""
    path = dataset.layout.feature_summary(dataset.dataset_id)
    partial = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = pl.DataFrame(
        {
            N_CELLS: summary.n_cells,
            MEAN: summary.mean,
            IS_HIGHLY_VARIABLE: _flags(summary.is_highly_variable, summary.n_cells.size),
        }
    )
    write_table(partial, rows, schema=with_metadata(rows.to_arrow().schema, _made_from(dataset)))
    partial.replace(path)


def summarise(
    dataset: Dataset, blocks: Iterable[tuple[int, csr_array]], *, is_fitted: NDArray[np.bool_]
) -> "FeatureSummary":
    """Take the figures that are kept or, if they are not of the present matrix and these cells, make them.

    Parameters
    ----------
    blocks, is_fitted
        See `summarise_features`; blocks are only read if they have to be.
    """
    from c2s_assets.core.expression.variability import summarise_features  # noqa: PLC0415

    kept = _take(dataset) if is_fitted.all() else None
    profile = dataset.profile
    return kept or summarise_features(
        blocks, kind=profile.verdict.kind, n_vars=profile.n_vars, is_fitted=is_fitted
    )


def _take(dataset: Dataset) -> "FeatureSummary | None":
    from c2s_assets.core.expression.variability import FeatureSummary  # noqa: PLC0415

    path = dataset.layout.feature_summary(dataset.dataset_id)
    if not path.exists():
        return None
    is_present = read_footer(path) == _made_from(dataset)
    rows = read_table(path)
    path.unlink(missing_ok=True)
    if not is_present:
        return None
    flags = rows[IS_HIGHLY_VARIABLE]
    return FeatureSummary(
        n_cells=rows[N_CELLS].to_numpy(),
        mean=rows[MEAN].to_numpy(),
        is_highly_variable=None if flags.null_count() else flags.to_numpy(),
    )


def _made_from(dataset: Dataset) -> dict[str, object]:
    return {
        "source_sha256": dataset.profile.source_sha256,
        "layer": dataset.profile.layer,
        "code_version": TABLES[FEATURES].code_version,
    }


def _flags(flags: NDArray[np.bool_] | None, n_vars: int) -> pl.Series:
    return pl.Series([None] * n_vars, dtype=pl.Boolean) if flags is None else pl.Series(flags)
