"""Sides within a tissue: blocks of a section, or whole sections, far enough apart to share nothing.

For a dataset of one person, whose cells a split by donors would leave on one side. What is held out says how
a model does elsewhere in the same tissue, and nothing of other people.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import SPLIT
from c2s_assets.core.spatial.patches import TISSUE_PATCH
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.splits.drawing import hash_ids, seed_key
from c2s_assets.core.splits.plan import FEWEST_FOR_VALIDATION
from c2s_assets.core.splits.sides import TEST, TRAIN, VALIDATION
from c2s_assets.core.splits.spec import SplitSpec

Level = Literal["block", "section", "tissue"]

# Where less would be left to train on, there is no validation side.
_FEWEST_TRAINED = 0.5


@dataclass(frozen=True)
class Division:
    """The sides of the cells of a tissue.

    Attributes
    ----------
    level
        What is on one side as a whole: blocks of the section, sections, or all of the tissue, which then is
        in train.
    sides
        `split` of every row of obs; null in the buffer between two sides, and without a place.
    buffer_um
        How far cells of two sides lie apart at least.
    """

    level: Level
    sides: pl.Series
    buffer_um: float


def buffer_of(sample: SpatialSample) -> float:
    """Return how far sides have to be apart: half the window of a tissue patch, and as far as cells hear.

    Then no pixel is in patches of two sides, no cell hears one of another side, and none that a cell hears is
    to be seen in a patch of another side.
    """
    return TISSUE_PATCH.um / 2 + sample.reach.radius_um


def divide_tissue(
    sample: SpatialSample, *, spec: SplitSpec, pieces: pl.Series | None, has_image: bool
) -> Division:
    """Divide the cells of a tissue into sides.

    One section is cut into blocks of about as many cells each, of which some are drawn for test and
    validation. Of several sections some are drawn whole, but those of one piece of tissue stay together: they
    lie next to each other. Sections of which nothing is known but that they are of one person are one piece.

    Parameters
    ----------
    pieces
        Piece of tissue that each cell of the sample was cut from, if that is known.
    has_image
        Whether all sections lie in one image, so that patches of two of them may share pixels.
    """
    level, unit = _units(sample, pieces, spec)
    drawn = _draw(unit, spec)
    sides = _apart(drawn, sample, across_sections=has_image)
    if (sides == TRAIN).sum() < _FEWEST_TRAINED * len(sides):
        without = np.where(drawn == VALIDATION, TRAIN, drawn)
        sides = _apart(without, sample, across_sections=has_image)
    named = pl.Series(SPLIT, sides.tolist(), dtype=pl.String).replace({"": None})
    return Division(level, sample.in_all_rows(named.to_frame())[SPLIT], buffer_of(sample))


def cut_into_blocks(xy_um: NDArray[np.float64], n_blocks: int) -> NDArray[np.int64]:
    """Cut cells into rectangles with as many cells each, always across the longer side of what is cut.

    Returns
    -------
    The number of each cell's rectangle, from 0.
    """
    block = np.zeros(len(xy_um), np.int64)
    pending = [(np.arange(len(xy_um)), 0, n_blocks)]
    while pending:
        cells, first, n = pending.pop()
        if n == 1:
            block[cells] = first
            continue
        axis = int(np.ptp(xy_um[cells], axis=0).argmax())
        order = cells[np.argsort(xy_um[cells, axis], kind="stable")]
        n_left = n // 2
        middle = len(cells) * n_left // n
        pending += [(order[:middle], first, n_left), (order[middle:], first + n_left, n - n_left)]
    return block


def _units(
    sample: SpatialSample, pieces: pl.Series | None, spec: SplitSpec
) -> tuple[Level, NDArray[np.int64]]:
    """Give each cell of the sample the number of what is on one side with it as a whole."""
    if pieces is not None:
        number = pieces.fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
        if number.max():
            return "section", number
    if len(sample.sections) > 1:
        return "tissue", np.zeros(len(sample.cells), np.int64)
    n_blocks = max(2, round(1 / spec.test_size))
    return "block", cut_into_blocks(sample.xy_um, min(n_blocks, len(sample.cells)))


def _draw(unit: NDArray[np.int64], spec: SplitSpec) -> NDArray[np.str_]:
    """Draw the units of test and of validation; return the side of each cell."""
    n = int(unit.max()) + 1
    side = np.full(n, TRAIN, dtype="U10")
    if n > 1:
        key = seed_key(spec.seed, namespace="tissue")
        order = np.argsort(hash_ids(map(str, range(n)), key=key)[:, 0])
        n_test = min(max(1, round(spec.test_size * n)), n - 1)
        n_validation = round(spec.validation_size * n) if n >= FEWEST_FOR_VALIDATION else 0
        side[order[:n_test]] = TEST
        side[order[n_test : min(n_test + n_validation, n - 1)]] = VALIDATION
    return side[unit]


def _apart(sides: NDArray[np.str_], sample: SpatialSample, *, across_sections: bool) -> NDArray[np.str_]:
    """Take the cells off validation and train that lie too near to those that are held out before them."""
    from scipy.spatial import cKDTree  # noqa: PLC0415  half a second, of every process that builds a split

    places = sample.xy_um if across_sections else sample.places_apart(buffer_of(sample))
    apart = sides.copy()
    for held, others in ((TEST, (VALIDATION, TRAIN)), (VALIDATION, (TRAIN,))):
        is_held, is_other = apart == held, np.isin(apart, others)
        if is_held.any() and is_other.any():
            distance, _ = cKDTree(places[is_held]).query(
                places[is_other], distance_upper_bound=buffer_of(sample)
            )
            apart[np.flatnonzero(is_other)[np.isfinite(distance)]] = ""
    return apart
