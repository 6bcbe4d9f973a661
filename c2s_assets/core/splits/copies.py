"""Cells that are in a lake several times: which of them a split uses."""

import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID, IS_PRIMARY_DATA, SPLIT
from c2s_assets.core.leaks.columns import COPY_GROUP

IS_REPEATED, IS_ON_TWO_SIDES = "is_repeated", "is_on_two_sides"
KEPT_DATASET, KEPT_CELL = "kept_dataset_id", "kept_cell_id"
# When the donor of a cell was published: its row in the plan; null if it is in none.
PUBLISHED = "published"


def choose_copies(copies: pl.DataFrame, *, keeps_unique: bool) -> pl.DataFrame:
    """Choose which copies of a cell are left out.

    Of the copies of one cell that one stays whose donor was published first, and all others on its side; so a
    cell that is in train never comes to be tested on, whatever is added later. A copy whose donor is not
    known has no side that it could rely on, and is left out if there is another.

    Parameters
    ----------
    copies
        One row per cell that has copies: `dataset_id, cell_id, copy_group, split` (null if it is on no side,
        for whatever reason), `is_primary_data`, `published`.
    keeps_unique
        Whether cells that are no primary data are used where the lake has no primary copy, once.

    Returns
    -------
    The cells that are left out, in order of dataset and cell: `is_repeated`, for another copy of a cell of
    which no primary one is there, `is_on_two_sides`, and `kept_dataset_id` and `kept_cell_id` of the one that
    is used instead.
    """
    is_primary = pl.col(IS_PRIMARY_DATA).fill_null(value=True)
    is_first = pl.int_range(pl.len()).over(COPY_GROUP) == 0
    ordered = copies.sort(~is_primary, PUBLISHED, DATASET_ID, CELL_ID, nulls_last=True).with_columns(
        (~is_primary & ~is_first & keeps_unique).alias(IS_REPEATED)
    )
    used = ordered.filter(pl.col(SPLIT).is_not_null(), ~pl.col(IS_REPEATED))
    kept = (
        used.sort(PUBLISHED, DATASET_ID, CELL_ID, nulls_last=True)
        .group_by(COPY_GROUP, maintain_order=True)
        .agg(
            pl.col(SPLIT).first().alias("kept_split"),
            pl.col(DATASET_ID).first().alias(KEPT_DATASET),
            pl.col(CELL_ID).first().alias(KEPT_CELL),
        )
    )
    is_kept = (pl.col(DATASET_ID) == pl.col(KEPT_DATASET)) & (pl.col(CELL_ID) == pl.col(KEPT_CELL))
    # Not by the side of those without a donor: it is none where they were left out before.
    is_elsewhere = (pl.col(SPLIT) != pl.col("kept_split")) | pl.col(PUBLISHED).is_null()
    is_torn = ~pl.col(IS_REPEATED) & ~is_kept & is_elsewhere
    return (
        ordered.join(kept, on=COPY_GROUP, how="left")
        .with_columns(is_torn.fill_null(value=False).alias(IS_ON_TWO_SIDES))
        .filter(pl.col(IS_REPEATED) | pl.col(IS_ON_TWO_SIDES))
        .select(DATASET_ID, CELL_ID, IS_REPEATED, IS_ON_TWO_SIDES, KEPT_DATASET, KEPT_CELL)
        .sort(DATASET_ID, CELL_ID)
    )
