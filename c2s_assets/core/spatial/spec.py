"""What `datasets.yaml` says of positions in a tissue, and of what cells say to each other."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from c2s_assets.core.section import Section

# What a row of obs is: a cell with its outline, a spot or a bead with several, a square of a few microns.
Unit = Literal["cell", "spot", "bin", "bead"]

# How large a pixel of a cell's patch is: the same in every dataset, or that of its image.
Scale = Literal["fixed", "native"]

# Which of the two columns of the positions is x, to the right, and which is y, down.
Axes = Literal["xy", "yx"]

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")

# Before the name of an image that is in the file itself.
IN_H5AD = "h5ad:"
# Before the name of a part of the table that LIANA brings along.
OF_LIANA = "liana:"


class VisionEntry(Section):
    """A vision model that describes cells: patches of them are sent to it, wherever it runs."""

    endpoint: str = Field(
        pattern=r"^https?://\S+$",
        description="Address of what speaks like the API of OpenAI, as far as before /chat/completions.",
    )
    model: str = Field(min_length=1, description="What the model is called there.")
    api_key_env: str | None = Field(
        default=None, description="Variable of the environment that holds the key, if it takes one."
    )
    max_cells: int = Field(default=1_000, ge=1, description="How many cells it is asked about.")

    @field_validator("api_key_env")
    @classmethod
    def _is_no_key(cls, name: str | None) -> str | None:
        if name is not None and not _VARIABLE.fullmatch(name):  # a key that stands there is not to be shown
            raise ValueError("it should be the name of a variable that holds the key, and not the key")
        return name


class SpatialEntry(Section):
    """Where a dataset keeps its positions. The section may be empty: it says that there are some."""

    coordinates: str | None = Field(
        default=None, description="Array of obsm with the positions; spatial if not named."
    )
    axes: Axes | None = Field(
        default=None,
        description="Order of the two columns of the positions: xy, as it is if not stated, or yx. What is "
        "stated is right, whatever the image shows.",
    )
    um_per_unit: float | None = Field(
        default=None, gt=0, description="Microns per unit of the positions, if the file does not say it."
    )
    section_column: str | None = Field(
        default=None, description="obs column of the section, if there are several in the file."
    )
    tissue_block_column: str | None = Field(
        default=None,
        description="obs column of the piece of tissue that a section was cut from; sections of one piece "
        "lie next to each other and stay on one side. Those of one donor are one piece if it is not named.",
    )
    cell_disease_column: str | None = Field(
        default=None, description="obs column of the state of each single cell, such as tumour or normal."
    )
    image: str | None = Field(
        default=None,
        description="Image that the positions are pixels of: a path, from the lake's folder on, also of an "
        "image of a SpatialData store; or, in the file itself, h5ad:fullres or h5ad:hires.",
    )
    alignment: str | None = Field(
        default=None,
        description="CSV of the 3 x 3 matrix that turns pixels of the image into the unit of the positions.",
    )
    patches: Scale = Field(
        default="fixed",
        description="fixed: 0.25 um a pixel in every dataset, so that the patch of a cell is 16 um wide; "
        "native: 64 x 64 pixels of the image as they are, however wide these are.",
    )
    unit: Unit | None = Field(
        default=None, description="What a row is: cell, spot, bin or bead, if the file does not say it."
    )
    # Whoever adds it has no other table built anew: it is no part of what those are made by.
    vision: VisionEntry | None = Field(
        default=None, exclude=True, description="A vision model that describes cells; none if not stated."
    )

    @model_validator(mode="after")
    def _vision_has_an_effect(self) -> Self:
        if self.vision is not None and self.image is None:
            raise ValueError("vision has no effect without image, of whose patches it speaks")
        return self

    def files(self) -> dict[str, str]:
        """Return the files that the entry names, by its keys."""
        named = {"image": self.image, "alignment": self.alignment}
        return {key: name for key, name in named.items() if name is not None and not name.startswith(IN_H5AD)}


class CommunicationSettings(Section):
    """How cells hear each other, for all spatial datasets."""

    pairs: str | None = Field(
        default=None,
        description="Pairs of ligand and receptor: liana:consensus, liana:mouseconsensus, or the path of a "
        "table; by default LIANA's of the organism.",
    )
    scale: float | None = Field(
        default=None, gt=0, description="Level of expression that counts as 1, for datasets to be compared."
    )

    def file(self) -> str | None:
        """Return the file that pairs are to be read from, if it is none of LIANA's."""
        return None if self.pairs is None or self.pairs.startswith(OF_LIANA) else self.pairs
