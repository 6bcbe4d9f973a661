"""What a vision model is asked about a cell, and about which cells."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import polars as pl

from c2s_assets.core.hashes import keys_of

LEFT_OUT = "max_cells of spatial.vision leaves it out"
SHOWS_NOTHING = "a patch of it is of one colour"
NOT_STATED = "no vision model is stated"
# The same cells on every machine, and of more cells those of fewer first.
_SEED = 0

INSTRUCTIONS = """\
You see two images of one place in a section of a tissue. The first is {cell_um:.0f} x {cell_um:.0f} um, the
second {tissue_um:.0f} x {tissue_um:.0f} um around the same middle. Describe in one or two plain English
sentences, of at most 60 words, what is seen at the middle and around it: colours, shapes, sizes, how dense
and how ordered. No pathologist will look at your words. So name no disease, no tumour, no grade and no
diagnosis, say of nothing that it is normal or abnormal, and guess no cell type. Write no list, no heading
and no markup. If nothing can be seen, say that. The facts below were measured or stated by others: they
tell what the images are of, and are not to be repeated.
Facts: {facts}"""


@dataclass(frozen=True)
class Question:
    """What a model is asked about one cell.

    Attributes
    ----------
    cell_patch, tissue_patch
        A PNG and a JPEG.
    """

    model: str
    prompt: str
    cell_patch: bytes
    tissue_patch: bytes

    @property
    def prompt_sha256(self) -> str:
        """Of the words of the question."""
        return sha256(self.prompt.encode()).hexdigest()

    @property
    def digest(self) -> str:
        """Of all of it: an answer to one question is that to another of the same digest."""
        parts = (self.model.encode(), self.prompt.encode(), self.cell_patch, self.tissue_patch)
        return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def write_prompt(facts: str, *, cell_um: float, tissue_um: float) -> str:
    """Ask for a description of two patches, of which one is so many microns wide and one so many.

    Parameters
    ----------
    facts
        The caption of the cell from which its type cannot be told.
    """
    return INSTRUCTIONS.format(facts=facts, cell_um=cell_um, tissue_um=tissue_um)


def whom_not_to_ask(cells: pl.DataFrame, *, most: int | None) -> pl.Series:
    """Say of each cell why no model is asked about it, and null of those that one is asked about.

    Of more cells than `most` those are asked about that a hash of their ids puts first, so that a larger
    number adds some and takes none away.

    Parameters
    ----------
    cells
        ``cell_id``, ``is_blank`` and ``has_place`` of all cells.
    most
        How many to ask about; None if nobody is to be asked.
    """
    has_place, is_blank = (cells[name].to_numpy() for name in ("has_place", "is_blank"))
    shown = np.flatnonzero(has_place & ~is_blank)
    first = np.argsort(keys_of(cells["cell_id"].gather(shown), seed=_SEED), kind="stable")[:most]
    why = np.where(is_blank, SHOWS_NOTHING, LEFT_OUT).astype(object)
    why[~has_place] = "it has no place in the tissue"
    why[shown[first]] = None
    return pl.Series("why", why.tolist() if most else [NOT_STATED] * len(why), dtype=pl.String)
