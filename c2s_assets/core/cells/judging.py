"""What is found of the cells of a dataset, before and after they are written."""

from collections.abc import Sequence

import polars as pl

from c2s_assets.core.cells import claims
from c2s_assets.core.cells.candidates import ObsColumn, age_candidates, donor_candidates
from c2s_assets.core.cells.survey import ObsSurvey
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    DONOR_ID,
    HAS_KNOWN_DONOR,
    LIFE_STAGE,
    ORGANISM,
)
from c2s_assets.core.findings import Finding

# What `judge_cells` looks at.
JUDGED_COLUMNS = [
    CELL_ID,
    DONOR_ID,
    HAS_KNOWN_DONOR,
    ORGANISM,
    AGE,
    AGE_LOW,
    AGE_HIGH,
    AGE_METHOD,
    LIFE_STAGE,
]


def judge_cells(
    cells: pl.DataFrame, *, survey: ObsSurvey, columns: Sequence[ObsColumn], unread: str | None
) -> list[Finding]:
    """Judge ids, donors and ages of all cells of a dataset.

    Parameters
    ----------
    cells
        As `describe_cells` returns them.
    columns
        Those of obs, among which may be others that name donors or hold ages.
    unread
        Why the column that names donors cannot be read, see `unread_donors`.
    """
    used, source = survey.sources.used, survey.sources.donor
    ages = [read for read in (survey.age, survey.age_group) if read is not None]
    donors = donor_candidates(columns, used=used)
    return [
        claims.cell_ids_are_unique(cells),
        claims.donors_are_known(cells, column=source, unread=unread, candidates=donors),
        claims.donors_are_no_outcomes(cells),
        claims.ages_are_known(cells, columns=ages, candidates=age_candidates(columns, used=used)),
        claims.ages_are_plausible(cells, columns=ages),
    ]
