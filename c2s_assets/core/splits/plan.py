"""The side of every donor of a lake: published once, kept for ever, extended when datasets come.

A row of the plan is one person, a *component*: the donor ids that are known to be the same. What is published
never moves. Where later evidence joins donors of two sides, the one that was published later is quarantined,
on no side, until the whole plan is made anew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import DATASET_ID, DONOR_ID, DONOR_UID, FOLD, HAS_KNOWN_DONOR, SEX, SPLIT
from c2s_assets.core.splits.donors import AGE_MEDIAN, STAYS_FOR, namespace_of
from c2s_assets.core.splits.drawing import (
    N_FOLDS,
    Donors,
    balance_folds,
    draw_side,
    hash_ids,
    seed_key,
)
from c2s_assets.core.splits.sides import SIDES, TEST, TRAIN, VALIDATION
from c2s_assets.core.splits.spec import SplitSpec

COMPONENT, DONOR_UIDS, QUARANTINED_FOR = "component_id", "donor_uids", "quarantined_for"
REASON, N_ELIGIBLE = "reason", "n_eligible"
MAJOR, MINOR = "major_version", "minor_version"
PLAN_SCHEMA: dict[str, pl.DataType] = {
    COMPONENT: pl.String(),
    DONOR_UIDS: pl.List(pl.String()),
    SPLIT: pl.String(),
    FOLD: pl.Int32(),
    REASON: pl.String(),
    QUARANTINED_FOR: pl.String(),
    DATASET_ID: pl.String(),
    N_ELIGIBLE: pl.Int64(),
    MAJOR: pl.Int32(),
    MINOR: pl.Int32(),
    "spec_id": pl.String(),
}
# Validation takes donors from train: with fewer than these there is none, and folds serve instead.
FEWEST_FOR_VALIDATION = 10

_PERSON, _KEY = "person", "key"


@dataclass(frozen=True)
class Subject:
    """What the plan is extended for.

    Attributes
    ----------
    group_id
        The dataset or the collection that is on one side as a whole; None where donors are.
    published
        `donor_id` to side, of a dataset that was split before there was a plan.
    formerly
        What each `donor_uid` of the dataset began with when it was split before: a dataset may move to
        another collection, and its donors keep their sides.
    """

    dataset_id: str
    group_id: str | None = None
    published: Mapping[str, str] | None = None
    formerly: Collection[str] = ()


def empty_plan() -> pl.DataFrame:
    """Return the plan of a lake in which nothing was split yet."""
    return pl.DataFrame(schema=PLAN_SCHEMA)


def version_of(plan: pl.DataFrame) -> tuple[int, int]:
    """Return the version of a plan, major and minor: that of what was decided last."""
    return max(plan.select(MAJOR, MINOR).unique().iter_rows(), default=(1, 0))


def join_persons(aliases: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Find who is one person, from pairs of `donor_uid` that are.

    Returns
    -------
    `donor_uid` and `person`, the first of all its uids; one row per uid that is in a pair.
    """
    first: dict[str, str] = {}

    def find(uid: str) -> str:
        while (above := first.setdefault(uid, uid)) != uid:
            first[uid] = uid = first[above]
        return uid

    for one, other in aliases:
        low, high = sorted((find(one), find(other)))
        first[high] = low
    uids = sorted(first)
    return pl.DataFrame(
        {DONOR_UID: uids, _PERSON: [find(uid) for uid in uids]},
        schema={DONOR_UID: pl.String, _PERSON: pl.String},
    )


