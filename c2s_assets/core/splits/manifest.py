"""Which donors are for training and which for testing, chosen once per dataset and never per block."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    DONOR_ID,
    DONOR_UID,
    FOLD,
    HAS_KNOWN_DONOR,
    IS_PRIMARY_DATA,
    SEX,
    SPLIT,
    SPLIT_LEVEL,
)
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.splits.drawing import (
    N_FOLDS,
    Donors,
    age_distances,
    balance_folds,
    draw_test,
    hash_ids,
    seed_key,
)
from c2s_assets.core.splits.spec import SplitSpec

TRAIN, TEST = "train", "test"
# What both together are called where they are compared with other tables.
SIDES = f"{TRAIN} and {TEST}"
_COUNTS = ("n_cells", "n_non_primary", "n_without_age", "n_eligible")


@dataclass(frozen=True)
class SplitSummary:
    """What a manifest amounts to, for checks and for the UI.

    Cells that are counted under ``n_non_primary`` or ``n_without_age`` are on neither side. Donors are those
    that can be told apart and have an eligible cell. Ages are years: means over cells, each cell standing at
    the median age of its donor; ``age_distance`` is the Wasserstein distance between the two sides. ``None``
    where there is nothing to compute it from.
    """

    split_level: str | None
    n_cells: int
    n_train: int
    n_test: int
    n_non_primary: int
    n_without_age: int
    n_indistinct: int
    test_share: float | None
    n_donors_train: int
    n_donors_test: int
    age_mean_train: float | None
    age_mean_test: float | None
    age_distance: float | None


def split_donors(cells: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Choose the side and the fold of every donor of a dataset, or of every cell if no donor is known.

    A cell is eligible if it is primary data (``is_primary_data`` null counts as true; with
    ``non_primary="keep"`` all cells count) and, where any such cell has an age, has one too (with
    ``missing_age="keep"`` those without count as well). How donors are drawn says `draw_test`. The result
    follows from the ids, cells, ages and sexes of the donors, from the seed, and from what their
    ``donor_uid`` begins with: the collection, whose datasets share donors, or the dataset.

    Parameters
    ----------
    cells
        The whole dataset, one row per cell: ``cell_id, donor_id, donor_uid, has_known_donor, age,
        is_primary_data`` and, where known, ``sex``; other columns are ignored. ``donor_id`` is all null if
        the dataset names no donor.

    Returns
    -------
    The manifest, see schemas.tables.SplitManifest. At level ``donor`` one row per ``donor_id``, in order of
    id; at level ``cell`` one row per cell, in the order given. ``n_cells`` is ``n_eligible`` plus the cells
    left out: ``n_non_primary`` and, of the others, ``n_without_age``; both are 0 where the spec or the
    dataset leaves none out for that reason. ``fold`` is null exactly where donors cannot be told apart.
    ``age_median`` is over eligible cells. A row without eligible cells says ``train``, but ``assign_cells``
    gives its cells no side.
    """
    cells = _mark_eligible(cells, spec=spec)
    if cells[DONOR_ID].is_null().all():
        return _split_cells(cells, spec=spec)
    donors = _count_donors(cells)
    is_distinct = donors[HAS_KNOWN_DONOR].to_numpy()
    key = seed_key(spec.seed, namespace=_namespace(donors))
    drawn = Donors(
        n_eligible=donors["n_eligible"].to_numpy(),
        age=donors["age_median"].cast(pl.Float64).to_numpy(),
        sex=donors[SEX].rank("dense").cast(pl.Int64).fill_null(-1).to_numpy(),
        hashes=hash_ids(donors[DONOR_ID].fill_null(""), key=key)[:, 0],
    )
    can_test = is_distinct & (drawn.n_eligible > 0)
    in_test, folds = np.zeros(donors.height, dtype=bool), np.full(donors.height, -1)
    in_test[can_test] = draw_test(
        drawn.take(can_test), n_all=int(drawn.n_eligible.sum()), test_size=spec.test_size, key=key
    )
    folds[is_distinct] = balance_folds(drawn.take(is_distinct))
    reason = (
        pl.when(~pl.Series(is_distinct))
        .then(pl.lit("in train: cells under this name may come from several donors"))
        .when(~pl.Series(can_test))
        .then(pl.lit("on neither side: none of its cells is eligible"))
        .when(pl.lit(can_test.sum() == 1))
        .then(pl.lit("in train: the only donor that can be told apart"))
        .when(pl.Series(in_test))
        .then(pl.lit("in test: drawn by age and number of cells"))
        .otherwise(pl.lit("in train: not drawn for test"))
    )
    return _to_manifest(donors, level="donor", in_test=in_test, folds=folds, reason=reason)


