"""The lake's JSON documents: what each must hold."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from c2s_assets.core.cells.categories import choose_category
from c2s_assets.core.cells.provenance import Origin, stated_first
from c2s_assets.core.expression.layers import Kind
from c2s_assets.core.reports.validation import State
from c2s_assets.core.settings import DatasetEntry


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConvertedFrom(_Document):
    """What an h5ad was made from when it was added."""

    name: str = Field(description="Name of the file or folder.")
    format: str = Field(description="What it is, in words.")
    size_bytes: int = Field(ge=0, description="Bytes of all its files.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of its bytes; of a folder, of names and bytes.",
    )
    part: str | None = Field(
        default=None, description="The modality or genome that was taken, where there can be several."
    )


class _Origin(_Document):
    """Where a file came from."""

    url: str | None = Field(default=None, description="Address it was downloaded from, without credentials.")
    etag: str | None = Field(default=None, description="ETag of the download.")
    dataset_version_id: str | None = Field(default=None, description="Version of a CELLxGENE dataset.")
    retrieved_at: str | None = Field(
        default=None, description="When it was copied or downloaded, ISO 8601 UTC."
    )
    converted_from: ConvertedFrom | None = Field(
        default=None, description="What it was converted from; null if it was an h5ad."
    )


class SurveyNote(_Document):
    """What a survey found, for whoever finds the very same file: `identity` and `surveyed_by` must agree."""

    n_obs: int = Field(ge=1, description="Cells.")
    n_vars: int = Field(ge=1, description="Features of X.")
    identity: tuple[int, int, int] = Field(description="Inode, size and time of change of the file.")
    surveyed_by: str = Field(description="Version of the survey, and of the library that it asked.")


class InboxNote(_Origin):
    """What `c2s add` knows of a file's origin, and that it was surveyed."""

    survey: SurveyNote | None = Field(default=None, description="Null if it is still to be surveyed.")


class Provenance(_Origin):
    """Where the source file came from, and what it holds."""

    size_bytes: int = Field(ge=1, description="Size of the file.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of its bytes.")
    n_obs: int = Field(ge=1, description="Cells.")
    n_vars: int = Field(ge=1, description="Features of X.")
    surveyed_by: str | None = Field(
        default=None, description="Version of the survey that these bytes went through; null: of none."
    )


class ColumnProfile(_Document):
    """One column of obs or var."""

    name: str
    name_in_table: str | None = Field(
        default=None, description="In cell_metadata or feature_metadata; null if it cannot be read."
    )
    encoding: str | None = Field(default=None, description="AnnData encoding.")
    dtype: str | None = Field(default=None, description="Type on disk.")
    n_missing: int | None = Field(
        default=None, ge=0, description="Rows without a value; null if it cannot be read."
    )
    n_distinct: int | None = Field(
        default=None, ge=0, description="Distinct values; null if it cannot be read."
    )
    value_counts: dict[str, int] | None = Field(
        default=None,
        description="Each value of a text, categorical or boolean column with its count, if there are few.",
    )
    not_read: str | None = Field(default=None, description="Why it cannot be read, if so.")


class VerdictProfile(_Document):
    """What the values of a matrix are, and the figures that say so."""

    kind: Kind
    n_cells_sampled: int = Field(ge=0)
    n_values_sampled: int = Field(ge=0)
    min_value: float
    max_value: float
    frac_whole: float = Field(ge=0, le=1)


class MatrixProfile(_Document):
    """One matrix of the file."""

    name: str
    shape: tuple[int, int] = Field(description="Cells, features.")
    encoding: str = Field(description="csr, csc, dense or unsupported.")
    dtype: str
    index_dtype: str | None = None
    n_stored: int = Field(ge=0, description="Stored values.")
    compression: str | None = None
    size_bytes: int = Field(ge=0, description="Bytes on disk.")
    verdict: VerdictProfile | None = Field(
        default=None, description="What its values are; null if another was found before it was looked at."
    )
    not_read: str | None = Field(default=None, description="Why it cannot be read, if so.")


class OriginProfile(_Document):
    """What the file says of its publication; see `DatasetProfile.origin_by`."""

    title: str | None
    citation: str | None
    licence: str | None
    collection_id: str | None
    publication_doi: str | None


