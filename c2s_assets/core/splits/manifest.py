"""Which donors of a dataset are on which side, and why."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    DATASET_ID,
    DONOR_ID,
    DONOR_UID,
    FOLD,
    IS_PRIMARY_DATA,
    SPLIT,
    SPLIT_LEVEL,
)
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.splits.by_cell import split_cells
from c2s_assets.core.splits.donors import (
    AGE_MEDIAN,
    COPY_INDEX,
    COUNTS,
    LEFT_OUT,
    NO_COPIES,
    age_or_null,
    count_donors,
    mark_eligible,
)
from c2s_assets.core.splits.plan import (
    COMPONENT,
    N_ELIGIBLE,
    QUARANTINED_FOR,
    REASON,
    Subject,
    empty_plan,
    extend_plan,
    join_persons,
    sides_of,
)
from c2s_assets.core.splits.sides import TRAIN
from c2s_assets.core.splits.spec import SplitSpec

BY_CELL = "cell"
N_QUARANTINED = "n_quarantined"
_WHY_LEFT_OUT = dict(
    zip(LEFT_OUT, ("not primary data", "a copy of it is used elsewhere", "age unknown"), strict=True)
)


def split_dataset(
    cells: pl.DataFrame,
    plan: pl.DataFrame,
    *,
    persons: pl.DataFrame,
    spec: SplitSpec,
    subject: Subject,
    copies: pl.DataFrame = NO_COPIES,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Choose the side and the fold of every donor of a dataset, or of every cell if no donor is known.

    Which cells are eligible says `mark_eligible`, how donors get a side `extend_plan`. The result follows
    from the plan; from the ids, cells, ages and sexes of the donors; from the seed, and from what their
    ``donor_uid`` begins with: the collection, whose datasets share donors, or the dataset.

    Parameters
    ----------
    cells
        The whole dataset, one row per cell: ``cell_id, donor_id, donor_uid, has_known_donor, age,
        is_primary_data`` and, where known, ``sex, tissue_type`` and perturbations; other columns are ignored.
        ``donor_id`` is all null if the dataset names no donor.

    Returns
    -------
    The manifest, see schemas.tables.SplitManifest, and the plan as it is now. At level ``cell`` the manifest
    has one row per cell, in the order given; else one per ``donor_id``, in order of id. ``n_cells`` is
    ``n_eligible`` plus the cells left out, each counted for one reason. ``fold`` is null where donors cannot
    be told apart, ``age_median`` is over eligible cells, and a row that is on no side has neither.
    """
    marked = mark_eligible(cells, spec=spec, copies=copies)
    if subject.group_id is None and marked[DONOR_ID].is_null().all():
        return _manifest_of_cells(marked, spec=spec), plan
    donors = count_donors(marked)
    plan = extend_plan(plan, donors, persons=persons, spec=spec, subject=subject)
    return _manifest_of_donors(donors, plan, spec=spec, subject=subject), plan


