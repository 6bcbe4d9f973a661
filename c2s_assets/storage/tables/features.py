"""What `feature_metadata` is made of: var as the source has it, and the cells that decide."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.expression.sampling import in_train
from c2s_assets.core.genes.joining import add_missing_columns
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.core.unreadable import OF_FEATURES, refuse_unreadable
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.registry import CELLS, MANIFEST
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.source import H5ad


def read_var(h5ad: H5ad, *, profile: DatasetProfile, entry: DatasetEntry) -> tuple[pl.Series, pl.DataFrame]:
    """Read the names and columns of the features of the chosen matrix.

    Raises
    ------
    SourceError
        If a column that the dataset's entry names cannot be read.
    """
    var_names, var = h5ad.var.index(), _read_columns(h5ad.var)
    if profile.layer == "raw.X" and h5ad.raw_var is not None:
        raw_names = h5ad.raw_var.index()
        var = add_missing_columns(raw_names, _read_columns(h5ad.raw_var), var_names, var)
        var_names = raw_names
    not_read = {
        column.name: column.not_read
        for column in (*profile.raw_var_columns, *profile.var_columns)
        if column.not_read is not None and column.name not in var.columns
    }
    refuse_unreadable(entry, not_read, keys=OF_FEATURES)
    return var_names, var


def fitted_cells(dataset: Dataset) -> NDArray[np.bool_]:
    """Find the cells that decide what is highly variable and what the components are, ``(n_obs,)``."""
    donors = dataset.read(CELLS, columns=[DONOR_UID])[DONOR_UID]
    if dataset.settings.projections.fit_scope == "all":
        return np.ones(len(donors), np.bool_)
    return in_train(donors, dataset.read(MANIFEST, columns=[SPLIT_LEVEL, DONOR_UID, SPLIT]))


def _read_columns(frame: Frame) -> pl.DataFrame:
    return pl.DataFrame([values for _, values in frame.read_each() if values is not None])