def assign_cells(cells: pl.DataFrame, manifest: pl.DataFrame) -> pl.DataFrame:
    """Look up the side and the fold of a block of cells; block by block gives what the whole table gives.

    Parameters
    ----------
    cells
        Any rows of the dataset, with the columns that ``split_donors`` needs.
    manifest
        From ``split_donors``. Where its level is ``cell``, the rows of this block are enough, so a reader
        that streams need not join each block with the whole manifest.

    Returns
    -------
    ``cell_id, split, fold``, one row per cell, in the order given. Both are null for a cell left out.

    Raises
    ------
    MissingInputError
        If the manifest does not know a donor (or cell): it was built from another version of the dataset.
    """
    is_cell_level = _split_level(manifest) == "cell"
    key = CELL_ID if is_cell_level else DONOR_ID
    block = cells.select(
        pl.col(CELL_ID, DONOR_ID).cast(pl.String),
        _age_or_null(),
        _is_primary(),
    )
    sides = manifest.select(key, SPLIT, FOLD, "n_eligible", is_known=True)
    block = block.join(sides, on=key, how="left", nulls_equal=True, maintain_order="left")
    unknown = block.filter(pl.col("is_known").is_null())
    if unknown.height:
        raise MissingInputError(
            f"split_manifest has no row for {key} {unknown[key][0]!r} ({unknown.height} such cells in this "
            "block). It was built from another version of the dataset: build split_manifest again."
        )
    if is_cell_level:
        is_eligible = pl.col("n_eligible") > 0
    else:
        # A manifest that left no cell out for a reason was built from a table where that reason never
        # applied, so the block needs no other knowledge of the whole.
        drops_non_primary = manifest["n_non_primary"].sum() > 0
        needs_age = manifest["n_without_age"].sum() > 0
        is_eligible = (pl.col(IS_PRIMARY_DATA) | (not drops_non_primary)) & (
            pl.col(AGE).is_not_null() | (not needs_age)
        )
    return block.select(CELL_ID, pl.when(is_eligible).then(pl.col(SPLIT, FOLD)))


def describe_split(manifest: pl.DataFrame) -> SplitSummary:
    """Count and compare the two sides of a manifest."""
    level = _split_level(manifest)
    in_test = (manifest[SPLIT] == TEST).to_numpy()
    n_eligible = manifest["n_eligible"].to_numpy()
    is_indistinct = manifest[FOLD].is_null().to_numpy()
    is_donor = ~is_indistinct & (n_eligible > 0) & (level == "donor")
    n_test, n_all = int(n_eligible[in_test].sum()), int(n_eligible.sum())

    aged = manifest["age_median"].is_not_null().to_numpy()
    age = manifest["age_median"].cast(pl.Float64).to_numpy()[aged]
    aged_test, weights = in_test[aged], n_eligible[aged]
    has_both_ages = bool(aged_test.any() and not aged_test.all())
    distance = age_distances(aged_test[np.newaxis], n_eligible=weights, age=age) if has_both_ages else None
    return SplitSummary(
        split_level=level,
        n_cells=int(manifest["n_cells"].sum()),
        n_train=n_all - n_test,
        n_test=n_test,
        n_non_primary=int(manifest["n_non_primary"].sum()),
        n_without_age=int(manifest["n_without_age"].sum()),
        n_indistinct=int(n_eligible[is_indistinct].sum()),
        test_share=n_test / n_all if n_all else None,
        n_donors_train=int((is_donor & ~in_test).sum()),
        n_donors_test=int((is_donor & in_test).sum()),
        age_mean_train=_weighted_mean(age[~aged_test], weights[~aged_test]),
        age_mean_test=_weighted_mean(age[aged_test], weights[aged_test]),
        age_distance=float(distance[0]) if distance is not None else None,
    )


