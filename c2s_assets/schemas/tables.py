"""What each table must look like; the descriptions appear in the Dagster UI and in dataset cards."""

import pandera.polars as pr
import polars as pl

from c2s_assets.core.genes.kinds import KINDS
from c2s_assets.core.genes.symbols import ENSEMBL_ID


class CellMetadata(pr.DataFrameModel):
    """One row per cell, beside the source's own obs columns."""

    cell_id: str = pr.Field(
        unique=True, str_length={"min_value": 1}, description="Index of obs: the barcode."
    )
    dataset_id: str = pr.Field(description="Key of the dataset in this lake.")
    donor_id: str = pr.Field(
        nullable=True,
        description="Donor, in one spelling where the source has several that differ in case or space.",
    )
    donor_uid: str = pr.Field(
        nullable=True, description="Donor across datasets: <collection_id or dataset_id>/<donor_id>."
    )
    has_known_donor: bool = pr.Field(
        description="Whether the donor can be told from others: no pool, no outcome of demultiplexing."
    )
    organism: str = pr.Field(nullable=True, description="Species, as a scientific name.")
    age: pl.Float32 = pr.Field(nullable=True, ge=0, le=150, description="Age in years; null before birth.")
    age_low: pl.Float32 = pr.Field(
        nullable=True, ge=0, le=150, description="Lower end of the interval the age stands for, in years."
    )
    age_high: pl.Float32 = pr.Field(
        nullable=True, ge=0, description="Upper end of that interval, not part of it; null if open."
    )
    age_method: str = pr.Field(
        isin=["stage_label", "age_column", "age_group", "unknown"], description="Where the age was read."
    )
    life_stage: str = pr.Field(
        isin=["prenatal", "postnatal", "unknown"], description="Before or after birth."
    )
    is_primary_data: bool = pr.Field(
        nullable=True,
        description="Whether it is the canonical copy of the cell; null where the source does not say.",
    )

    class Config:
        """The source's own columns stand beside the declared ones."""

        strict = False


class FeatureMetadata(pr.DataFrameModel):
    """One row per feature of the chosen matrix, in its order, beside the source's own var columns."""

    feature_id: str = pr.Field(
        unique=True,
        str_length={"min_value": 1},
        description="Ensembl id without version, else the var index.",
    )
    symbol: str = pr.Field(nullable=True, description="Gene symbol; null if none is known.")
    approved_symbol: str = pr.Field(
        nullable=True,
        description="What HGNC calls this human gene today; null if that is not sure, or was not asked.",
    )
    symbol_source: str = pr.Field(nullable=True, description="var column of the symbol, var_name or hgnc.")
    is_duplicated_symbol: bool = pr.Field(description="Whether another feature has the same symbol.")
    feature_kind: str = pr.Field(
        isin=KINDS,
        description="gene, or what else was counted: spike_in, protein, hashtag, guide, peak, other.",
    )
    var_name: str = pr.Field(description="Index of var as it stands in the source.")
    n_cells: pl.Int64 = pr.Field(ge=0, description="Cells in which its value is not zero.")
    mean: pl.Float32 = pr.Field(
        description="Mean over all cells, zeros included, of the values of the chosen matrix."
    )
    is_highly_variable: bool = pr.Field(
        nullable=True,
        description="Whether it is one of the 2,000 whose dispersion stands out; null if that is unknown.",
    )

    class Config:
        """The source's own columns stand beside the declared ones."""

        strict = False


class Projection(pr.DataFrameModel):
    """One row per cell: its coordinates in one embedding, a float32 column for each axis."""

    cell_id: str = pr.Field(str_length={"min_value": 1}, description="Cell, as in cell_metadata.")

    class Config:
        """The axes, such as `UMAP1` and `UMAP2`, stand beside it; see `schemas.projections`."""

        strict = False


