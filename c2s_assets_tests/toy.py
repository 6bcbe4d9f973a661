"""Small, seeded h5ad files and lakes: the one place that builds data for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import anndata as ad
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from c2s_assets.core.cells.provenance import Publication
from c2s_assets.core.splits.manifest import split_donors
from c2s_assets.core.splits.records import join_records
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.schemas.tables import (
    CellMetadata,
    CellSentences,
    FeatureMetadata,
    SplitManifest,
    Table,
    TrainTest,
)
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.parquet import write_blocks, write_sides

Matrices = Literal["raw.X", "layers/counts", "counts in X", "normalised X", "scaled X"]
Encoding = Literal["csr", "csc", "dense"]

AGES = (20, 35, 50, 65)
# A folder's name: a partition of Hive, patterns of Polars and DuckDB, an escape of addresses, quotes.
NASTY = 'tissue=lung [a]%20?*\' "é"'
# Axes of the embeddings that are computed where a file has none: that takes a new process two seconds longer,
# most of them for imports.
EMBEDDINGS = {"X_pca": 5, "X_tsne": 2}
_CELL_TYPES = {"B cell": "CL:0000236", "T cell": "CL:0000084", "macrophage": "CL:0000235"}
_NO_VALUES: Mapping[str, Any] = {}


def write_toy_h5ad(
    path: Path,
    *,
    n_obs: int = 60,
    n_vars: int = 40,
    n_donors: int = 4,
    ages: Sequence[int | None] = AGES,
    matrices: Matrices = "raw.X",
    encoding: Encoding = "csr",
    dtype: str = "float32",
    compression: Literal["gzip", "lzf"] | None = "gzip",
    obs: Mapping[str, Any] = _NO_VALUES,
    var: Mapping[str, Any] = _NO_VALUES,
    uns: Mapping[str, Any] = _NO_VALUES,
    n_axes: Mapping[str, int] = _NO_VALUES,
    obsm: Mapping[str, Any] = _NO_VALUES,
    seed: int = 0,
) -> Path:
    """Write an h5ad as CELLxGENE would; the seed and the sizes alone decide the counts in it.

    Cells are ``cell_0000`` on and belong to ``donor_0`` to ``donor_3`` in turn; every cell expresses a gene.
    Features are ``ENSG00000000001`` on, with the symbols ``GENE1`` on.

    Parameters
    ----------
    n_donors
        0 leaves the column `donor_id` out.
    ages
        Years of donor 0, 1, ... (of cell 0, 1, ... without donors), over again from the first where there are
        more; None is a stage ``unknown``. Empty leaves the columns `development_stage*` out.
    matrices
        Where the counts are: in `raw.X` or `layers/counts` beside a normalised X, or in X alone; or only
        their logarithm in X, which may also be scaled to mean 0.
    encoding, dtype
        Of the counts, and of an X that stands alone.
    obs, var, uns
        Further columns or keys, or other values of those that are there; a value None leaves one out.
    n_axes
        Of further embeddings in `obsm`, beside `X_umap`, by name.
    obsm
        Further arrays of it, as they are.
    """
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.lognormal(0, 1, n_vars), (n_obs, n_vars)) * (rng.random((n_obs, n_vars)) < 0.4)
    counts[np.arange(n_obs), np.arange(n_obs) % n_vars] += 1
    adata = ad.AnnData(
        obs=_without_none({**_describe_cells(n_obs, n_donors=n_donors, ages=ages), **obs}, _cell_ids(n_obs)),
        var=_without_none({**_describe_features(n_vars), **var}, _feature_ids(n_vars)),
        uns={name: value for name, value in {**_UNS, **uns}.items() if value is not None},
        obsm={"X_umap": rng.normal(size=(n_obs, 2)).astype(np.float32)},
    )
    for name, n in n_axes.items():
        adata.obsm[name] = rng.normal(size=(n_obs, n)).astype(np.float32)
    for name, values in obsm.items():
        adata.obsm[name] = values
    _place(adata, counts, matrices=matrices, encoding=encoding, dtype=dtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    adata.write_h5ad(path, compression=compression)
    return path


def make_lake(folder: Path, *dataset_ids: str) -> Layout:
    """Make an empty lake below a test's folder, with a toy h5ad waiting in the inbox for each id."""
    layout = Layout(folder / "lake")
    layout.inbox.mkdir(parents=True)
    for dataset_id in dataset_ids:
        drop_toy_h5ad(layout, dataset_id)
    return layout


