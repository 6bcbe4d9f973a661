"""What the tables of CELLxGENE Discover must look like; see `tables` for where the descriptions appear."""

import pandera.polars as pr
import polars as pl

from c2s_assets.schemas.columns import column

_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
_EVENTS = ["added", "revised", "withdrawn"]
_NOT_TOLD = "where Discover does not say"


class Listing(pr.DataFrameModel):
    """One row per dataset that CELLxGENE Discover lists, whether the lake holds it or not."""

    dataset_id: str = column(
        "Stable id; key of the dataset in this lake if it is held.", unique=True, str_matches=_ID
    )
    dataset_version_id: str = column("Its newest version: changes with the content.", str_matches=_ID)
    collection_id: str = column("Collection it belongs to.", str_matches=_ID)
    collection_name: str = column("Title of the collection.", null=_NOT_TOLD)
    title: str = column("Title of the dataset.", null=_NOT_TOLD)
    cell_count: pl.Int64 = column("Cells.", null=_NOT_TOLD, ge=0)
    primary_cell_count: pl.Int64 = column("Cells that are the canonical copy.", null=_NOT_TOLD, ge=0)
    mean_genes_per_cell: pl.Float32 = column("Genes a cell expresses.", null=_NOT_TOLD, ge=0)
    organism: pl.List = column("Species, as scientific names.", items=pl.String())
    tissue: pl.List = column("Tissues.", items=pl.String())
    assay: pl.List = column("Assays.", items=pl.String())
    disease: pl.List = column("Diseases; normal is one.", items=pl.String())
    sex: pl.List = column("Sexes.", items=pl.String())
    development_stage: pl.List = column("Stages of development.", items=pl.String())
    cell_type: pl.List = column("Cell types.", items=pl.String())
    self_reported_ethnicity: pl.List = column("Ethnicities.", items=pl.String())
    suspension_type: pl.List = column("cell, nucleus or na.", items=pl.String())
    donor_id: pl.List = column("Donors as the dataset names them.", items=pl.String())
    n_donors: pl.Int32 = column("Donors that can be told apart.", ge=0)
    is_primary_data: pl.List = column(
        "Whether it holds canonical cells, others, or both.", items=pl.Boolean()
    )
    schema_version: str = column("CELLxGENE schema of the h5ad.", null=_NOT_TOLD)
    published_at: pl.Date = column("Day of its first publication.", null=_NOT_TOLD)
    revised_at: pl.Date = column("Day of its last revision.", null=_NOT_TOLD)
    explorer_url: str = column("Where to look at it in a browser.", null=_NOT_TOLD)
    h5ad_url: str = column("Address of the h5ad.", null="if there is none")
    h5ad_size_bytes: pl.Int64 = column("Size of the h5ad.", null="if there is none", ge=0)
    doi: str = column("DOI of the publication of its collection.", null=_NOT_TOLD)
    n_absent: pl.Int32 = column("Listings running that it was missing from; 0: it is in the last one.", ge=0)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class Collections(pr.DataFrameModel):
    """One row per collection of Discover, in order of its id; without the person to contact."""

    collection_id: str = column("Stable id.", unique=True, str_matches=_ID)
    name: str = column("Title.", null=_NOT_TOLD)
    description: str = column("What it holds, without e-mail addresses.", null=_NOT_TOLD)
    doi: str = column("DOI of the publication.", null=_NOT_TOLD)
    journal: str = column("Where it was published.", null=_NOT_TOLD)
    published_year: pl.Int32 = column("When it was published.", null=_NOT_TOLD)
    is_preprint: bool = column("Whether that is a preprint.", null=_NOT_TOLD)
    authors: pl.List = column("Authors as Family, Given, in their order.", items=pl.String())
    consortia: pl.List = column("Consortia.", items=pl.String())
    published_at: pl.Date = column("Day it appeared on Discover.", null=_NOT_TOLD)
    revised_at: pl.Date = column("Day of its last revision.", null=_NOT_TOLD)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class ListingHistory(pr.DataFrameModel):
    """One row per change of the listing, oldest first."""

    dataset_id: str = column("Dataset that changed.", str_matches=_ID)
    event: str = column("What happened to it.", isin=_EVENTS)
    changed: str = column(
        "What is different after a revision; why it counts as withdrawn.", null="if it was added"
    )
    dataset_version_id: str = column("Its version after the change.", str_matches=_ID)
    title: str = column("Title of the dataset.", null=_NOT_TOLD)
    seen_at: pl.Date = column("Day on which the listing showed it, UTC.")

    class Config:
        """Nothing else belongs into it."""

        strict = True
