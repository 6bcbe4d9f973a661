"""The lake's JSON documents: what each must hold."""

from pydantic import BaseModel, ConfigDict, Field

from c2s_assets.core.layers import Kind


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InboxNote(_Document):
    """What `c2s add` knows of a file's origin."""

    url: str | None = Field(default=None, description="Address it was downloaded from, without credentials.")
    etag: str | None = Field(default=None, description="ETag of the download.")
    dataset_version_id: str | None = Field(default=None, description="Version of a CELLxGENE dataset.")
    retrieved_at: str | None = Field(
        default=None, description="When it was copied or downloaded, ISO 8601 UTC."
    )


class Provenance(InboxNote):
    """Where the source file came from, and what it holds."""

    size_bytes: int = Field(ge=1, description="Size of the file.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of its bytes.")
    n_obs: int = Field(ge=1, description="Cells.")
    n_vars: int = Field(ge=1, description="Features of X.")


class ColumnProfile(_Document):
    """One column of obs or var."""

    name: str
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
    not_read: str | None = Field(default=None, description="Why it cannot be read, if so.")


class VerdictProfile(_Document):
    """What the values of the chosen matrix are, and the figures that say so."""

    kind: Kind
    n_cells_sampled: int = Field(ge=0)
    n_values_sampled: int = Field(ge=0)
    min_value: float
    max_value: float
    frac_whole: float = Field(ge=0, le=1)


class OriginProfile(_Document):
    """What is known of the publication."""

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
    verdict: VerdictProfile
    predicted_memory_bytes: int = Field(ge=1, description="Upper estimate for the largest step.")
    matrices: list[MatrixProfile]
    obs_columns: list[ColumnProfile]
    var_columns: list[ColumnProfile]
    embeddings: dict[str, list[int]] = Field(description="Shape of each array of obsm.")
    uns_keys: list[str]
    structure: list[dict[str, object]] = Field(description="Every element of the file.")
