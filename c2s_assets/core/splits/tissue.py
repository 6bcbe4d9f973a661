"""What a split by donors leaves of a tissue of one person: train, without blocks that are held out of it."""

import polars as pl

from c2s_assets.core.columns import DONOR_ID, FOLD, SPLIT
from c2s_assets.core.splits.donors import COPY_INDEX
from c2s_assets.core.splits.manifest import BY_CELL, assign_cells, level_of
from c2s_assets.core.splits.plan import N_ELIGIBLE, REASON
from c2s_assets.core.splits.sides import TRAIN

_N_COPIES = "n_copies"


def can_be_divided(manifest: pl.DataFrame) -> bool:
    """Whether donors leave nothing to test on: none is known, or one, and all that is used is in train."""
    if level_of(manifest) == BY_CELL:
        return True
    used = manifest.filter(pl.col(SPLIT).is_not_null())
    return level_of(manifest) == "donor" and (used[SPLIT] == TRAIN).all() and used[FOLD].count() <= 1


def hold_out(manifest: pl.DataFrame, cells: pl.DataFrame, sides: pl.Series) -> pl.DataFrame:
    """Take out of a manifest what the blocks of a tissue hold out, or keep apart as a buffer.

    A donor stays in train, on that one side in the whole lake, without these cells; they are counted as used
    elsewhere. Where no donor is known, cells are on the side of their block.

    Parameters
    ----------
    cells
        The whole dataset, as for `split_dataset`.
    sides
        From `divide_tissue`.
    """
    is_used = assign_cells(cells, manifest)[SPLIT].is_not_null()
    if level_of(manifest) == BY_CELL:
        return _by_block(manifest, is_used, sides)
    is_held_out = is_used & sides.ne_missing(pl.Series([TRAIN]))
    held_out = (
        pl.DataFrame([cells[DONOR_ID].cast(pl.String), is_held_out.alias("is_held_out")])
        .with_row_index("row")
        .filter("is_held_out")
        .group_by(DONOR_ID)
        .agg(pl.col("row").cast(pl.Int32).alias("held_out"))
    )
    joined = manifest.join(held_out, on=DONOR_ID, how="left", nulls_equal=True, maintain_order="left")
    rows = joined.with_columns(pl.col("held_out").fill_null([]))
    n_held_out = pl.col("held_out").list.len().cast(pl.Int64)
    return rows.with_columns(
        (pl.col(_N_COPIES) + n_held_out).alias(_N_COPIES),
        (pl.col(N_ELIGIBLE) - n_held_out).alias(N_ELIGIBLE),
        pl.concat_list(COPY_INDEX, "held_out").list.sort().alias(COPY_INDEX),
        pl.when(n_held_out > 0)
        .then(pl.format("{}; {} cells of it are held out or kept apart in its tissue", REASON, n_held_out))
        .otherwise(REASON)
        .alias(REASON),
    ).drop("held_out")


def _by_block(manifest: pl.DataFrame, is_used: pl.Series, sides: pl.Series) -> pl.DataFrame:
    used, side = pl.lit(is_used), pl.lit(sides)
    is_apart = used & side.is_null()
    return manifest.with_columns(
        pl.when(used).then(side).alias(SPLIT),
        pl.when(used & side.is_not_null()).then(FOLD).alias(FOLD),
        pl.when(is_apart).then(1).otherwise(_N_COPIES).cast(pl.Int64).alias(_N_COPIES),
        pl.when(is_apart).then(0).otherwise(N_ELIGIBLE).cast(pl.Int64).alias(N_ELIGIBLE),
        pl.when(is_apart)
        .then(pl.lit("on no side: near cells of another side of the tissue, or without a place in it"))
        .when(used)
        .then(pl.format("in {}: no donor is known, drawn by blocks of the tissue", side))
        .otherwise(REASON)
        .alias(REASON),
    )


def sides_of_records(
    cells: pl.DataFrame, manifest: pl.DataFrame, *, is_eligible: pl.Series, sides: pl.Series | None
) -> pl.Series:
    """Say on which side the record of each cell is: that of its block where the tissue is divided.

    Parameters
    ----------
    is_eligible
        Whether each cell is one that a split uses, from `mark_eligible`.
    sides
        From `divide_tissue`; None where donors are split.
    """
    if sides is None:
        return assign_cells(cells, manifest)[SPLIT]
    return pl.DataFrame({SPLIT: sides}).select(pl.when(is_eligible).then(SPLIT))[SPLIT].alias(SPLIT)
