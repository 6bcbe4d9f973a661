"""What decides which donors are for training and which for testing."""

from typing import Literal, Self

from pydantic import Field, model_validator

from c2s_assets.core.hashes import short_id
from c2s_assets.core.section import Section


class SplitSpec(Section):
    """How donors are split: what it says decides of donors that have no side yet, never of others."""

    by: Literal["donor", "dataset", "collection"] = Field(
        default="donor",
        description="What is on one side as a whole; datasets and collections show how a model generalises.",
    )
    test_size: float = Field(
        default=0.05, gt=0, lt=1, description="Share of the eligible cells that test aims at."
    )
    validation_size: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share that validation aims at; it needs ten donors that can be told apart.",
    )
    seed: int = Field(
        default=0,
        description="Seed of the choice of donors: another gives another split where they leave a choice.",
    )
    non_primary: Literal["drop", "keep_if_unique", "keep"] = Field(
        default="drop",
        description="Whether cells that are not the canonical copy are on no side, used once if no canonical "
        "copy is in the lake, or as others are.",
    )
    missing_age: Literal["drop", "keep"] = Field(
        default="drop",
        description="Whether cells without an age are on no side where others have one, or kept.",
    )
    cultures: Literal["train", "draw"] = Field(
        default="train",
        description="Whether donors of cell lines, organoids and cultures are in train, or drawn as others.",
    )
    perturbed: Literal["train", "draw"] = Field(
        default="train",
        description="Whether donors of genetically perturbed cells are in train, or drawn as others.",
    )

    @model_validator(mode="after")
    def _leaves_cells_to_train_on(self) -> Self:
        if self.test_size + self.validation_size >= 1:
            raise ValueError(
                f"test_size, {self.test_size}, and validation_size, {self.validation_size}, leave nothing to "
                f"train on; together they have to be less than 1"
            )
        return self

    @property
    def spec_id(self) -> str:
        """Twelve hexadecimal digits that are the same for equal specs, on every machine."""
        return short_id(self.model_dump())
