"""What the catalogue must look like: its tables, and its views over tables of all datasets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import pandera.polars as pr
import polars as pl
import pyarrow as pa

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.schemas.columns import DeclaredColumn, column, declared_columns
from c2s_assets.schemas.discover import Collections, Listing
from c2s_assets.schemas.health import Health
from c2s_assets.schemas.leaks import CellCopies, DonorAliases, LeakInflation, Leaks
from c2s_assets.schemas.registry import COPIES, HEALTH, shown
from c2s_assets.schemas.tables import CellMetadata, FeatureMetadata, SplitPlan, Table, TrainTest

_NO_COLUMN = "where the source has no such column"
_UNKNOWN = "if unknown"
_OF_NO_LISTING = "where the listing does not have it"
_DUCKDB_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}
# The coordinates that every dataset has, one way or another.
_COORDINATES = [f"{name}{axis}" for name in ("UMAP", "TSNE", "PCA") for axis in (1, 2)]


class Cells(CellMetadata):
    """One row per cell. Own columns of single datasets are in files.cell_metadata."""

    cell_type: str = column("Cell type.", null=_NO_COLUMN)
    cell_type_ontology_term_id: str = column("Its term in the Cell Ontology.", null=_NO_COLUMN)
    tissue: str = column("Tissue.", null=_NO_COLUMN)
    tissue_ontology_term_id: str = column("Its term in Uberon, or of a cell culture.", null=_NO_COLUMN)
    tissue_type: str = column("tissue, organoid, cell culture ...", null=_NO_COLUMN)
    assay: str = column("Assay.", null=_NO_COLUMN)
    assay_ontology_term_id: str = column("Its term in the Experimental Factor Ontology.", null=_NO_COLUMN)
    disease: str = column("Disease; normal if there is none.", null=_NO_COLUMN)
    disease_ontology_term_id: str = column("Its term in MONDO.", null=_NO_COLUMN)
    sex: str = column("Sex.", null=_NO_COLUMN)
    self_reported_ethnicity: str = column("Ethnicity as the donor states it.", null=_NO_COLUMN)
    self_reported_ethnicity_ontology_term_id: str = column("Its term in HANCESTRO or AfPO.", null=_NO_COLUMN)
    development_stage: str = column("Stage of development.", null=_NO_COLUMN)
    development_stage_ontology_term_id: str = column("Its term in HsapDv, MmusDv ...", null=_NO_COLUMN)
    suspension_type: str = column("cell, nucleus or na.", null=_NO_COLUMN)
    disease_list: pl.List = column(
        "Diseases, each by itself, where the source joins several by ||.", null=_UNKNOWN, items=pl.String()
    )
    disease_ontology_term_id_list: pl.List = column("Their terms in MONDO.", null=_UNKNOWN, items=pl.String())
    self_reported_ethnicity_list: pl.List = column(
        "Ethnicities, each by itself.", null=_UNKNOWN, items=pl.String()
    )
    self_reported_ethnicity_ontology_term_id_list: pl.List = column(
        "Their terms in HANCESTRO or AfPO.", null=_UNKNOWN, items=pl.String()
    )


class Features(FeatureMetadata):
    """One row per feature of each dataset. Own columns of single datasets are in files.feature_metadata."""

    feature_biotype: str = column("gene or spike-in.", null=_NO_COLUMN)


class Training(TrainTest, Cells):
    """One row per cell that is to be trained or tested on. Own columns of datasets: files.train_test."""

    class Config:
        """Of the tables of datasets, which have columns of their own beside these."""

        strict = False


class Projections(pr.DataFrameModel):
    """One row per cell and projection; coordinates but of UMAP, t-SNE and PCA are in files.projections."""

    projection: str = column("Name of the projection, such as X_umap.")
    cell_id: str = column("Cell, as in cells.")
    x: pl.Float32 = column("First coordinate.", null="unless it is UMAP, t-SNE or PCA")
    y: pl.Float32 = column("Second coordinate.", null="unless it is UMAP, t-SNE or PCA")


class Datasets(pr.DataFrameModel):
    """One row per dataset whose cells can be read."""

    dataset_id: str = column("Key of the dataset in this lake.", unique=True)
    title: str = column(
        "Title, as the file's owner, the listing of Discover or the file states it.", null=_UNKNOWN
    )
    organism: str = column("Species; the most frequent one where cells differ.", null=_UNKNOWN)
    collection_id: str = column("Collection of CELLxGENE Discover.", null="if it is in none")
    publication_doi: str = column("DOI of the publication.", null=_UNKNOWN)
    licence: str = column("Licence of the data.", null=_UNKNOWN)
    citation: str = column("How to cite the data.", null=_UNKNOWN)
    n_cells: pl.Int64 = column("Cells.")
    n_primary_cells: pl.Int64 = column("Cells that are the canonical copy.")
    n_donors: pl.Int64 = column("Donors that can be told apart.")
    n_features: pl.Int64 = column("Features of the chosen matrix.", null="without feature_metadata")
    age_min: pl.Float32 = column("Lowest age of a cell.", unit="years", null="if none has an age")
    age_max: pl.Float32 = column("Highest age of a cell.", unit="years", null="if none has an age")
    tissue: pl.List = column("Tissues of its cells.", items=pl.String())
    disease: pl.List = column("Diseases of its cells; normal is one.", items=pl.String())
    assay: pl.List = column("Assays of its cells.", items=pl.String())
    sex: pl.List = column("Sexes of its cells.", items=pl.String())
    layer: str = column("The matrix that is ranked.", null=_UNKNOWN)
    verdict: str = column(
        "What its values are: counts, normalised, scaled or unknown.", null="without a profile"
    )
    tables: pl.List = column("Tables that were made from this version of the source.", items=pl.String())
    projections: pl.List = column("Projections it has, by name.", items=pl.String())
    source_sha256: str = column("Digest of the source file that the tables were made from.")
    dataset_version_id: str = column(
        "Version of a dataset of CELLxGENE Discover.", null="if it is not from there"
    )
    source_url: str = column("Address that the source file was downloaded from.", null="if it was not")
    retrieved_at: str = column("When the source file was copied or downloaded, ISO 8601 UTC.", null=_UNKNOWN)
    source_size_bytes: pl.Int64 = column("Size of the source file.", null=_UNKNOWN)
    is_current: bool = column("Whether the tables were made from the source file as it is now.")
    outdated: pl.List = column(
        "Which of its tables source file, datasets.yaml and code want otherwise now, and why; all are shown.",
        items=pl.String(),
    )
    is_newest: bool = column(
        "Whether they are of the version that CELLxGENE Discover lists.", null="if either is not known"
    )


class KnownCollections(Collections):
    """One row per collection of CELLxGENE Discover that the lake or the listing names."""

    authors: pl.List = column(
        "Authors as Family, Given, in their order.", null=_OF_NO_LISTING, items=pl.String()
    )
    consortia: pl.List = column("Consortia.", null=_OF_NO_LISTING, items=pl.String())
    n_datasets: pl.Int64 = column("Its datasets in this lake.")


class Publications(pr.DataFrameModel):
    """One row per publication that the lake or the listing names."""

    doi: str = column("DOI.", unique=True)
    title: str = column("Title of its collection, else of the first of its datasets.", null=_UNKNOWN)
    journal: str = column("Where it was published.", null=_UNKNOWN)
    published_year: pl.Int32 = column("When it was published.", null=_UNKNOWN)
    is_preprint: bool = column("Whether that is a preprint.", null=_UNKNOWN)
    n_datasets: pl.Int64 = column("Its datasets in this lake.")


class Genes(pr.DataFrameModel):
    """One row per feature id of a gene in any dataset; what else was counted is in features."""

    feature_id: str = column("Ensembl id without version, else the var index.", unique=True)
    symbol: str = column("Gene symbol that most datasets give it.", null="if none does")
    n_datasets: pl.Int64 = column("Datasets that have it.")
    n_datasets_expressed: pl.Int64 = column(
        "Datasets with a cell that expresses it.", null="if that was not counted in any"
    )
    n_cells: pl.Int64 = column(
        "Cells that express it, in all datasets; copies of a cell are counted each.",
        null="if they were not counted in any",
    )


class Checks(pr.DataFrameModel):
    """One row per check of each dataset, as its validation report has it."""

    dataset_id: str = column("Key of the dataset in this lake.")
    asset: str = column("Table that the check is about.")
    state: str = column("How that table stands: built, refused, outdated, not checked or not built.")
    claim: str = column("What is claimed.")
    severity: str = column("ERROR keeps the table from being published, WARN does not.")
    holds: bool = column("Whether it is true.", null="if there is no result of the present source file")
    message: str = column("What was found and, if the claim does not hold, what to do.")

    class Config:
        """Asset and claim name a check of a dataset."""

        unique: ClassVar = ["dataset_id", "asset", "claim"]


@dataclass(frozen=True)
class CatalogueTable:
    """A table or view of the catalogue.

    Attributes
    ----------
    shows
        The table of datasets, or the report on them, that a view shows; None for a table, whose rows the
        catalogue holds itself.
    """

    name: str
    model: Table
    shows: str | None = None

    @cached_property
    def columns(self) -> list[DeclaredColumn]:
        """Its columns in their order; a view begins with the dataset, unless the table says it itself."""
        columns = declared_columns(self.model)
        if self.shows is not None and DATASET_ID not in columns:
            columns = {DATASET_ID: declared_columns(CellMetadata)[DATASET_ID], **columns}
        return list(columns.values())

    @property
    def types(self) -> dict[str, str]:
        """The type that DuckDB has for each column."""
        return {column.name: duckdb_type(column.type) for column in self.columns}

    @property
    def schema(self) -> pa.Schema:
        """The same for Arrow; nothing has to be there."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    @property
    def key(self) -> list[str]:
        """What no two rows have in common."""
        unique = self.model.to_schema().unique
        return list(unique) if unique else [column.name for column in self.columns if column.is_key]

    @property
    def description(self) -> str:
        """What a row is."""
        return " ".join((self.model.__doc__ or "").split())


