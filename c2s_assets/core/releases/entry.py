"""The entry of a release in `datasets.yaml`."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from c2s_assets.core.section import Section, listed

# Becomes a folder of the lake and a partition.
ReleaseName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
# In quotes in YAML, to which 1.10 is the number 1.1.
Version = Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}$")]
RepoId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}$")]


class ReleaseEntry(Section):
    """What one repository of the Hugging Face Hub holds."""

    kind: Literal["corpus", "atlas"] = Field(
        default="corpus",
        description="What it holds: corpus, the training table of its datasets; atlas, all tables of one.",
    )
    repo_id: RepoId = Field(description="The repository: me/my-corpus.")
    datasets: Annotated[list[str], BeforeValidator(listed)] = Field(
        default=[], description="Ids of datasets; all that are not withdrawn where none is named."
    )
    licence: str | None = Field(default=None, description="Licence of the whole: CC BY 4.0.")
    licence_of_sources: str | None = Field(
        default=None, description="Licence of the sources that state none, as you know it: CC BY 4.0."
    )
    title: str | None = Field(default=None, description="Title of the card.")
    private: bool = Field(default=True, description="Whether the repository is made private.")
    prefix: Prefix | None = Field(
        default=None, description="Of an atlas: what its files begin with; the id of its dataset by default."
    )
    wide: bool = Field(
        default=False, description="Of an atlas: whether expression_matrix, a column per gene, goes with it."
    )
    yanked: dict[Version, str] = Field(
        default={},
        description='Versions that nobody should use any more, and why: {"1.0": ages were wrong}. Their tags '
        "are removed, and no later version is called like them.",
    )
    follow: Literal["stage", "publish"] | None = Field(
        default=None,
        description="What is done every day by itself: stage what it holds now, or publish that too.",
    )

    @property
    def content(self) -> dict[str, object]:
        """What decides what it holds; a setting that is new since, at its default, decides nothing."""
        return self.model_dump(exclude={"private", "follow"}, exclude_defaults=True)

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        if self.kind == "atlas" and len(self.datasets) != 1:
            raise ValueError(f"an atlas is of one dataset, and datasets names {len(self.datasets)}")
        if self.kind == "corpus" and (self.prefix is not None or self.wide):
            raise ValueError("prefix and wide are of an atlas: leave them out, or write kind: atlas")
        return self