def extend_plan(
    plan: pl.DataFrame, donors: pl.DataFrame, *, persons: pl.DataFrame, spec: SplitSpec, subject: Subject
) -> pl.DataFrame:
    """Give a side and a fold to the donors of a dataset that have none; all others keep theirs.

    A donor who is known by another id already has the side of that. The others are drawn, so that of the
    eligible cells of the dataset the shares that are asked for come to be in test and in validation, with
    those that are there already.

    Parameters
    ----------
    plan
        One row per component, in the order in which they were published.
    donors
        From `count_donors`, of the whole dataset.
    persons
        From `join_persons`.

    Returns
    -------
    The plan, with one minor version more if anything was decided.
    """
    known = donors.filter(HAS_KNOWN_DONOR, pl.col(N_ELIGIBLE) > 0)
    plan = _with_moved(plan, known, formerly=subject.formerly)
    units = _units(known, plan, persons)
    if subject.group_id is None:
        n_all = int(donors[N_ELIGIBLE].sum()) - int(units.filter(_is_quarantined())[N_ELIGIBLE].sum())
        decided = _draw(units, n_all=n_all, namespace=namespace_of(donors), spec=spec, subject=subject)
    elif (plan[COMPONENT] == subject.group_id).any():
        units, decided = units.with_columns(pl.col(COMPONENT).fill_null(subject.group_id)), empty_plan()
    else:
        decided = _draw_group(units, plan, group_id=subject.group_id, spec=spec)
    major, minor = version_of(plan)
    new = decided.with_columns(
        pl.lit(subject.dataset_id).alias(DATASET_ID),
        pl.lit(major, pl.Int32).alias(MAJOR),
        pl.lit(minor + 1 if plan.height else 0, pl.Int32).alias(MINOR),
        pl.lit(spec.spec_id).alias("spec_id"),
    )
    return pl.concat([_with_further_ids(plan, units), new])


