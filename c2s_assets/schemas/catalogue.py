"""What the catalogue must look like: its tables, their columns and the types that DuckDB has for them."""

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from c2s_assets.core.cells.curated import CURATED_COLUMNS, CURATED_LABELS
from c2s_assets.core.cells.labels import MEMBER_LISTS
from c2s_assets.core.columns import DATASET_ID
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import CellMetadata, CellSentences, FeatureMetadata, SplitManifest

_TEXT, _WHOLE, _LONG, _REAL, _YES_NO, _TEXTS = "VARCHAR", "INTEGER", "BIGINT", "FLOAT", "BOOLEAN", "VARCHAR[]"

CATALOGUE: Mapping[str, Mapping[str, str]] = {
    "datasets": {
        **dict.fromkeys(("dataset_id", "title", "organism", "collection_id", "publication_doi"), _TEXT),
        **dict.fromkeys(("licence", "citation"), _TEXT),
        **dict.fromkeys(("n_cells", "n_primary_cells", "n_donors", "n_features"), _LONG),
        **dict.fromkeys(("age_min", "age_max"), _REAL),
        **dict.fromkeys(("tissue", "disease", "assay", "sex"), _TEXTS),
        **dict.fromkeys(("layer", "verdict"), _TEXT),
        **dict.fromkeys(("tables", "projections"), _TEXTS),
        **dict.fromkeys(("source_sha256", "dataset_version_id", "source_url", "retrieved_at"), _TEXT),
        "source_size_bytes": _LONG,
        **dict.fromkeys(("is_current", "is_newest"), _YES_NO),
    },
    "listing": {
        **dict.fromkeys(("dataset_id", "dataset_version_id", "collection_id", "collection_name"), _TEXT),
        "title": _TEXT,
        **dict.fromkeys(("cell_count", "primary_cell_count"), _LONG),
        "mean_genes_per_cell": _REAL,
        **dict.fromkeys(("organism", "tissue", "assay", "disease", "sex", "development_stage"), _TEXTS),
        **dict.fromkeys(("cell_type", "self_reported_ethnicity", "suspension_type", "donor_id"), _TEXTS),
        "n_donors": _WHOLE,
        "is_primary_data": "BOOLEAN[]",
        "schema_version": _TEXT,
        **dict.fromkeys(("published_at", "revised_at"), "DATE"),
        **dict.fromkeys(("explorer_url", "h5ad_url"), _TEXT),
        "h5ad_size_bytes": _LONG,
        "doi": _TEXT,
        "n_absent": _WHOLE,
    },
    "collections": {
        **dict.fromkeys(("collection_id", "name", "description", "doi", "journal"), _TEXT),
        "published_year": _WHOLE,
        "is_preprint": _YES_NO,
        "n_datasets": _LONG,
    },
    "publications": {
        **dict.fromkeys(("doi", "title", "journal"), _TEXT),
        "published_year": _WHOLE,
        "is_preprint": _YES_NO,
        "n_datasets": _LONG,
    },
    "cells": {
        **dict.fromkeys(("cell_id", "dataset_id", "donor_id", "donor_uid"), _TEXT),
        "has_known_donor": _YES_NO,
        "organism": _TEXT,
        **dict.fromkeys(("age", "age_low", "age_high"), _REAL),
        **dict.fromkeys(("age_method", "life_stage", *CURATED_LABELS), _TEXT),
        "is_primary_data": _YES_NO,
        **dict.fromkeys(MEMBER_LISTS.values(), _TEXTS),
    },
    "features": {
        **dict.fromkeys(("dataset_id", "feature_id", "symbol", "approved_symbol", "symbol_source"), _TEXT),
        "is_duplicated_symbol": _YES_NO,
        **dict.fromkeys(("feature_kind", "var_name"), _TEXT),
        "n_cells": _LONG,
        "mean": _REAL,
        "is_highly_variable": _YES_NO,
        "feature_biotype": _TEXT,
    },
    "genes": {
        **dict.fromkeys(("feature_id", "symbol"), _TEXT),
        **dict.fromkeys(("n_datasets", "n_datasets_expressed", "n_cells"), _LONG),
    },
    "splits": {
        **dict.fromkeys(("dataset_id", "split_level", "donor_uid", "donor_id", "cell_id", "split"), _TEXT),
        "fold": _WHOLE,
        "age_median": _REAL,
        **dict.fromkeys(("n_cells", "n_non_primary", "n_without_age", "n_eligible"), _LONG),
        "reason": _TEXT,
    },
    "sentences": {
        **dict.fromkeys(("dataset_id", "cell_id", "cell_sentence"), _TEXT),
        **dict.fromkeys(("n_expressed", "sentence_length"), _WHOLE),
    },
    "projections": {
        **dict.fromkeys(("dataset_id", "projection", "cell_id"), _TEXT),
        **dict.fromkeys(("x", "y"), _REAL),
    },
    "checks": {
        **dict.fromkeys(("dataset_id", "asset", "state", "claim", "severity"), _TEXT),
        "holds": _YES_NO,
        "message": _TEXT,
    },
}


def promised_columns() -> dict[str, pa.Schema]:
    """Name the columns that the catalogue shows of each table, whether a source has them or not.

    Its own, which it makes of the paths, are among them: what a file has under such a name is not shown.
    """
    coordinates = [f"{name}{axis}" for name in ("UMAP", "TSNE", "PCA") for axis in (1, 2)]
    tables = {
        "cell_metadata": arrow_schema(
            CellMetadata,
            further=pl.Schema(
                dict.fromkeys(CURATED_COLUMNS, pl.String())
                | dict.fromkeys(MEMBER_LISTS.values(), pl.List(pl.String()))
            ),
        ),
        "feature_metadata": arrow_schema(
            FeatureMetadata,
            further=pl.Schema(
                {
                    "n_cells": pl.Int64(),
                    "mean": pl.Float32(),
                    "is_highly_variable": pl.Boolean(),
                    "feature_biotype": pl.String(),
                }
            ),
        ),
        "split_manifest": arrow_schema(SplitManifest),
        "cell_sentences": arrow_schema(CellSentences),
        "projections": pa.schema(
            dict.fromkeys(("cell_id", "projection"), pa.string()) | dict.fromkeys(coordinates, pa.float32())
        ),
    }
    return {name: _with_dataset_id(schema) for name, schema in tables.items()}


def _with_dataset_id(schema: pa.Schema) -> pa.Schema:
    return schema if DATASET_ID in schema.names else schema.append(pa.field(DATASET_ID, pa.string()))