class DatasetProfile(_Document):
    """Structure of a source file and the verdict on its matrix."""

    dataset_id: str
    source_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    n_obs: int = Field(ge=1)
    n_vars: int = Field(ge=1, description="Features of the chosen matrix.")
    organism: str | None
    origin: OriginProfile
    layer: str = Field(description="The matrix that is ranked.")
    layer_reason: str = Field(default="", description="Why that one, with the figures that decided.")
    verdict: VerdictProfile
    predicted_memory_bytes: int = Field(ge=1, description="Upper estimate for the largest step.")
    matrices: list[MatrixProfile]
    obs_columns: list[ColumnProfile]
    var_columns: list[ColumnProfile]
    raw_var_columns: list[ColumnProfile] = Field(default=[], description="Of the features of raw.X.")
    embeddings: dict[str, list[int]] = Field(description="Shape of each array of obsm.")
    obsm_columns: dict[str, list[str]] = Field(
        default={}, description="Columns of each dataframe, or list of one value per cell, in obsm."
    )
    obsm_matrices: dict[str, tuple[int, int]] = Field(
        default={}, description="Shape of each sparse matrix of obsm."
    )
    obsm_not_read: dict[str, str] = Field(
        default={}, description="Why the rest of obsm cannot be read, by name."
    )
    uns_keys: list[str]
    structure: list[dict[str, object]] = Field(description="Every element of the file.")

    def origin_by(self, entry: DatasetEntry) -> Origin:
        """Say of the publication what `datasets.yaml` states and, of the rest, what the file says."""
        of_file = Origin(**self.origin.model_dump())
        return stated_first(of_file, title=entry.title, citation=entry.citation, licence=entry.licence)

    @property
    def obs_not_read(self) -> dict[str, str]:
        """Why columns of obs cannot be read, by name."""
        return {column.name: column.not_read for column in self.obs_columns if column.not_read is not None}

    def category(self, entry: DatasetEntry) -> str | None:
        """Name the column of `cell_metadata` that says most of what the cells are; see `choose_category`."""
        counted = [c for c in self.obs_columns if c.value_counts and c.name_in_table == c.name]
        return choose_category(
            {column.name: column.n_distinct for column in counted},
            has_cell_types=entry.cell_type_column is not None,
        )


class CheckReport(_Document):
    """One check of one asset."""

    claim: str
    description: str
    severity: Literal["ERROR", "WARN"] = Field(description="ERROR keeps the asset from being published.")
    holds: bool | None = Field(description="Null if there is no result of the present source file.")
    message: str = Field(description="What was found and, if the claim does not hold, what to do.")
    figures: dict[str, int | float | str | None]


class AssetReport(_Document):
    """How an asset stands, and its checks."""

    asset: str
    state: State = Field(
        description="built; refused: a blocking check keeps an earlier version, or none, in place; outdated: "
        "made from an earlier source file; not checked: there, but without results; not built."
    )
    checks: list[CheckReport]


class TableReport(_Document):
    """A table with one row per cell, compared with cell_metadata on all rows."""

    table: str
    agrees: bool = Field(description="It holds those cells, in that order, of the present source file.")
    is_current: bool = Field(description="It was made from the present source file.")
    n_rows: int = Field(ge=0)
    n_differ: int = Field(ge=0, description="Rows that hold another cell, or one more or less.")
    first_difference: str | None


class RangeReport(_Document):
    """Values of some columns of a table, all rows."""

    table: str
    columns: str
    n_missing: int = Field(ge=0, description="Nulls.")
    n_not_finite: int | None = Field(ge=0, description="NaN and infinities; null if they were not counted.")
    min_value: float | None = Field(description="Of the finite values; null if there are none.")
    max_value: float | None


class CoverageReport(_Document):
    """How many genes can be named."""

    n_features: int = Field(ge=0)
    n_genes: int | None = Field(
        default=None, ge=0, description="Features that are genes; null in reports of an earlier c2s_assets."
    )
    frac_with_symbol: float = Field(ge=0, le=1, description="Of the genes.")
    frac_with_ensembl_id: float = Field(ge=0, le=1, description="Of the genes.")


class SummaryReport(_Document):
    """How many checks hold."""

    n_checks: int = Field(ge=0)
    n_hold: int = Field(ge=0)
    n_broken_error: int = Field(ge=0)
    n_broken_warn: int = Field(ge=0)
    n_without_result: int = Field(ge=0)


class ValidationReport(_Document):
    """Results of all checks of one dataset, and how its tables go together."""

    dataset_id: str
    source_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    n_obs: int = Field(ge=1)
    n_vars: int = Field(ge=1, description="Features of the chosen matrix; of X while there is no profile.")
    summary: SummaryReport
    assets: list[AssetReport]
    tables: list[TableReport] | None = Field(description="Null if cell_metadata is not there, or outdated.")
    ranges: list[RangeReport]
    features: CoverageReport | None = Field(description="Null if feature_metadata is not there, or outdated.")


class CorpusTotals(_Document):
    """The whole lake in figures."""

    n_datasets: int = Field(ge=0)
    n_cells: int = Field(ge=0)
    n_primary_cells: int = Field(ge=0, description="Cells that are the canonical copy.")
    n_donors: int = Field(ge=0, description="Donors that can be told apart.")
    n_cells_with_age: int = Field(ge=0)
    n_further_diseases: int = Field(
        ge=0,
        description="Diseases beside the first of a cell: by disease, cells add up to n_cells and these.",
    )
    age_min: float | None = Field(description="Lowest age of a cell, in years.")
    age_max: float | None
    n_genes: int = Field(ge=0, description="Distinct feature ids of genes.")
    n_publications: int = Field(ge=0)


class CorpusGroup(_Document):
    """Cells that have one value of one property."""

    property: str = Field(description="tissue, disease, organism, assay or age_decade.")
    value: str | None = Field(description="Null: not known.")
    n_cells: int = Field(ge=0)
    n_primary_cells: int = Field(ge=0)
    n_donors: int = Field(ge=0)
    n_datasets: int = Field(ge=0)


class CorpusReport(_Document):
    """What all datasets of the catalogue hold together."""

    totals: CorpusTotals
    groups: list[CorpusGroup]
