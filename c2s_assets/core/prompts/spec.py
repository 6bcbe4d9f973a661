"""What decides which prompts are written."""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from c2s_assets.core.hashes import short_id
from c2s_assets.core.section import Section

TaskName = Literal[
    "cell_type",
    "tissue",
    "disease",
    "sex",
    "age",
    "age_decade",
    "cell_generation",
    "tissue_of_cells",
    "cells_generation",
]
_ALL: list[TaskName] = list(get_args(TaskName))
_DEFAULT_TOP_N = 200


class PromptSpec(Section):
    """How prompts are written, for all datasets."""

    tasks: list[TaskName] = Field(default=_ALL, min_length=1, description="What is asked.")
    top_n: int | None = Field(
        default=None,
        ge=1,
        description="Most genes of a cell in a prompt: 200, or as many as max_tokens has room for.",
    )
    tokenizer: str | None = Field(
        default=None,
        description="Path of a tokenizer.json, from the lake's folder or absolute, to count tokens by.",
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Most tokens of a prompt, its response and the end together."
    )
    cells_per_group: int = Field(
        default=5, ge=2, le=1000, description="Cells of one donor and tissue in prompts on several cells."
    )
    seed: int = Field(default=0, description="Seed of the choice of templates and of groups of cells.")

    @model_validator(mode="after")
    def _tokens_can_be_counted(self) -> Self:
        if self.max_tokens is not None and self.tokenizer is None:
            raise ValueError(
                f"max_tokens, {self.max_tokens}, needs a tokenizer to count them: name its tokenizer.json"
            )
        return self

    @property
    def most_genes(self) -> int | None:
        """How many genes of a cell are named at most; None where only tokens limit them."""
        if self.top_n is None and self.max_tokens is None:
            return _DEFAULT_TOP_N
        return self.top_n

    @property
    def spec_id(self) -> str:
        """Twelve hexadecimal digits that are the same for equal specs, on every machine."""
        return short_id(self.model_dump())
