"""What the lake knows of a dataset: of each asset its files, what it was made from, what its checks found."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from c2s_assets.schemas.documents import CheckReport


class _OfRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MadeFrom(_OfRecord):
    """Everything that decides the content of an asset: the same again gives the same bytes."""

    source_sha256: str = Field(description="SHA-256 of the source file.")
    inputs: dict[str, str] = Field(description="Digest of each table it read, and of each file named.")
    settings: dict[str, Any] = Field(description="What datasets.yaml said, or its defaults.")
    code_version: str = Field(description="Version of the code that decides its meaning.")


class Built(_OfRecord):
    """An asset that is in its place."""

    files: dict[str, int] = Field(description="Bytes of each file, by its path below the lake.")
    n_rows: int | None = Field(description="Rows, if it is a table.")
    digest: str = Field(description="SHA-256 of names and contents of its files.")
    made_from: MadeFrom
    checks: list[CheckReport]

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(self.files.values())


class Refused(_OfRecord):
    """The last try to build an asset that came to nothing, because of the data or the settings."""

    message: str = Field(description="What was found, and what to do.")
    source_sha256: str | None = Field(description="SHA-256 of the source file; null if there was none.")
    checks: list[CheckReport] = Field(description="Those that were made.")


class Record(_OfRecord):
    """One dataset of the lake, without the time of anything: the same builds give the same record."""

    version: Literal[1] = Field(default=1, description="Of this form of record.")
    dataset_id: str
    built: dict[str, Built] = {}
    refused: dict[str, Refused] = {}

    def with_built(self, asset: str, built: Built) -> "Record":
        """Say that an asset took its place; what was refused of it before is settled."""
        refused = {name: one for name, one in self.refused.items() if name != asset}
        return self.model_copy(update={"built": {**self.built, asset: built}, "refused": refused})

    def with_refused(self, asset: str, refused: Refused) -> "Record":
        """Say that an asset was refused; what was built of it before stays."""
        return self.model_copy(update={"refused": {**self.refused, asset: refused}})
