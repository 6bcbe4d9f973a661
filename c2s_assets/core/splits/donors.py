"""The donors of a dataset as a split sees them: how many of their cells are used, their age and their sex."""

import polars as pl

from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    DONOR_ID,
    DONOR_UID,
    HAS_KNOWN_DONOR,
    IS_PRIMARY_DATA,
    PERTURBATION,
    PERTURBATION_STRATEGY,
    SEX,
    TISSUE_TYPE,
)
from c2s_assets.core.splits.copies import IS_ON_TWO_SIDES, IS_REPEATED
from c2s_assets.core.splits.spec import SplitSpec

# Why cells are on no side, in the order in which it is asked: each is counted for the first that holds.
LEFT_OUT = ("n_non_primary", "n_copies", "n_without_age")
COUNTS = ("n_cells", *LEFT_OUT, "n_eligible")
AGE_MEDIAN, COPY_INDEX, STAYS_FOR = "age_median", "copy_index", "stays_for"

# What some cells of a donor are.
CULTURE, PERTURBED = "of a culture", "perturbed"
_TISSUE = "tissue"
_UNPERTURBED = ("", "na", "nan", "none", "unknown", "control", "no perturbations")
_NOT_SAID = ("", "unknown", "na", "nan", "none")

NO_COPIES = pl.DataFrame(schema={CELL_ID: pl.String, IS_REPEATED: pl.Boolean, IS_ON_TWO_SIDES: pl.Boolean})


def mark_eligible(cells: pl.DataFrame, *, spec: SplitSpec, copies: pl.DataFrame = NO_COPIES) -> pl.DataFrame:
    """Say of every cell whether it is eligible and, if not, the one reason why.

    A cell is eligible if it is primary data (``is_primary_data`` null counts as true; with
    ``non_primary="keep"`` all cells count, with ``"keep_if_unique"`` those that are not repeated), no copy of
    it is on another side, and, where any such cell has an age, has one too (with ``missing_age="keep"`` those
    without count as well).

    Parameters
    ----------
    cells
        The whole dataset, one row per cell, with the columns of `core.cells.metadata.split_columns`.
    copies
        `cell_id` of those that `choose_copies` leaves out, and why: `is_repeated`, `is_on_two_sides`.

    Returns
    -------
    The cells in their order, with `n_non_primary`, `n_copies`, `n_without_age` and `n_eligible`, one of which
    is true, and `stays_for`, why its donor stays in train, if it does.
    """
    is_primary = pl.col(IS_PRIMARY_DATA).cast(pl.Boolean).fill_null(value=True)
    marked = (
        cells.select(
            pl.col(CELL_ID, DONOR_ID, DONOR_UID).cast(pl.String),
            pl.col(HAS_KNOWN_DONOR),
            age_or_null(),
            _sex(cells),
            _stays_for(cells, spec),
            is_primary.alias(IS_PRIMARY_DATA),
        )
        .join(copies, on=CELL_ID, how="left", maintain_order="left")
        .with_columns(pl.col(IS_REPEATED, IS_ON_TWO_SIDES).fill_null(value=False))
    )
    is_repeated = ~pl.col(IS_PRIMARY_DATA) & pl.col(IS_REPEATED) & (spec.non_primary == "keep_if_unique")
    is_there = ~pl.col("n_non_primary") & ~pl.col("n_copies")
    has_age = pl.col(AGE).is_not_null()
    needs_age = (has_age & is_there).any() & (spec.missing_age == "drop")
    return (
        marked.with_columns(n_non_primary=~pl.col(IS_PRIMARY_DATA) & (spec.non_primary == "drop"))
        .with_columns(n_copies=~pl.col("n_non_primary") & (pl.col(IS_ON_TWO_SIDES) | is_repeated))
        .with_columns(n_without_age=is_there & ~has_age & needs_age)
        .with_columns(n_eligible=is_there & ~pl.col("n_without_age"))
        .drop(IS_REPEATED, IS_ON_TWO_SIDES)
    )


def count_donors(marked: pl.DataFrame) -> pl.DataFrame:
    """Sum up marked cells, one row per `donor_id` in order of id, null last.

    Returns
    -------
    `donor_id`, `donor_uid`, `has_known_donor`; `age_median` in years, over eligible cells; `sex` in lower
    case; `stays_for`, why it stays in train if it does; the counts of `COUNTS`; and `copy_index`, the rows of
    its cells that are counted by `n_copies`.
    """
    counted = (
        marked.with_row_index("row")
        .group_by(DONOR_ID)
        .agg(
            pl.col(DONOR_UID).min(),
            pl.col(HAS_KNOWN_DONOR).all(),
            pl.col(AGE).filter("n_eligible").median().alias(AGE_MEDIAN),
            pl.col(SEX).drop_nulls().mode().sort().first(),
            pl.col(STAYS_FOR).drop_nulls().min(),
            pl.len().alias("n_cells"),
            pl.col(*LEFT_OUT, "n_eligible").sum(),
            pl.col("row").filter("n_copies").sort().cast(pl.Int32).alias(COPY_INDEX),
        )
        .sort(DONOR_ID, nulls_last=True)
    )
    return counted.with_columns(pl.col(COUNTS).cast(pl.Int64))


def age_or_null() -> pl.Expr:
    """Age in years; null where it is not a number."""
    return pl.col(AGE).cast(pl.Float32).fill_nan(None)


def namespace_of(donors: pl.DataFrame) -> str:
    """Return what the uids of donors begin with: their collection, or their dataset."""
    named = donors.filter(pl.col(DONOR_UID).is_not_null())
    return "" if named.is_empty() else str(named[DONOR_UID][0]).removesuffix(str(named[DONOR_ID][0]))


def _sex(cells: pl.DataFrame) -> pl.Expr:
    """Sex in lower case; null where it is not known, so that it weighs nothing."""
    if SEX not in cells.columns:
        return pl.lit(None, pl.String).alias(SEX)
    sex = _in_lower_case(SEX)
    return pl.when(~sex.is_in(_NOT_SAID)).then(sex).alias(SEX)


def _stays_for(cells: pl.DataFrame, spec: SplitSpec) -> pl.Expr:
    """Why a cell has its donor in train, if it has: what it is says little of tissue of people."""
    is_culture = is_perturbed = pl.lit(value=False)
    if spec.cultures == "train" and TISSUE_TYPE in cells.columns:
        is_culture = _in_lower_case(TISSUE_TYPE) != _TISSUE
    # A guide that is a control has an id as well; only the strategy says that it is one.
    said = [name for name in (PERTURBATION_STRATEGY, PERTURBATION) if name in cells.columns]
    if spec.perturbed == "train" and said:
        is_perturbed = ~_in_lower_case(said[0]).is_in(_UNPERTURBED)
    return (
        pl.when(is_culture).then(pl.lit(CULTURE)).when(is_perturbed).then(pl.lit(PERTURBED)).alias(STAYS_FOR)
    )


def _in_lower_case(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_chars().str.to_lowercase()
