"""Writes expression for annbatch: a collection of shuffled, sharded zarr stores for each side."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd
import polars as pl
import pyarrow as pa
import zarr
from anndata.experimental import write_dispatched
from scipy.sparse import csr_matrix
from zarr.codecs import BloscCodec

from c2s_assets.core.cells.curated import CURATED_LABELS
from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    DATASET_ID,
    DONOR_UID,
    FEATURE_ID,
    FOLD,
    ORGANISM,
    SPLIT,
    SYMBOL,
)
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.storage.batches.iterating import Batch
from c2s_assets.storage.batches.opening import batches
from c2s_assets.storage.choosing import choose_datasets
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.reading import open_lake
from c2s_assets.storage.replacing import refuse_taken, taking_the_place_of
from c2s_assets.storage.tables.scanning import scan_files

# By which annbatch 0.3 knows a collection that is shuffled already, and how it calls its stores.
_COLLECTION = {"encoding-type": "annbatch-preshuffled", "encoding-version": "0.1.0"}
_STORE = "dataset_{}"
_OBS = (DATASET_ID, CELL_ID, DONOR_UID, FOLD, AGE, ORGANISM, *CURATED_LABELS)

# Memory holds a store as it is written, 190 MB at 1,400 values a cell, beside the windows of `batches`.
_CELLS_PER_STORE = 16_384
# What annbatch's own writer has; a chunk is what is read at least.
_CELLS_PER_CHUNK = 64
# The first two are as here since anndata 0.13, which warns of who asks for them or has them no more.
_WRITING = {
    "zarr_write_format": 3,
    "auto_shard_zarr_v3": True,
    "write_csr_csc_indices_with_min_possible_dtype": True,
}
_COMPRESSOR = BloscCodec(cname="lz4", clevel=3, shuffle="shuffle")


def export_annbatch(
    layout: Layout, folder: Path, *, datasets: Sequence[str] | None = None, seed: int = 0
) -> dict[str, int]:
    """Write the expression of some or all datasets into a folder, a collection ``<side>.zarr`` for each side.

    Cells are shuffled over all datasets, genes aligned as in `batches`. The same tables give the same values
    in the same order. The folder appears whole or not at all.

    Returns
    -------
    Cells of each side that has any.

    Raises
    ------
    LakeError
        If the folder holds anything, or cannot be written.
    UnknownNameError
        If the lake has no such dataset.
    MissingInputError
        If a dataset is missing or outdated, or is built anew meanwhile.
    """
    refuse_taken(folder)
    lake = open_lake(layout.root)
    ids = choose_datasets(layout, datasets)
    sizes = dict(lake.training(datasets=ids).group_by(SPLIT).len().collect().rows())
    features = pl.concat(
        scan_files(files).select(FEATURE_ID, SYMBOL).collect()
        for files in lake.files("feature_metadata", ids).values()
    )
    with taking_the_place_of(folder) as written:
        for side in (side for side in SIDES if side in sizes):
            drawn = batches(
                ids, side=side, columns=_OBS, batch_size=_CELLS_PER_STORE, seed=seed, lake=layout.root
            )
            var = _describe(drawn.genes, features)
            collection = zarr.open_group(written / f"{side}.zarr", mode="w", zarr_format=3)
            for number, batch in enumerate(drawn):
                _write_store(collection, _STORE.format(number), batch, var)
            collection.update_attributes(_COLLECTION)
    return {side: sizes[side] for side in SIDES if side in sizes}


def _describe(genes: Sequence[str], features: pl.DataFrame) -> pd.DataFrame:
    """Give each gene the symbol that the first dataset has for it."""
    symbols = dict(reversed(features.drop_nulls().rows()))
    return pd.DataFrame({SYMBOL: [symbols.get(gene, "") for gene in genes]}, index=list(genes))


def _write_store(collection: zarr.Group, name: str, batch: Batch, var: pd.DataFrame) -> None:
    adata = ad.AnnData(X=csr_matrix(batch.x), obs=_obs_of(batch.cells), var=var)
    n_in_chunk = max(1, _CELLS_PER_CHUNK * adata.X.nnz // adata.n_obs)
    # A shard holds whole chunks, here all of them.
    sharding = {
        "chunks": (n_in_chunk,),
        "shards": (-(-adata.X.nnz // n_in_chunk) * n_in_chunk,),
        "compressors": (_COMPRESSOR,),
    }

    def write(
        function: Any,
        store: zarr.Group,
        key: str,
        element: Any,
        dataset_kwargs: Mapping[str, Any],
        *,
        iospec: Any,
    ) -> None:
        is_matrix = iospec.encoding_type == "csr_matrix"
        function(store, key, element, dataset_kwargs={**dataset_kwargs, **(sharding if is_matrix else {})})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        known = {name: value for name, value in _WRITING.items() if hasattr(ad.settings, name)}
        with ad.settings.override(**known):
            write_dispatched(collection, name, adata, callback=write)


def _obs_of(cells: pa.RecordBatch) -> pd.DataFrame:
    """Name each cell so that no two datasets have the same; an id alone need not be unique."""
    obs = cells.to_pandas()
    names = obs[DATASET_ID].astype(str) + "/" + obs[CELL_ID].astype(str)
    return obs.set_index(pd.Index(names.to_numpy(), name="cell"))
