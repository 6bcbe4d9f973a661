"""What the tables of a release must look like that are not those of its datasets."""

import pandera.polars as pr
import polars as pl

from c2s_assets.schemas.columns import column

_NOT_EMPTY = {"min_value": 1}
_UNSAID = "where nobody says"
_NO_RECORD = "where the catalogue does not know it"
_NO_SPEC = "if it is not known"


class ReleaseSources(pr.DataFrameModel):
    """One row per dataset of a release: where it is from, under which licence, how it was written."""

    dataset_id: str = column("Dataset.", unique=True, str_length=_NOT_EMPTY)
    title: str = column("Title, as its owner or its file states it.", null=_UNSAID)
    organism: str = column("Species, as a scientific name.", null=_UNSAID)
    licence: str = column("Licence of the data.", null=_UNSAID)
    licence_is_assumed: bool = column(
        "Whether that is what the publisher of the release states for all sources that state none."
    )
    citation: str = column("How to cite the data.", null=_UNSAID)
    doi: str = column("DOI of the publication.", null=_UNSAID)
    record_title: str = column("What the catalogue calls the publication of that DOI.", null=_NO_RECORD)
    journal: str = column("Where it was published.", null=_NO_RECORD)
    published_year: pl.Int32 = column("When it was published.", null=_NO_RECORD)
    authors: pl.List = column("Its authors as Family, Given, in their order.", items=pl.String())
    collection_id: str = column("Collection of CELLxGENE Discover.", null="if it is in none")
    dataset_version_id: str = column("Version of a dataset of CELLxGENE Discover.", null="if it is not there")
    source_url: str = column("Address that the h5ad was downloaded from.", null="if it was not")
    source_sha256: str = column("Digest of the h5ad.")
    layer: str = column("The matrix that was ranked.")
    values: str = column("What its values are: counts, or normalised.")
    top_n: str = column("Length of the longest sentence, in symbols, or auto.", null=_NO_SPEC)
    tie: str = column("How equals are ordered: hash or feature_id.", null=_NO_SPEC)
    seed: str = column("Seed of that order.", null=f"{_NO_SPEC}, and unless ties go by hash")
    symbols: str = column("Identifies its features and their symbols.", null=_NO_SPEC)
    gene_lists: str = column("Lists that have sentences of their own.", null=_NO_SPEC)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class ReleaseVocabulary(pr.DataFrameModel):
    """One row per symbol that a cell of a release expresses: the words of its sentences."""

    symbol: str = column("Gene symbol.", unique=True, str_length=_NOT_EMPTY)
    feature_ids: pl.List = column("Features that it stands for in any dataset.", items=pl.String())
    n_datasets: pl.Int64 = column("Datasets with a cell that expresses it.", ge=1)
    n_cells: pl.Int64 = column("Cells of these datasets, on whatever side, that express it.", ge=1)

    class Config:
        """Nothing else belongs into it."""

        strict = True
