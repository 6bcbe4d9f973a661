"""Groups of cells of one donor: of one type, and alike in all else that describes their sample."""

from dataclasses import replace

import polars as pl

from c2s_assets.core.cells.labels import member_lists
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    CELL_TYPE,
    DONOR_UID,
    FOLD,
    HAS_KNOWN_DONOR,
    ORGANISM,
    SEX,
    SPLIT,
    TISSUE_TYPE,
)
from c2s_assets.core.tabular.columns import AGE_MONTHS, DISEASE_LIST, IS_HEALTHY, IS_OPEN_ENDED, N_CELLS
from c2s_assets.core.tabular.members import Members, gather

_TISSUE, _ASSAY, _SUSPENSION, _DISEASE = "tissue", "assay", "suspension_type", "disease"
_LABELS = (CELL_TYPE, _TISSUE, TISSUE_TYPE, _ASSAY, _SUSPENSION, _DISEASE, SEX)
_AGES = (AGE, AGE_LOW, AGE_HIGH)
# What is asked of each cell beside its side: no two cells of a group differ in any of it.
READ = pl.Schema(
    {
        **dict.fromkeys((DONOR_UID, ORGANISM, *_LABELS), pl.String()),
        **dict.fromkeys(_AGES, pl.Float32()),
        HAS_KNOWN_DONOR: pl.Boolean(),
    }
)
_KEYS = (DONOR_UID, CELL_TYPE, _ASSAY, _TISSUE, TISSUE_TYPE, _SUSPENSION, _DISEASE, SEX, ORGANISM, *_AGES)

_MONTHS_PER_YEAR = 12
_MOUSE = "Mus musculus"
_HEALTHY = ("normal", "healthy")


def is_used() -> pl.Expr:
    """Whether a cell is on a side, and of a donor that can be told from others."""
    return pl.col(SPLIT).is_not_null() & pl.col(HAS_KNOWN_DONOR) & pl.col(DONOR_UID).is_not_null()


def group_cells(cells: pl.DataFrame) -> Members:
    """Put the cells of one donor and type together that are alike in everything that is said of them.

    A donor of whom two tissues were sampled, or at two ages, or by two assays, has a group for each, so that
    no column of a group is a guess. Where a source does not say something, such as the type, it is null, and
    that is a value like any other. The order of the cells in the file does not change the groups.

    Parameters
    ----------
    cells
        One row per cell of the dataset, in its order: the columns of `READ`, `split` and `fold`. Cells for
        which `is_used` is false are in no group.

    Returns
    -------
    One row per group, in order of donor and type, with all columns of `schemas.tables.Pseudobulk` that
    describe it.
    """
    groups = gather(cells, (*_KEYS, SPLIT, FOLD), where=is_used())
    return replace(groups, rows=_describe(groups))


def _describe(groups: Members) -> pl.DataFrame:
    is_mouse = pl.col(ORGANISM) == _MOUSE
    is_aged = pl.col(AGE_LOW).is_not_null()
    diseases = member_lists(groups.rows[_DISEASE])
    return groups.rows.select(
        pl.col(DONOR_UID, SPLIT, FOLD, *_AGES),
        pl.when(is_aged).then(pl.col(AGE_HIGH).is_null()).alias(IS_OPEN_ENDED),
        pl.when(is_mouse).then(pl.col(AGE) * _MONTHS_PER_YEAR).cast(pl.Float32).alias(AGE_MONTHS),
        pl.col(ORGANISM, SEX, _TISSUE, TISSUE_TYPE, CELL_TYPE, _ASSAY, _SUSPENSION),
        diseases.alias(DISEASE_LIST),
        diseases.list.eval(pl.element().str.to_lowercase().is_in(_HEALTHY)).list.all().alias(IS_HEALTHY),
        pl.Series(N_CELLS, groups.n_cells, pl.Int32),
    )
