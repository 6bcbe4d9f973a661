"""Divides the tissue of a dataset into sides, where donors cannot be."""

import polars as pl

from c2s_assets.core.spatial.dividing import Division, divide_tissue
from c2s_assets.core.splits.tissue import can_be_divided
from c2s_assets.schemas.registry import CELLS
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.spatial.sample import read_sample, require_column
from c2s_assets.storage.tables.parquet import table_schema


def read_division(dataset: Dataset, manifest: pl.DataFrame) -> Division | None:
    """Divide a dataset whose cells have places and whose donors leave nothing to test on; None for others.

    Parameters
    ----------
    manifest
        By donors, from `split_dataset`.

    Raises
    ------
    MissingColumnError
        If obs has no such column of pieces as the dataset's entry names.
    """
    spatial = dataset.entry.spatial
    if spatial is None or not can_be_divided(manifest):
        return None
    known = table_schema(dataset.path(CELLS)).names
    require_column(known, spatial.tissue_block_column, setting="tissue_block_column")
    with dataset.open_h5ad() as h5ad:
        sample = read_sample(h5ad, dataset)
    pieces = None
    if spatial.tissue_block_column is not None:
        column = dataset.read(CELLS, columns=[spatial.tissue_block_column]).to_series()
        pieces = column.gather(sample.cells).cast(pl.String)
    return divide_tissue(
        sample, spec=dataset.settings.split, pieces=pieces, has_image=spatial.image is not None
    )
