"""Captions of all cells of a sample, and how well their types can be told from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, CELL_TYPE
from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.caption_leaks import (
    Leak,
    blind_captions_hide_types,
    choose_blind_clauses,
    measure_leak,
)
from c2s_assets.core.spatial.captions import CAPTION_SOURCE, OF_BLIND, compare_nuclei, write_captions
from c2s_assets.core.spatial.sample import SpatialSample

# More texts make no classifier that tells more of so few kinds of sentences.
_MOST_READ = 2_000

COLUMNS = (
    *(CELL_ID, c.CAPTION, c.CAPTION_BLIND, c.CAPTION_SOURCE, c.N_NEIGHBOURS, c.DENSITY_PER_MM2),
    *(c.NEIGHBOUR_TYPES, c.NEIGHBOUR_FRACS, c.STRONGEST_PAIRS),
    *(c.NUCLEUS_AREA_UM2, c.NUCLEUS_ELONGATION, c.NUCLEUS_STAIN),
)


@dataclass(frozen=True)
class Captioned:
    """Captions, and what was measured of them.

    Attributes
    ----------
    rows
        See schemas.tables.Captions.
    blind_clauses
        Of which `caption_blind` is made.
    open_leak, blind_leak
        What can be told from `caption` and from `caption_blind`.
    """

    rows: pl.DataFrame
    blind_clauses: list[str]
    open_leak: Leak | None
    blind_leak: Leak | None
    n_read: int

    def hides_types(self) -> Finding:
        """Claim that types cannot be told from the blind captions."""
        return blind_captions_hide_types(
            self.open_leak, self.blind_leak, clauses=self.blind_clauses, n_cells=self.n_read
        )


def caption_cells(facts: pl.DataFrame, sample: SpatialSample, *, groups: NDArray[np.int64]) -> Captioned:
    """Write the captions of all cells; `caption_blind` is of clauses from which types cannot be told.

    Parameters
    ----------
    facts
        Columns of `cell_attributes` and the facts of `captions`, one row per cell of the dataset.
    groups
        Donor or block of each cell of the sample, of which whole ones are held out to measure that.
    """
    known = np.flatnonzero(facts[CELL_TYPE].gather(sample.cells).is_not_null().to_numpy())
    read = known[np.unique(np.linspace(0, max(len(known) - 1, 0), min(len(known), _MOST_READ)).astype(int))]
    rows = sample.cells[read]
    types = facts[CELL_TYPE].gather(rows).to_list()
    compared = compare_nuclei(facts)
    compared_read = compared[rows]

    def write(of: pl.DataFrame, clauses: Sequence[str]) -> pl.DataFrame:
        return write_captions(of, unit=sample.unit, reach=sample.reach, blind=clauses)

    def write_blind(clauses: Sequence[str]) -> list[str]:
        return write(compared_read, clauses)[c.CAPTION_BLIND].to_list()

    open_leak = measure_leak(write(compared_read, OF_BLIND)[c.CAPTION].to_list(), types, groups[read])
    clauses, blind_leak = choose_blind_clauses(write_blind, types, groups[read])
    has_place = pl.col(c.SECTION).is_not_null()
    texts = facts.select(c.SECTION).with_columns(
        *write(compared, clauses), pl.lit(CAPTION_SOURCE).alias(c.CAPTION_SOURCE)
    )
    placed = texts.select(
        pl.when(has_place).then(name).alias(name) for name in (c.CAPTION, c.CAPTION_BLIND, c.CAPTION_SOURCE)
    )
    return Captioned(
        pl.DataFrame([*facts, *placed]).select(COLUMNS), clauses, open_leak, blind_leak, len(rows)
    )