# What a view shows beside, or instead of, the columns of its table.
_OF_VIEWS: Mapping[str, Table] = {
    "cells": Cells,
    "features": Features,
    "training": Training,
    "projections": Projections,
}
_TABLES: Mapping[str, Table] = {
    "listing": Listing,
    "datasets": Datasets,
    "collections": KnownCollections,
    "publications": Publications,
    "genes": Genes,
    "checks": Checks,
    "donor_aliases": DonorAliases,
    "split_plan": SplitPlan,
    "leaks": Leaks,
    "leak_inflation": LeakInflation,
}
# In the order in which they are filled: the later ones are made of the earlier, and of the views.
CATALOGUE: Mapping[str, CatalogueTable] = {
    **{
        view: CatalogueTable(view, _OF_VIEWS.get(view) or declared.model, shows=declared.name)
        for declared in shown()
        if (view := declared.view) is not None
    },
    COPIES: CatalogueTable(COPIES, CellCopies, shows=COPIES),
    "health": CatalogueTable("health", Health, shows=HEALTH),
    **{name: CatalogueTable(name, model) for name, model in _TABLES.items()},
}


def duckdb_type(of: pa.DataType) -> str:
    """Name the type of DuckDB that holds what a column of ours does."""
    return f"{duckdb_type(of.value_type)}[]" if pa.types.is_list(of) else _DUCKDB_TYPES[of]


def promised_columns() -> dict[str, pa.Schema]:
    """Name the columns that the catalogue shows of each table of datasets, whether a source has them or not.

    Its own, which it makes of the paths, are among them: what a file has under such a name is not shown.
    """
    promised = {table.shows: table.schema for table in CATALOGUE.values() if table.shows is not None}
    of_paths = [field for field in promised["projections"] if field.name not in ("x", "y")]
    coordinates = [pa.field(name, pa.float32()) for name in _COORDINATES]
    return {**promised, "projections": pa.schema([*of_paths, *coordinates])}
