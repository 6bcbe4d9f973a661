"""What decides which donors are for training and which for testing."""

from typing import Literal

from pydantic import Field

from c2s_assets.core.hashes import short_id
from c2s_assets.core.section import Section


class SplitSpec(Section):
    """How donors are split: change any of it and the split is another one."""

    test_size: float = Field(
        default=0.05, gt=0, lt=1, description="Share of the eligible cells that test aims at."
    )
    seed: int = Field(
        default=0,
        description="Seed of the choice of donors: another gives another split where they leave a choice.",
    )
    non_primary: Literal["drop", "keep"] = Field(
        default="drop",
        description="Whether cells that are not the canonical copy are on neither side, or as others are.",
    )
    missing_age: Literal["drop", "keep"] = Field(
        default="drop",
        description="Whether cells without an age are on neither side where others have one, or kept.",
    )

    @property
    def spec_id(self) -> str:
        """Twelve hexadecimal digits that are the same for equal specs, on every machine."""
        return short_id(self.model_dump())
