"""The entry of a release in `datasets.yaml`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from c2s_assets.core.section import Section, listed

# Becomes a folder of the lake and a partition.
ReleaseName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
RepoId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}$")]


class ReleaseEntry(Section):
    """What one repository of the Hugging Face Hub holds."""

    kind: Literal["corpus"] = Field(
        default="corpus", description="What it holds: corpus, the training table of its datasets."
    )
    repo_id: RepoId = Field(description="The repository: me/my-corpus.")
    datasets: Annotated[list[str], BeforeValidator(listed)] = Field(
        default=[], description="Ids of datasets; all that are not withdrawn where none is named."
    )
    licence: str | None = Field(default=None, description="Licence of the whole: CC BY 4.0.")
    title: str | None = Field(default=None, description="Title of the card.")
    private: bool = Field(default=True, description="Whether the repository is made private.")
