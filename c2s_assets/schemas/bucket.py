"""What a bucket says of a dataset, or of tables of all: its files, and which objects hold them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from c2s_assets.schemas.record import Record


class _OfBucket(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedFile(_OfBucket):
    """A file of the lake, and the object that holds its bytes and is never changed."""

    object: str = Field(description="Key below that of the lake.")
    size_bytes: int
    sha256: str


class PublishedUnit(_OfBucket):
    """One version of a dataset, or of tables of the whole lake; nothing in it says that it was removed."""

    version: Literal[1] = Field(default=1, description="Of this form.")
    files: dict[str, PublishedFile] = Field(default={}, description="By path below the lake.")
    record: Record | None = Field(default=None, description="Of a dataset.")

    def render(self) -> str:
        """Write it as text, in order of names, so that the same version is the same bytes."""
        ordered = {name: self.files[name] for name in sorted(self.files)}
        return f"{self.model_copy(update={'files': ordered}).model_dump_json(indent=1)}\n"


class HeldUnit(_OfBucket):
    """The version that a working copy has."""

    etag: str = Field(description="Of the object in the bucket that says it.")
    published: PublishedUnit