def settle(plan: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Act on what is known of persons by now: rows of one become one row, or go into quarantine.

    The row that was published first stays as it is. Others of the same side are joined to it, and get its
    fold, as cross-validation would leak otherwise; others of another side are on no side from now on.
    """
    numbered = plan.with_row_index("row")
    rows = _uids(numbered, "row").join(persons, on=DONOR_UID).select("row", _PERSON).unique()
    linked = join_persons(
        (f"r{row:09d}", f"p{person}") for row, person in rows.sort("row", _PERSON).iter_rows()
    )
    groups = (
        linked.filter(pl.col(DONOR_UID).str.starts_with("r"))
        .with_columns(pl.col(DONOR_UID).str.slice(1).cast(pl.UInt32).alias("row"))
        .sort("row")
        .group_by(_PERSON, maintain_order=True)
        .agg("row")
        .filter(pl.col("row").list.len() > 1)
    )
    kept, (major, minor) = plan.rows(named=True), version_of(plan)
    gone: set[int] = set()
    for members in groups["row"]:
        gone |= _settle_group(kept, list(members), version=(major, minor + 1))
    return pl.DataFrame([row for i, row in enumerate(kept) if i not in gone], schema=PLAN_SCHEMA)


def sides_of(plan: pl.DataFrame) -> pl.DataFrame:
    """Look up the plan by donor: `donor_uid`, then what its row says; one row per uid."""
    return plan.explode(DONOR_UIDS).rename({DONOR_UIDS: DONOR_UID}).drop_nulls(DONOR_UID)


def moved_donors(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """List the donors whose side two plans tell otherwise: `donor_uid`, `before`, `after`; null is none."""
    old, new = (sides_of(plan).select(DONOR_UID, SPLIT) for plan in (before, after))
    both = old.rename({SPLIT: "before"}).join(new.rename({SPLIT: "after"}), on=DONOR_UID)
    return both.filter(pl.col("before").ne_missing(pl.col("after"))).sort(DONOR_UID)


def sides_by_version(plan: pl.DataFrame) -> pl.DataFrame:
    """Count persons and their cells by side and by the major version that decided it."""
    counted = plan.group_by(MAJOR, pl.col(SPLIT).fill_null("in quarantine"))
    return counted.agg(pl.len().alias("n_persons"), pl.col(N_ELIGIBLE).sum()).sort(MAJOR, SPLIT)


def count_persons(plan: pl.DataFrame) -> dict[str, int]:
    """Count persons, those under several ids, and those in quarantine."""
    return {
        "n_persons": plan.height,
        "n_of_several_ids": plan.filter(pl.col(DONOR_UIDS).list.len() > 1).height,
        "n_in_quarantine": plan[QUARANTINED_FOR].count(),
    }


def _with_moved(plan: pl.DataFrame, known: pl.DataFrame, *, formerly: Collection[str]) -> pl.DataFrame:
    """Let donors whose dataset is in another collection now keep the sides that they have as of the former.

    The row of the former id gets the present one as well. Where the present one has a row already, because
    the collection has a dataset with such a donor, the two become one row; if they are on two sides, the
    present id is on none from now on, whichever came first: cells of both go by it.
    """
    rows, (major, minor) = plan.rows(named=True), version_of(plan)
    places = {uid: i for i, row in enumerate(rows) for uid in row[DONOR_UIDS]}
    gone: set[int] = set()
    for donor_id, uid in known.select(DONOR_ID, DONOR_UID).iter_rows():
        for was in (f"{name}/{donor_id}" for name in sorted(formerly)):
            if was not in places or places.get(uid) == places[was]:
                continue
            if uid not in places:
                places[uid] = places[was]
                rows[places[was]][DONOR_UIDS] = sorted({*rows[places[was]][DONOR_UIDS], uid})
                continue
            first, last = sorted((places[was], places[uid]))
            if rows[first][SPLIT] is not None and rows[first][SPLIT] == rows[last][SPLIT]:
                rows[first][DONOR_UIDS] = sorted({*rows[first][DONOR_UIDS], *rows[last][DONOR_UIDS]})
                places |= dict.fromkeys(rows[last][DONOR_UIDS], first)
                gone.add(last)
            elif rows[places[uid]][SPLIT] is not None:
                _quarantine(rows[places[uid]], of=rows[places[was]], version=(major, minor + 1))
    return pl.DataFrame([row for i, row in enumerate(rows) if i not in gone], schema=PLAN_SCHEMA)


def _units(known: pl.DataFrame, plan: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Put the donors of a dataset together that are one person, with what the plan says of each.

    One row per person, in order of its first uid: `key`, `donor_uids`, `component_id`, `split`, `fold` (null
    if it is new), `n_eligible`, `age_median` and `sex` of its largest part, `stays_for`, `donor_id`.
    """
    listed = _uids(plan, COMPONENT, SPLIT, FOLD)
    by_person = (
        listed.join(persons, on=DONOR_UID)
        .sort(pl.col(SPLIT).is_null(), maintain_order=True)
        .unique(_PERSON, keep="first", maintain_order=True)
        .drop(DONOR_UID)
    )
    found = (
        known.join(persons, on=DONOR_UID, how="left")
        .join(listed, on=DONOR_UID, how="left")
        .join(by_person, on=_PERSON, how="left", suffix="_of_person")
    )
    is_listed = pl.col(COMPONENT).is_not_null()
    return (
        found.with_columns(
            pl.when(is_listed).then(name).otherwise(f"{name}_of_person").alias(name)
            for name in (SPLIT, FOLD, COMPONENT)
        )
        .with_columns(pl.coalesce(COMPONENT, _PERSON, DONOR_UID).alias("unit"))
        .sort(N_ELIGIBLE, DONOR_UID, descending=[True, False])
        .group_by("unit", maintain_order=True)
        .agg(
            pl.col(DONOR_UID).min().alias(_KEY),
            pl.col(DONOR_UID).sort().alias(DONOR_UIDS),
            pl.col(DONOR_ID).min(),
            pl.col(COMPONENT, SPLIT, FOLD).first(),
            pl.col(N_ELIGIBLE).sum(),
            pl.col(AGE_MEDIAN, SEX).drop_nulls().first(),
            pl.col(STAYS_FOR).drop_nulls().first(),
        )
        .sort(_KEY)
    )


def _draw(
    units: pl.DataFrame, *, n_all: int, namespace: str, spec: SplitSpec, subject: Subject
) -> pl.DataFrame:
    """Give a side, a fold and a reason to the units that are new; return their rows of the plan."""
    units = _with_published(units.filter(~_is_quarantined()), subject)
    if not units[COMPONENT].null_count():
        return empty_plan()
    key = seed_key(spec.seed, namespace=namespace)
    donors = Donors(
        n_eligible=units[N_ELIGIBLE].to_numpy(),
        age=units[AGE_MEDIAN].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        sex=units[SEX].rank("dense").cast(pl.Int64).fill_null(-1).to_numpy(),
        hashes=hash_ids(units[DONOR_ID], key=key)[:, 0],
    )
    side = units[SPLIT].fill_null("").to_numpy().astype("U10")
    is_free = (side == "") & units[STAYS_FOR].is_null().to_numpy()
    is_tested = draw_side(
        donors, is_free=is_free, is_on_side=side == TEST, n_all=n_all, share=spec.test_size, key=key
    )
    side[is_tested] = TEST
    if units.height >= FEWEST_FOR_VALIDATION and spec.validation_size:
        others = side != TEST
        is_validated = draw_side(
            donors.take(others),
            is_free=(is_free & (side == ""))[others],
            is_on_side=(side == VALIDATION)[others],
            n_all=n_all,
            share=spec.validation_size,
            key=seed_key(spec.seed, namespace=f"{VALIDATION} of {namespace}"),
        )
        side[np.flatnonzero(others)[is_validated]] = VALIDATION
    side[side == ""] = TRAIN
    folds = balance_folds(donors, units[FOLD].fill_null(-1).cast(pl.Int64).to_numpy())
    drawn = units.with_columns(
        _reason(is_free & (side != TRAIN)),
        pl.Series(SPLIT, side.tolist(), pl.String),
        pl.Series(FOLD, folds, pl.Int32),
    ).filter(pl.col(COMPONENT).is_null())
    return _rows(drawn.drop(COMPONENT).rename({_KEY: COMPONENT}))


def _with_published(units: pl.DataFrame, subject: Subject) -> pl.DataFrame:
    """Let new units keep the side on which they were before there was a plan."""
    published = subject.published or {}
    ids = [[_donor_of(uid) for uid in uids] for uids in units[DONOR_UIDS]]
    sides = [next((published[name] for name in names if name in published), None) for names in ids]
    return units.with_columns(pl.coalesce(SPLIT, pl.Series(sides, dtype=pl.String)).alias(SPLIT))


def _reason(is_drawn: NDArray[np.bool_]) -> pl.Expr:
    return (
        pl.when(pl.col(SPLIT).is_not_null())
        .then(pl.lit("its side since before there was a plan"))
        .when(pl.col(STAYS_FOR).is_not_null())
        .then(pl.format("some of its cells are {}", STAYS_FOR))
        .when(pl.Series(is_drawn))
        .then(pl.lit("drawn by age and number of cells"))
        .when(pl.lit(is_drawn.size == 1))
        .then(pl.lit("the only donor that can be told apart"))
        .otherwise(pl.lit("not drawn for another side"))
        .alias(REASON)
    )


def _draw_group(units: pl.DataFrame, plan: pl.DataFrame, *, group_id: str, spec: SplitSpec) -> pl.DataFrame:
    """Put all new donors of a dataset or collection on one side, that of its other donors if it has any."""
    new = units.filter(pl.col(COMPONENT).is_null())
    n_cells = int(new[N_ELIGIBLE].sum())
    of_others = next(iter(units[SPLIT].drop_nulls()), None)
    row = {
        COMPONENT: group_id,
        DONOR_UIDS: new[DONOR_UIDS].explode().drop_nulls().sort().to_list(),
        SPLIT: of_others or _least_filled(plan, n_cells=n_cells, spec=spec),
        FOLD: min(range(N_FOLDS), key=lambda fold: plan.filter(pl.col(FOLD) == fold)[N_ELIGIBLE].sum()),
        REASON: f"drawn with its {spec.by}" if of_others is None else f"as other donors of its {spec.by}",
        N_ELIGIBLE: n_cells,
    }
    return _rows(pl.DataFrame([row], schema_overrides={DONOR_UIDS: pl.List(pl.String)}))


def _rows(decided: pl.DataFrame) -> pl.DataFrame:
    """Give decided units the columns of a plan, without those that say when and by what."""
    there = {name: kind for name, kind in PLAN_SCHEMA.items() if name in decided.columns}
    return decided.select(
        pl.col(name).cast(kind) if name in there else pl.lit(None, kind).alias(name)
        for name, kind in PLAN_SCHEMA.items()
    )


def _least_filled(plan: pl.DataFrame, *, n_cells: int, spec: SplitSpec) -> str:
    """Choose the side that lacks most of its share; the first is train, the second test."""
    filled = {side: int(plan.filter(pl.col(SPLIT) == side)[N_ELIGIBLE].sum()) for side in SIDES}
    for side in (TRAIN, TEST):
        if not filled[side]:
            return side
    shares = {TEST: spec.test_size, VALIDATION: spec.validation_size}
    if plan.height < FEWEST_FOR_VALIDATION:
        shares[VALIDATION] = 0.0
    shares[TRAIN] = 1 - sum(shares.values())
    n_all = sum(filled.values()) + n_cells
    return max(SIDES, key=lambda side: shares[side] * n_all - filled[side])


def _with_further_ids(plan: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Add to components the ids under which their persons are in this dataset."""
    further = (
        units.drop_nulls(COMPONENT)
        .explode(DONOR_UIDS)
        .group_by(COMPONENT)
        .agg(pl.col(DONOR_UIDS).alias("further"))
    )
    joined = plan.join(further, on=COMPONENT, how="left", maintain_order="left")
    all_uids = pl.concat_list(DONOR_UIDS, pl.col("further").fill_null([])).list.unique().list.sort()
    return joined.with_columns(all_uids.alias(DONOR_UIDS)).drop("further")


def _settle_group(rows: list[dict[str, Any]], members: list[int], *, version: tuple[int, int]) -> set[int]:
    """Settle rows that are one person, in place; return those that became part of another."""
    keeper = next((i for i in members if rows[i][SPLIT] is not None), None)
    if keeper is None:
        return set()
    gone = set()
    kept = rows[keeper]
    for i in members:
        row = rows[i]
        if i == keeper or row[SPLIT] is None:
            continue
        if row[SPLIT] == kept[SPLIT]:
            kept[DONOR_UIDS] = sorted({*kept[DONOR_UIDS], *row[DONOR_UIDS]})
            gone.add(i)
        else:
            _quarantine(row, of=kept, version=version)
    return gone


def _quarantine(row: dict[str, Any], *, of: Mapping[str, Any], version: tuple[int, int]) -> None:
    """Put a row on no side, in place, for it is the same person as another."""
    row[REASON] = f"in {row[SPLIT]} until it turned out to be the same person as {of[COMPONENT]}"
    row |= {SPLIT: None, QUARANTINED_FOR: of[COMPONENT], MAJOR: version[0], MINOR: version[1]}


def _donor_of(uid: str) -> str:
    return uid.partition("/")[2]


def _uids(plan: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return plan.select(*columns, pl.col(DONOR_UIDS).alias(DONOR_UID)).explode(DONOR_UID).drop_nulls(DONOR_UID)


def _is_quarantined() -> pl.Expr:
    return pl.col(COMPONENT).is_not_null() & pl.col(SPLIT).is_null()