def _mark_eligible(cells: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Say of every cell whether it is eligible and, if not, the one reason why."""
    cells = cells.select(
        pl.col(CELL_ID, DONOR_ID, DONOR_UID).cast(pl.String),
        pl.col(HAS_KNOWN_DONOR),
        _age_or_null(),
        _sex(cells),
        is_left_non_primary=~_is_primary() & (spec.non_primary == "drop"),
    )
    has_age = pl.col(AGE).is_not_null()
    dataset_has_ages = (has_age & ~pl.col("is_left_non_primary")).any()
    needs_age = dataset_has_ages & (spec.missing_age == "drop")
    return cells.with_columns(
        is_left_without_age=~pl.col("is_left_non_primary") & ~has_age & needs_age
    ).with_columns(is_eligible=~pl.col("is_left_non_primary") & ~pl.col("is_left_without_age"))


def _count_donors(cells: pl.DataFrame) -> pl.DataFrame:
    """Sum up marked cells, one row per `donor_id` in order of id, null last."""
    return (
        cells.group_by(DONOR_ID)
        .agg(
            pl.col(DONOR_UID).min(),
            pl.col(HAS_KNOWN_DONOR).all(),
            pl.col(AGE).filter("is_eligible").median().alias("age_median"),
            pl.col(SEX).drop_nulls().mode().sort().first(),
            pl.len().cast(pl.Int64).alias("n_cells"),
            pl.col("is_left_non_primary").sum().cast(pl.Int64).alias("n_non_primary"),
            pl.col("is_left_without_age").sum().cast(pl.Int64).alias("n_without_age"),
            pl.col("is_eligible").sum().cast(pl.Int64).alias("n_eligible"),
        )
        .sort(DONOR_ID, nulls_last=True)
    )


def _age_or_null() -> pl.Expr:
    return pl.col(AGE).cast(pl.Float32).fill_nan(None)


def _sex(cells: pl.DataFrame) -> pl.Expr:
    """Sex in lower case; null where it is not known, so that it weighs nothing."""
    if SEX not in cells.columns:
        return pl.lit(None, pl.String).alias(SEX)
    sex = pl.col(SEX).cast(pl.String).str.strip_chars().str.to_lowercase()
    return pl.when(~sex.is_in(["", "unknown", "na", "nan", "none"])).then(sex).alias(SEX)


def _namespace(donors: pl.DataFrame) -> str:
    """Return what the uids of donors begin with."""
    named = donors.filter(pl.col(DONOR_UID).is_not_null())
    return "" if named.is_empty() else str(named[DONOR_UID][0]).removesuffix(str(named[DONOR_ID][0]))


def _is_primary() -> pl.Expr:
    return pl.col(IS_PRIMARY_DATA).cast(pl.Boolean).fill_null(value=True)


def _split_level(manifest: pl.DataFrame) -> str | None:
    return manifest[SPLIT_LEVEL][0] if manifest.height else None


def _split_cells(cells: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Split by cell, because no donor is known: every n-th cell in order of age, then of a keyed hash."""
    key = seed_key(spec.seed)
    hashes = hash_ids(cells[CELL_ID], key=key)
    age = cells[AGE].fill_null(-1).to_numpy()
    is_eligible = cells["is_eligible"].to_numpy()
    # Two orders that share nothing but age; with one, all test cells could fall into the same fold.
    by_age, by_age_again = (np.lexsort((hashes[:, i], age, ~is_eligible)) for i in (0, 1))

    in_test = np.zeros(cells.height, dtype=bool)
    n = int(is_eligible.sum())
    if n >= 2:
        n_test = min(max(round(spec.test_size * n), 1), n - 1)
        start = int.from_bytes(key) % n
        steps = (np.arange(n + 1) * n_test + start) // n
        in_test[by_age[:n]] = np.diff(steps) > 0
    folds = np.empty(cells.height, dtype=np.int64)
    folds[by_age_again] = np.arange(cells.height) % N_FOLDS

    rows = cells.with_columns(
        pl.when("is_eligible").then(AGE).alias("age_median"),
        n_cells=1,
        n_non_primary="is_left_non_primary",
        n_without_age="is_left_without_age",
        n_eligible="is_eligible",
    )
    reason = (
        pl.when("is_left_non_primary")
        .then(pl.lit("on neither side: not primary data"))
        .when("is_left_without_age")
        .then(pl.lit("on neither side: age unknown"))
        .when(pl.Series(in_test))
        .then(pl.lit("in test: no donor is known, drawn by age"))
        .otherwise(pl.lit("in train: no donor is known, not drawn for test"))
    )
    return _to_manifest(rows, level="cell", in_test=in_test, folds=folds, reason=reason)


def _to_manifest(
    rows: pl.DataFrame, *, level: str, in_test: NDArray[np.bool_], folds: NDArray[np.int64], reason: pl.Expr
) -> pl.DataFrame:
    """Put donors or cells into the columns of the manifest; a negative fold stands for none."""
    fold = pl.Series(folds).cast(pl.Int32)
    return rows.select(
        pl.lit(level).alias(SPLIT_LEVEL),
        DONOR_UID,
        DONOR_ID,
        CELL_ID if level == "cell" else pl.lit(None, pl.String).alias(CELL_ID),
        pl.when(pl.Series(in_test)).then(pl.lit(TEST)).otherwise(pl.lit(TRAIN)).alias(SPLIT),
        pl.when(fold >= 0).then(fold).alias(FOLD),
        pl.col("age_median").cast(pl.Float32),
        pl.col(_COUNTS).cast(pl.Int64),
        reason.alias("reason"),
    )


def _weighted_mean(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float | None:
    return float(np.average(values, weights=weights)) if values.size else None