class Expression(pr.DataFrameModel):
    """One row per cell: the features whose value is not zero, and their values."""

    cell_id: str = pr.Field(str_length={"min_value": 1}, description="Cell, as in cell_metadata.")
    feature_index: pl.List = pr.Field(
        dtype_kwargs={"inner": pl.Int32()},
        description="0-based rows of feature_metadata whose value is not zero, ascending.",
    )
    value: pl.List = pr.Field(
        dtype_kwargs={"inner": pl.Float32()},
        description="Value of each of them in the chosen matrix, counts or normalised, as it stands there.",
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


class CellSentences(pr.DataFrameModel):
    """One row per cell: the symbols it expresses, highest first."""

    cell_id: str = pr.Field(str_length={"min_value": 1}, description="Cell, as in cell_metadata.")
    cell_sentence: str = pr.Field(
        description="Symbols of the expressed genes, highest first, separated by one space."
    )
    n_expressed: pl.Int32 = pr.Field(ge=0, description="Distinct symbols the cell expresses.")
    sentence_length: pl.Int32 = pr.Field(
        ge=0, description="Symbols in the sentence: min(top_n, n_expressed)."
    )

    class Config:
        """A column `cell_sentence_<list>` for each gene list stands beside the declared ones."""

        strict = False


class SplitManifest(pr.DataFrameModel):
    """One row per donor, or per cell where a dataset names no donors: its side, its fold, and why."""

    split_level: str = pr.Field(isin=["donor", "cell"], description="What was split.")
    donor_uid: str = pr.Field(nullable=True, description="Donor across datasets.")
    donor_id: str = pr.Field(nullable=True, description="Donor as the source names it.")
    cell_id: str = pr.Field(nullable=True, description="Cell, where cells were split.")
    split: str = pr.Field(isin=["train", "test"], description="Side of all its cells.")
    fold: pl.Int32 = pr.Field(
        nullable=True, ge=0, le=4, description="Fold for cross-validation; null: always for training."
    )
    age_median: pl.Float32 = pr.Field(nullable=True, description="Median age of its cells, in years.")
    n_cells: pl.Int64 = pr.Field(ge=0, description="All its cells.")
    n_non_primary: pl.Int64 = pr.Field(ge=0, description="Cells left out: not the canonical copy.")
    n_without_age: pl.Int64 = pr.Field(ge=0, description="Cells left out: no age.")
    n_eligible: pl.Int64 = pr.Field(ge=0, description="Cells that are used.")
    reason: str = pr.Field(description="Why it is on this side.")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class TrainTest(pr.DataFrameModel):
    """One row per cell of one side: its sentence, its age, its metadata and its publication."""

    cell_id: str = pr.Field(str_length={"min_value": 1}, description="Cell, as in cell_metadata.")
    cell_sentence: str = pr.Field(
        description="Symbols of the expressed genes, highest first, separated by one space."
    )
    age: pl.Float32 = pr.Field(nullable=True, ge=0, le=150, description="Age in years.")
    n_expressed: pl.Int32 = pr.Field(ge=0, description="Distinct symbols the cell expresses.")
    sentence_length: pl.Int32 = pr.Field(
        ge=0, description="Symbols in the sentence: min(top_n, n_expressed)."
    )
    dataset_id: str = pr.Field(description="Key of the dataset in this lake.")
    donor_id: str = pr.Field(nullable=True, description="Donor as the source names it.")
    donor_uid: str = pr.Field(nullable=True, description="Donor across datasets.")
    split: str = pr.Field(isin=["train", "test"], description="Side of the split.")
    split_level: str = pr.Field(
        isin=["donor", "cell"], description="What was split: donors, or single cells."
    )
    fold: pl.Int32 = pr.Field(nullable=True, ge=0, le=4, description="Fold for cross-validation.")
    collection_id: str = pr.Field(nullable=True, description="Collection of CELLxGENE Discover.")
    publication_title: str = pr.Field(nullable=True, description="Title of the publication or dataset.")
    publication_doi: str = pr.Field(nullable=True, description="DOI of the publication.")
    publication_description: str = pr.Field(nullable=True, description="What the publication says it holds.")

    class Config:
        """All columns of cell_metadata, and the sentences of gene lists, stand beside the declared ones."""

        strict = False


class GeneSymbols(pr.DataFrameModel):
    """One row per approved gene of HGNC: the symbols it has and had."""

    hgnc_id: str = pr.Field(unique=True, str_matches=r"^HGNC:\d+$", description="Stable id of HGNC.")
    symbol: str = pr.Field(unique=True, str_length={"min_value": 1}, description="Approved gene symbol.")
    feature_id: str = pr.Field(
        nullable=True,
        str_matches=ENSEMBL_ID,
        description="Ensembl gene id without version; null if HGNC knows none.",
    )
    previous_symbols: pl.List = pr.Field(
        dtype_kwargs={"inner": pl.String()}, description="Symbols that were approved before."
    )
    alias_symbols: pl.List = pr.Field(
        dtype_kwargs={"inner": pl.String()}, description="Other symbols that are or were in use."
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


Table = type[pr.DataFrameModel]
