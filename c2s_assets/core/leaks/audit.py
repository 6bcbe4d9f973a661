"""What an audit of written sides finds: donors, persons and cells that are on two of them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import DATASET_ID, DONOR_UID, SPLIT
from c2s_assets.core.splits.plan import COMPONENT, QUARANTINED_FOR, sides_of

KIND, N_CELLS, DATASETS, SIDES_OF = "kind", "n_cells", "datasets", "sides"
DONOR, PERSON, QUARANTINE, NOT_AS_PLANNED = "donor", "person", "quarantine", "not as planned"
EXACT_COPY, COPY = "exact copy", "copy"
WHAT = "what"
# Of the cells and donors that are found on sides.
HASH, IS_GROUP, IS_KNOWN = "hash", "is_group", "is_known"
_SIDE_BITS = np.uint64(3)


def leaks_of_donors(written: pl.DataFrame, plan: pl.DataFrame) -> pl.DataFrame:
    """Find donors and persons on two sides, in quarantine, or elsewhere than the plan says.

    Parameters
    ----------
    written
        How many cells the files of each side hold of each known donor: `donor_uid, split, dataset_id,
        n_cells`.
    plan
        See schemas.tables.SplitPlan.

    Returns
    -------
    One row per leak, see schemas.leaks.Leaks.
    """
    planned = sides_of(plan).select(DONOR_UID, COMPONENT, QUARANTINED_FOR, pl.col(SPLIT).alias("planned"))
    known = written.join(planned, on=DONOR_UID, how="left")
    return pl.concat(
        [
            _on_two_sides(known, DONOR_UID, kind=DONOR),
            # Of a person whose every id is torn the row above says it.
            _on_two_sides(known.drop_nulls(COMPONENT), COMPONENT, kind=PERSON),
            _gathered(known.filter(pl.col(QUARANTINED_FOR).is_not_null()), DONOR_UID, kind=QUARANTINE),
            _gathered(known.filter(pl.col(SPLIT) != pl.col("planned")), DONOR_UID, kind=NOT_AS_PLANNED),
        ]
    )


def hashes_on_sides(hashes: NDArray[np.int64], sides: NDArray[np.int8]) -> NDArray[np.uint64]:
    """Put the number of a cell's side into the last two bits of its hash, so that a cell takes 8 bytes."""
    return (hashes.view(np.uint64) & ~_SIDE_BITS) | sides.astype(np.uint64)


def hashes_on_two_sides(hashed: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Find the hashes that cells of two sides have, ascending, without their last two bits.

    Parameters
    ----------
    hashed
        Of each dataset the cells that carry evidence, from `hashes_on_sides`.
    """
    keys = np.concatenate([np.zeros(0, np.uint64), *hashed])
    keys.sort()
    is_torn = ((keys[1:] ^ keys[:-1]) & ~_SIDE_BITS == 0) & (keys[1:] != keys[:-1])
    return np.unique(keys[1:][is_torn] & ~_SIDE_BITS)


def are_among(hashes: NDArray[np.uint64], torn: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each hash is one of those that `hashes_on_two_sides` found, whatever its last two bits."""
    found: NDArray[np.bool_] = np.isin(hashes & ~_SIDE_BITS, torn)
    return found


def leaks_of_cells(cells: pl.DataFrame, *, kind: str) -> pl.DataFrame:
    """Describe the cells that hold the same counts on two sides, one row per pair of datasets and sides.

    Parameters
    ----------
    cells
        `hash, dataset_id, split, cell_id` of all whose hash `are_among` those on two sides.
    """
    groups = cells.sort(DATASET_ID, "cell_id").group_by(HASH, maintain_order=True)
    described = groups.agg(
        pl.col(SPLIT).unique().sort().alias(SIDES_OF),
        pl.col(DATASET_ID).unique().sort().alias(DATASETS),
        pl.format("{} of {}", "cell_id", DATASET_ID).first().alias(WHAT),
        pl.len().alias(N_CELLS),
    )
    return (
        described.filter(pl.col(SIDES_OF).list.len() > 1)
        .group_by(SIDES_OF, DATASETS)
        .agg(pl.col(WHAT).min(), pl.col(N_CELLS).sum())
        .select(pl.lit(kind).alias(KIND), WHAT, SIDES_OF, DATASETS, pl.col(N_CELLS).cast(pl.Int64))
        .sort(DATASETS, SIDES_OF)
    )


def _on_two_sides(known: pl.DataFrame, column: str, *, kind: str) -> pl.DataFrame:
    gathered = _gathered(known, column, kind=kind)
    return gathered.filter(pl.col(SIDES_OF).list.len() > 1)


def _gathered(known: pl.DataFrame, column: str, *, kind: str) -> pl.DataFrame:
    return (
        known.group_by(pl.col(column).alias(WHAT))
        .agg(
            pl.col(SPLIT).unique().sort().alias(SIDES_OF),
            pl.col(DATASET_ID).unique().sort().alias(DATASETS),
            pl.col(N_CELLS).sum().cast(pl.Int64),
        )
        .select(pl.lit(kind).alias(KIND), WHAT, SIDES_OF, DATASETS, N_CELLS)
        .sort(WHAT)
    )
