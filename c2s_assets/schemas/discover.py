"""What the tables of CELLxGENE Discover must look like; the descriptions appear in the Dagster UI."""

import pandera.polars as pr
import polars as pl

_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
_STRINGS = {"inner": pl.String}
_EVENTS = ["added", "revised", "withdrawn"]


class Listing(pr.DataFrameModel):
    """One row per dataset of Discover, in order of its id."""

    dataset_id: str = pr.Field(unique=True, str_matches=_ID, description="Stable id; key of its partition.")
    dataset_version_id: str = pr.Field(str_matches=_ID, description="Changes with the content.")
    collection_id: str = pr.Field(str_matches=_ID, description="Collection it belongs to.")
    collection_name: str = pr.Field(nullable=True, description="Title of the collection.")
    title: str = pr.Field(nullable=True, description="Title of the dataset.")
    cell_count: pl.Int64 = pr.Field(nullable=True, ge=0, description="Cells.")
    primary_cell_count: pl.Int64 = pr.Field(
        nullable=True, ge=0, description="Cells that are the canonical copy."
    )
    mean_genes_per_cell: pl.Float32 = pr.Field(nullable=True, ge=0, description="Genes a cell expresses.")
    organism: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Species, as scientific names.")
    tissue: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Tissues.")
    assay: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Assays.")
    disease: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Diseases; normal is one.")
    sex: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Sexes.")
    development_stage: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Development stages.")
    cell_type: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Cell types.")
    self_reported_ethnicity: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Ethnicities.")
    suspension_type: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="cell, nucleus or na.")
    donor_id: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Donors as the dataset names them.")
    n_donors: pl.Int32 = pr.Field(ge=0, description="Donors that can be told apart.")
    is_primary_data: pl.List = pr.Field(
        dtype_kwargs={"inner": pl.Boolean}, description="Whether it holds canonical cells, others, or both."
    )
    schema_version: str = pr.Field(nullable=True, description="CELLxGENE schema of the h5ad.")
    published_at: pl.Date = pr.Field(nullable=True, description="Day of its first publication.")
    revised_at: pl.Date = pr.Field(nullable=True, description="Day of its last revision.")
    explorer_url: str = pr.Field(nullable=True, description="Where to look at it in a browser.")
    h5ad_url: str = pr.Field(nullable=True, description="Address of the h5ad; null if there is none.")
    h5ad_size_bytes: pl.Int64 = pr.Field(nullable=True, ge=0, description="Size of the h5ad.")
    doi: str = pr.Field(nullable=True, description="DOI of the collection's publication.")
    n_absent: pl.Int32 = pr.Field(
        ge=0, description="Listings running that it was missing from; 0: it is in the last one."
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


class Collections(pr.DataFrameModel):
    """One row per collection of Discover, in order of its id; without the person to contact."""

    collection_id: str = pr.Field(unique=True, str_matches=_ID, description="Stable id.")
    name: str = pr.Field(nullable=True, description="Title.")
    description: str = pr.Field(nullable=True, description="What it holds, without e-mail addresses.")
    doi: str = pr.Field(nullable=True, description="DOI of the publication.")
    journal: str = pr.Field(nullable=True, description="Where it was published.")
    published_year: pl.Int32 = pr.Field(nullable=True, description="When it was published.")
    is_preprint: bool = pr.Field(nullable=True, description="Whether that is a preprint.")
    authors: pl.List = pr.Field(
        dtype_kwargs=_STRINGS, description="Authors as Family, Given, in their order."
    )
    consortia: pl.List = pr.Field(dtype_kwargs=_STRINGS, description="Consortia.")
    published_at: pl.Date = pr.Field(nullable=True, description="Day it appeared on Discover.")
    revised_at: pl.Date = pr.Field(nullable=True, description="Day of its last revision.")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class ListingHistory(pr.DataFrameModel):
    """One row per change of the listing, oldest first."""

    dataset_id: str = pr.Field(str_matches=_ID, description="Dataset that changed.")
    event: str = pr.Field(isin=_EVENTS, description="What happened to it.")
    changed: str = pr.Field(
        nullable=True, description="What is different after a revision; why it counts as withdrawn."
    )
    dataset_version_id: str = pr.Field(str_matches=_ID, description="Its version after the change.")
    title: str = pr.Field(nullable=True, description="Title of the dataset.")
    seen_at: pl.Date = pr.Field(description="Day on which the listing showed it, UTC.")

    class Config:
        """Nothing else belongs into it."""

        strict = True