def split_donors(cells: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Return the manifest of a dataset as if it were alone in its lake; see `split_dataset`."""
    subject = Subject(dataset_id="", group_id=None if spec.by == "donor" else spec.by)
    return split_dataset(cells, empty_plan(), persons=join_persons([]), spec=spec, subject=subject)[0]


def assign_cells(cells: pl.DataFrame, manifest: pl.DataFrame, *, start: int = 0) -> pl.DataFrame:
    """Look up the side and the fold of a block of cells; block by block gives what the whole table gives.

    Parameters
    ----------
    cells
        Any stretch of the dataset, with the columns that `split_dataset` needs.
    manifest
        From `split_dataset`. Where its level is ``cell``, the rows of this block are enough, so a reader that
        streams need not join each block with the whole manifest.
    start
        Row of the dataset with which the block begins.

    Returns
    -------
    ``cell_id, split, fold``, one row per cell, in the order given. Both are null for a cell left out.

    Raises
    ------
    MissingInputError
        If the manifest does not know a donor (or cell): it was built from another version of the dataset.
    """
    key = CELL_ID if level_of(manifest) == BY_CELL else DONOR_ID
    block = cells.select(
        pl.col(CELL_ID, DONOR_ID).cast(pl.String),
        age_or_null(),
        pl.col(IS_PRIMARY_DATA).cast(pl.Boolean).fill_null(value=True),
    )
    sides = manifest.select(key, SPLIT, FOLD, is_known=True)
    block = block.join(sides, on=key, how="left", nulls_equal=True, maintain_order="left")
    unknown = block.filter(pl.col("is_known").is_null())
    if unknown.height:
        raise MissingInputError(
            f"split_manifest has no row for {key} {unknown[key][0]!r} ({unknown.height} such cells in this "
            "block). It was built from another version of the dataset: build split_manifest again."
        )
    if key == CELL_ID:
        return block.select(CELL_ID, SPLIT, FOLD)
    # A manifest that left no cell out for a reason was built from a table where that reason never applied,
    # so the block needs no other knowledge of the whole.
    is_eligible = ~pl.Series(_are_copies(manifest, start, block.height))
    if manifest["n_non_primary"].sum():
        is_eligible &= block[IS_PRIMARY_DATA]
    if manifest["n_without_age"].sum():
        is_eligible &= block[AGE].is_not_null()
    return block.select(CELL_ID, pl.when(is_eligible).then(pl.col(SPLIT, FOLD)))


def level_of(manifest: pl.DataFrame) -> str | None:
    """Return what was split: donors, single cells, or whole datasets or collections; None without rows."""
    return manifest[SPLIT_LEVEL][0] if manifest.height else None


def _manifest_of_donors(
    donors: pl.DataFrame, plan: pl.DataFrame, *, spec: SplitSpec, subject: Subject
) -> pl.DataFrame:
    """Say of each donor what the plan says of it."""
    planned = sides_of(plan).drop(N_ELIGIBLE)
    found = donors.join(planned, on=DONOR_UID, how="left", maintain_order="left")
    own = {SPLIT: TRAIN, FOLD: None, REASON: "cells under this name may come from several donors"}
    if subject.group_id is not None:
        own = plan.row(by_predicate=pl.col(COMPONENT) == subject.group_id, named=True)
    own_side, own_fold = pl.lit(own[SPLIT], pl.String), pl.lit(own[FOLD], pl.Int32)
    is_planned = pl.col(COMPONENT).is_not_null()
    is_quarantined = pl.col(QUARANTINED_FOR).is_not_null()
    is_used = (pl.col(N_ELIGIBLE) > 0) & ~is_quarantined
    side = pl.when(is_planned).then(SPLIT).otherwise(own_side)
    elsewhere = pl.col(DATASET_ID) != subject.dataset_id
    why = (
        pl.when(is_quarantined)
        .then(pl.format("on no side: {}", REASON))
        .when(pl.col(N_ELIGIBLE) == 0)
        .then(pl.lit("on no side: none of its cells is eligible"))
        .when(is_planned & elsewhere)
        .then(pl.format("in {}, as published with dataset {}: {}", SPLIT, DATASET_ID, REASON))
        .when(is_planned)
        .then(pl.format("in {}: {}", SPLIT, REASON))
        .otherwise(pl.format("in {}: {}", own_side, pl.lit(own[REASON])))
    )
    return found.select(
        pl.lit(spec.by).alias(SPLIT_LEVEL),
        DONOR_UID,
        DONOR_ID,
        pl.lit(None, pl.String).alias(CELL_ID),
        pl.when(is_used).then(side).alias(SPLIT),
        pl.when(is_used).then(pl.when(is_planned).then(FOLD).otherwise(own_fold)).alias(FOLD),
        pl.col(AGE_MEDIAN).cast(pl.Float32),
        *(name for name in COUNTS if name != N_ELIGIBLE),
        pl.when(is_quarantined).then(N_ELIGIBLE).otherwise(0).alias(N_QUARANTINED),
        pl.when(is_quarantined).then(0).otherwise(N_ELIGIBLE).alias(N_ELIGIBLE),
        COPY_INDEX,
        why.alias(REASON),
    )


def _manifest_of_cells(marked: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Say of each cell where it is, because no donor is known."""
    sides = split_cells(marked, spec=spec)
    why = pl.format("in {}: no donor is known, drawn by age", SPLIT)
    for name, reason in _WHY_LEFT_OUT.items():
        why = pl.when(name).then(pl.lit(f"on no side: {reason}")).otherwise(why)
    rows = pl.DataFrame([*marked, *sides])
    return rows.select(
        pl.lit(BY_CELL).alias(SPLIT_LEVEL),
        DONOR_UID,
        DONOR_ID,
        CELL_ID,
        SPLIT,
        FOLD,
        pl.when("n_eligible").then(AGE).cast(pl.Float32).alias(AGE_MEDIAN),
        pl.lit(1, pl.Int64).alias("n_cells"),
        pl.col(LEFT_OUT).cast(pl.Int64),
        pl.lit(0, pl.Int64).alias(N_QUARANTINED),
        pl.col(N_ELIGIBLE).cast(pl.Int64),
        pl.lit([], pl.List(pl.Int32)).alias(COPY_INDEX),
        why.alias(REASON),
    )


def _are_copies(manifest: pl.DataFrame, start: int, n_rows: int) -> NDArray[np.bool_]:
    """Whether each row of a block is left out as a copy, shape ``(n_rows,)``."""
    left_out = np.zeros(n_rows, dtype=bool)
    if manifest["n_copies"].sum():
        rows = manifest[COPY_INDEX].explode().drop_nulls().to_numpy()
        left_out[rows[(rows >= start) & (rows < start + n_rows)] - start] = True
    return left_out
