"""The document of a release: which files it holds, and what they were made from."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

# Beside the files that it names, in the lake as in the repository; folders of datasets do not begin like it.
RELEASE_DOCUMENT = "_release.json"


class _OfRelease(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReleaseFile(_OfRelease):
    """What a file of a release is known by."""

    size_bytes: int
    sha256: str


class ReleaseDocument(_OfRelease):
    """A release as it was staged.

    Attributes
    ----------
    inputs
        Identifies all that it was made from: entry, tables, plan, code.
    plan_version
        Of the split plan that its sides follow; None if it has none.
    made_from
        Of a corpus by dataset, the digest of its table and of the columns that all files have; of an atlas by
        table.
    licence_problems
        What keeps it from being published under its licence, see core.releases.licences.
    yanked
        Versions whose tags are to be removed, and why.
    files
        By path below the folder of the release; the document itself is not among them.
    """

    format: Literal["c2s release 1"] = "c2s release 1"
    name: str
    plan_version: str | None
    inputs: str
    made_from: dict[str, str]
    licence_problems: list[str] = []
    yanked: dict[str, str] = {}
    files: dict[str, ReleaseFile]
