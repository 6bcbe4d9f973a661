"""Donors that share cells: who of them are one person under two names."""

import polars as pl

from c2s_assets.core.leaks.columns import (
    DATASETS,
    IS_EXACT,
    IS_SAME_PERSON,
    N_EXACT,
    N_EXPECTED_BY_CHANCE,
    N_SHARED_CELLS,
)

# One or two shared cells may be barcodes that were taken for another donor's.
_FEWEST_SHARED = 3
# The estimate of chance takes all cells for equally unlike. Of shallow cells of a panel, where that is
# furthest from the truth, a hundred times as many look like copies.
_TIMES_CHANCE = 1000


def count_shared(pairs: pl.DataFrame) -> pl.DataFrame:
    """Count the cells that each two donors share, of pairs of cells that are copies.

    Parameters
    ----------
    pairs
        `cell`, `donor` (an enum in alphabetical order), `dataset`, the same with `other_` before, and
        `is_exact`; a donor is null where it cannot be told from others.

    Returns
    -------
    For each two different donors, `donor` below `other_donor`: `n_shared_cells` (cells of the first), of
    these `n_exact`, and `datasets`.
    """
    other = {name: f"other_{name}" for name in ("cell", "donor", "dataset")}
    turned = pairs.rename(other | {there: name for name, there in other.items()})
    both = pl.concat([pairs, turned], how="diagonal").filter(pl.col("donor") < pl.col("other_donor"))
    return both.group_by("donor", "other_donor").agg(
        pl.col("cell").n_unique().cast(pl.Int64).alias(N_SHARED_CELLS),
        pl.col("cell").filter(pl.col(IS_EXACT)).n_unique().cast(pl.Int64).alias(N_EXACT),
        pl.col("dataset").append(pl.col("other_dataset")).unique().sort().alias(DATASETS),
    )


def expect_by_chance(shared: pl.DataFrame, *, evidence: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """Add to pairs of donors how many copies chance would give them, their part of those of their datasets.

    Parameters
    ----------
    shared
        `donor` and `other_donor`.
    evidence
        `dataset`, `donor` and `n_evidence`: cells that carry evidence; a row also for cells without a donor.
    compared
        `dataset`, `other_dataset` and `n_expected`; a dataset may be compared with itself.
    """
    n_all = evidence.group_by("dataset").agg(pl.col("n_evidence").sum().alias("n_all"))
    share = evidence.join(n_all, on="dataset").select(
        "dataset", "donor", share=pl.col("n_evidence") / pl.col("n_all")
    )
    # Of n cells of one dataset there are n * n / 2 pairs: each is met in both directions.
    turned = compared.rename({"dataset": "other_dataset", "other_dataset": "dataset"})
    both_ways = pl.concat([compared, turned], how="diagonal")
    others = share.rename({"dataset": "other_dataset", "donor": "other_donor", "share": "other_share"})
    n_expected = pl.col("n_expected") * pl.col("share") * pl.col("other_share")
    expected = (
        shared.select("donor", "other_donor")
        .join(share, on="donor")
        .join(both_ways, on="dataset")
        .join(others, on=["other_dataset", "other_donor"])
        .group_by("donor", "other_donor")
        .agg(n_expected.sum().alias(N_EXPECTED_BY_CHANCE))
    )
    return shared.join(expected, on=["donor", "other_donor"], how="left")


def judge(shared: pl.DataFrame) -> pl.DataFrame:
    """Add to pairs of donors whether they are one person: they share far more cells than chance allows."""
    n_shared, n_expected = pl.col(N_SHARED_CELLS), pl.col(N_EXPECTED_BY_CHANCE)
    is_same = (n_shared >= _FEWEST_SHARED) & (n_shared > _TIMES_CHANCE * n_expected)
    return shared.with_columns(is_same.alias(IS_SAME_PERSON))