def drop_toy_h5ad(layout: Layout, dataset_id: str, **options: Any) -> Path:
    """Put a toy h5ad into the inbox; options are those of `write_toy_h5ad`."""
    return write_toy_h5ad(layout.inbox_h5ad(dataset_id), **options)


_UNS = {
    "schema_version": "7.0.0",
    "title": "Toy dataset",
    "citation": (
        "Publication: https://doi.org/10.1000/toy.1 Dataset Version: https://datasets.example.org/toy.h5ad "
        "curated and distributed by CZ CELLxGENE Discover in Collection: "
        "https://cellxgene.cziscience.com/collections/00000000-0000-4000-8000-000000000000"
    ),
    "organism": "Homo sapiens",
    "organism_ontology_term_id": "NCBITaxon:9606",
}


def _cell_ids(n_obs: int) -> list[str]:
    return [f"cell_{row:04d}" for row in range(n_obs)]


def _feature_ids(n_vars: int) -> list[str]:
    return [f"ENSG{number:011d}" for number in range(1, n_vars + 1)]


def _describe_cells(n_obs: int, *, n_donors: int, ages: Sequence[int | None]) -> dict[str, Any]:
    cells = np.arange(n_obs)
    donors = cells % n_donors if n_donors else cells
    types = list(_CELL_TYPES)
    columns: dict[str, Any] = {
        "cell_type": [types[cell // 2 % len(types)] for cell in cells],
        "cell_type_ontology_term_id": [_CELL_TYPES[types[cell // 2 % len(types)]] for cell in cells],
        "tissue": "blood",
        "assay": "10x 3' v3",
        "disease": "normal",
        "sex": np.where(donors % 2, "male", "female"),
        "suspension_type": "cell",
        "is_primary_data": True,
    }
    if n_donors:
        columns["donor_id"] = [f"donor_{donor}" for donor in donors]
    if ages:
        years = [ages[donor % len(ages)] for donor in donors]
        columns["development_stage"] = [_stage(age) for age in years]
        columns["development_stage_ontology_term_id"] = [_stage_id(age) for age in years]
    return columns


def _stage(age: int | None) -> str:
    return "unknown" if age is None else f"{age}-year-old stage"


def _stage_id(age: int | None) -> str:
    # In HsapDv the stages of 15 to 79 years are numbered on end, from HsapDv:0000109.
    return f"HsapDv:{age + 94:07d}" if age is not None and 15 <= age <= 79 else "unknown"


def _describe_features(n_vars: int) -> dict[str, Any]:
    return {
        "feature_name": [f"GENE{number}" for number in range(1, n_vars + 1)],
        "feature_biotype": "gene",
        "feature_reference": "NCBITaxon:9606",
    }


def _without_none(columns: Mapping[str, Any], ids: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({name: value for name, value in columns.items() if value is not None}, index=ids)


def _place(
    adata: ad.AnnData, counts: NDArray[np.int64], *, matrices: Matrices, encoding: Encoding, dtype: str
) -> None:
    stored = _encode(counts.astype(dtype), encoding)
    logarithm = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 10_000)
    match matrices:
        case "counts in X":
            adata.X = stored
        case "normalised X":
            adata.X = _encode(logarithm.astype(dtype), encoding)
        case "scaled X":
            adata.X = _encode((logarithm - logarithm.mean(axis=0)).astype(dtype), encoding)
        case "layers/counts":
            adata.X = csr_matrix(logarithm.astype(np.float32))
            adata.layers["counts"] = stored
        case "raw.X":
            adata.X = csr_matrix(logarithm.astype(np.float32))
            adata.raw = ad.AnnData(X=stored, obs=adata.obs[[]], var=adata.var)


def _encode(matrix: NDArray[Any], encoding: Encoding) -> Any:
    return {"csr": csr_matrix, "csc": csc_matrix, "dense": np.asarray}[encoding](matrix)


def put_toy_tables(
    layout: Layout,
    dataset_id: str,
    *,
    cells: pl.DataFrame,
    features: pl.DataFrame | None = None,
    test_donors: Sequence[str] | None = None,
    n_parts: int = 1,
    version: str = "a",
) -> None:
    """Commit tables of a dataset as a build would, without a source file: quick, and with values of choice.

    Parameters
    ----------
    cells
        `donor_id`, and any further columns of `cell_metadata`; what it promises besides is filled in.
    features
        `feature_id`, and any further columns of `feature_metadata`; without them there is no such table.
    test_donors
        Ids of the donors whose side is test, all others are in train; without them nothing is split.
    n_parts
        Parts of `cell_sentences`, of which each holds all cells; 0 leaves the table out.
    version
        One hexadecimal digit: the digest of the source that the tables claim to be made of.
    """
    says = {"dataset_id": dataset_id, "source_sha256": version * 64}
    ids = pl.Series("cell_id", _cell_ids(cells.height))
    cells = pl.DataFrame([ids, *cells])
    sentences = cells.select(
        "cell_id",
        cell_sentence=pl.lit("GENE1"),
        n_expressed=1,
        sentence_length=1,
        n_above_ties=1,
        tie_share=pl.lit(0, pl.Float32),
    )
    with stage(layout, dataset_id) as staged:
        targets = [layout.table("cell_metadata", dataset_id)]
        _write(staged.path(targets[0]), _filled_in(cells, dataset_id), CellMetadata, says)
        if features is not None:
            targets.append(layout.table("feature_metadata", dataset_id))
            _write(staged.path(targets[-1]), _filled_in(features, dataset_id), FeatureMetadata, says)
        if test_donors is not None:
            manifest = _split(_filled_in(cells, dataset_id), test_donors)
            targets.append(layout.table("split_manifest", dataset_id))
            _write(staged.path(targets[-1]), manifest, SplitManifest, says)
            sides = {path.name: path for path in layout.places("train_test", dataset_id)}
            targets += sides.values()
            records = join_records(
                _filled_in(cells, dataset_id), sentences, manifest, publication=Publication()
            )
            written = {side: staged.path(path) for side, path in sides.items()}
            write_sides(written, [records], model=TrainTest, footer=says)
        if n_parts:
            targets.append(layout.parts("cell_sentences", dataset_id))
            for part in range(n_parts):
                path = staged.path(targets[-1]) / f"part-{part:05d}.parquet"
                _write(path, sentences, CellSentences, says)
        staged.commit(*targets)


def _split(cells: pl.DataFrame, test_donors: Sequence[str]) -> pl.DataFrame:
    in_test = pl.col("donor_id").is_in(test_donors).fill_null(value=False)
    side = pl.when(in_test).then(pl.lit("test")).otherwise(pl.lit("train"))
    return split_donors(cells, spec=SplitSpec()).with_columns(split=side)


def _filled_in(rows: pl.DataFrame, dataset_id: str) -> pl.DataFrame:
    constants = {
        "dataset_id": pl.lit(dataset_id),
        "donor_uid": pl.format("{}/{}", pl.lit(dataset_id), "donor_id"),
        "has_known_donor": pl.Series([_is_known(donor) for donor in rows.get_column("donor_id", default=[])]),
        "organism": pl.lit("Homo sapiens"),
        **{name: pl.lit(None, pl.Float32) for name in ("age", "age_low", "age_high")},
        "age_method": pl.lit("unknown"),
        "life_stage": pl.lit("unknown"),
        "is_primary_data": pl.Series([None] * rows.height, dtype=pl.Boolean),
        **{name: pl.lit(None, pl.String) for name in ("symbol", "approved_symbol", "symbol_source")},
        "is_duplicated_symbol": pl.lit(False),
        "feature_kind": pl.lit("gene"),
        "var_name": pl.col("feature_id"),
        "n_cells": pl.lit(0, pl.Int64),
        "mean": pl.lit(0, pl.Float32),
        "is_highly_variable": pl.lit(None, pl.Boolean),
    }
    if "feature_id" in rows.columns:
        wanted = set(FeatureMetadata.to_schema().columns)
    else:
        wanted = set(CellMetadata.to_schema().columns)
    missing = wanted - set(rows.columns)
    return rows.with_columns(**{name: value for name, value in constants.items() if name in missing})


def _is_known(donor: str | None) -> bool:
    return donor is not None and donor.lower() not in {"unknown", "pooled"}


def _write(path: Path, rows: pl.DataFrame, model: Table, says: Mapping[str, object]) -> None:
    write_blocks(path, [rows], model=model, footer=says)
