"""On which side the record of each cell is, or why on none."""

import polars as pl

from c2s_assets.core.columns import CELL_ID, SPLIT
from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.columns import WHY_ON_NO_SIDE

_LEAST_SHARE = 0.5
_NO_PLACE = "has no place in the tissue"
_BETWEEN = "lies nearer to cells of another side than a model may see"
# Of a cell that the split leaves out, by the column that `mark_eligible` counts it in.
_LEFT_OUT = {
    "n_non_primary": "is not primary data",
    "n_copies": "is used elsewhere, or a copy of it is",
    "n_without_age": "has no age, as others have",
}
_OF_DONOR = "its donor is on no side"


def account_for_cells(
    marked: pl.DataFrame, sides: pl.Series, is_placed: pl.Series, *, is_divided: bool
) -> pl.DataFrame:
    """Say of each cell on which side its record is or, of those on none, why.

    Parameters
    ----------
    marked
        From `mark_eligible`.
    sides
        From `sides_of_records`.
    is_divided
        Whether sides are of blocks of the tissue, which lie apart.

    Returns
    -------
    See schemas.tables.RecordSides.
    """
    why = pl.coalesce(
        pl.when(~is_placed).then(pl.lit(_NO_PLACE)),
        *(pl.when(pl.col(name)).then(pl.lit(reason)) for name, reason in _LEFT_OUT.items()),
        pl.lit(_BETWEEN if is_divided else _OF_DONOR),
    )
    has_record = sides.is_not_null() & is_placed
    return marked.select(
        CELL_ID,
        pl.when(has_record).then(sides).alias(SPLIT),
        pl.when(~has_record).then(why).alias(WHY_ON_NO_SIDE),
    )


def cells_have_records(accounts: pl.DataFrame) -> Finding:
    """Claim that at least half of the cells are on a side, and count why others are not."""
    n_on_sides = accounts[SPLIT].count()
    reasons = accounts.drop_nulls(WHY_ON_NO_SIDE)[WHY_ON_NO_SIDE].value_counts(sort=True)
    message = f"{n_on_sides:,} of {accounts.height:,} cells are on a side."
    if reasons.height:
        listed = "; ".join(f"{n:,} of which each {why}" for why, n in reasons.iter_rows())
        message += f" The others: {listed}."
    holds = n_on_sides >= _LEAST_SHARE * accounts.height
    if not holds:
        message += " c2s export cellnet writes all that have a place."
    return Finding("cells_have_records", holds, message, {"n_on_sides": n_on_sides})
