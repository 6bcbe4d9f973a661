"""What a bucket says of a dataset, or of tables of all: its files, and which objects hold them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from c2s_assets.schemas.record import Record


def check_below(name: str) -> str:
    """Return a name of a file below a folder, written with slashes.

    Raises
    ------
    ValueError
        If it could lead out of the folder: whoever may write into the bucket says it.
    """
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"{name!r} is no path below a lake")
    return name


Below = Annotated[str, AfterValidator(check_below)]


class _OfBucket(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedFile(_OfBucket):
    """A file of the lake, and the object that holds its bytes and is never changed."""

    object: Below = Field(description="Key below that of the lake.")
    size_bytes: int
    sha256: str


class LooseFile(_OfBucket):
    """An object that somebody put there as it is, and may replace."""

    etag: str
    size_bytes: int


class LooseFiles(_OfBucket):
    """Those of which a working copy knows."""

    files: dict[Below, LooseFile] = Field(default={}, description="By path below the lake, which is the key.")


class PublishedUnit(_OfBucket):
    """One version of a dataset, or of tables of the whole lake; nothing in it says that it was removed."""

    version: Literal[1] = Field(default=1, description="Of this form.")
    files: dict[Below, PublishedFile] = Field(default={}, description="By path below the lake.")
    record: Record | None = Field(default=None, description="Of a dataset.")

    def render(self) -> str:
        """Write it as text, in order of names, so that the same version is the same bytes."""
        ordered = {name: self.files[name] for name in sorted(self.files)}
        return f"{self.model_copy(update={'files': ordered}).model_dump_json(indent=1)}\n"


class ShownFile(_OfBucket):
    """A file that the catalogue shows."""

    name: Below = Field(description="Path below the lake.")
    published: PublishedFile | None = Field(description="Which version; None for what is there when asked.")


class ShownFiles(_OfBucket):
    """What the views of a catalogue read, by the path that they know: ``<table>/<dataset_id>/<file>``."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    version: Literal[1] = Field(default=1, description="Of this form.")
    files: dict[Below, ShownFile] = {}
    columns: dict[Below, bytes] = Field(
        default={}, description="Tables without rows, which have every column that is promised."
    )

    def objects(self) -> set[str]:
        """Return the keys of the objects that it takes."""
        return {one.published.object for one in self.files.values() if one.published is not None}


class HeldUnit(_OfBucket):
    """The version that a working copy has."""

    etag: str = Field(description="Of the object in the bucket that says it.")
    published: PublishedUnit
