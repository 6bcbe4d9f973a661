"""Keeps the split plan of a lake: every build extends it, one at a time, and nobody else writes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from c2s_assets.core.cells.metadata import SPLIT_COLUMNS, split_columns
from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_ID, DONOR_UID, FOLD, SPLIT, SPLIT_LEVEL
from c2s_assets.core.errors import LakeError
from c2s_assets.core.hashes import short_id
from c2s_assets.core.splits.donors import count_donors, mark_eligible
from c2s_assets.core.splits.manifest import BY_CELL, split_dataset
from c2s_assets.core.splits.plan import (
    COMPONENT,
    DONOR_UIDS,
    MAJOR,
    MINOR,
    N_ELIGIBLE,
    PLAN_SCHEMA,
    QUARANTINED_FOR,
    Subject,
    empty_plan,
    extend_plan,
    join_persons,
    settle,
    sides_of,
    version_of,
)
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.tissue import hold_out
from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.leaks import SplitCopies
from c2s_assets.schemas.registry import CELLS, MANIFEST, SPLIT_PLAN
from c2s_assets.schemas.tables import SplitManifest, SplitPlan
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage, stage
from c2s_assets.storage.leaks.published import read_aliases
from c2s_assets.storage.spatial.dividing import read_division
from c2s_assets.storage.splits.copies import find_left_out, read_all_left_out, read_left_out
from c2s_assets.storage.splits.marks import plan_marks, write_marks
from c2s_assets.storage.tables.parquet import (
    read_table,
    table_schema,
    with_metadata,
    write_table,
)


@dataclass(frozen=True)
class PublishedSplit:
    """The sides of one dataset, and the plan that they are part of.

    Attributes
    ----------
    tissue_level
        What of the tissue is on one side as a whole, if it is divided; see `Division`.
    """

    manifest: pl.DataFrame
    plan: pl.DataFrame
    n_cells: int
    tissue_level: str | None = None


def read_plan(layout: Layout) -> pl.DataFrame:
    """Return the plan of a lake, see schemas.tables.SplitPlan; without rows if nothing was split yet.

    Raises
    ------
    LakeError
        If it is not what we write.
    """
    if not layout.split_plan.exists():
        return empty_plan()
    plan = read_table(layout.split_plan)
    if dict(plan.schema) != PLAN_SCHEMA:
        raise LakeError(
            f"{layout.split_plan} has other columns than a split plan: {', '.join(plan.columns)}. Put back "
            f"the one that was there. Without it, the sides are taken from the manifests that are built."
        )
    return plan


def publish_split(dataset: Dataset) -> PublishedSplit:
    """Give every donor of a dataset a side, and keep it in the plan; to be called by who is `alone`.

    Raises
    ------
    MissingInputError
        If the cells of the dataset are not built.
    """
    layout, spec = dataset.layout, dataset.settings.split
    before, cells = read_plan(layout), cells_to_split(dataset)
    copies = read_left_out(layout, dataset.dataset_id)
    manifest, plan = split_dataset(
        cells,
        before,
        persons=read_persons(layout),
        spec=spec,
        subject=replace(
            subject_of(dataset), published=_published(dataset), formerly=_formerly(dataset, before)
        ),
        copies=copies,
    )
    division = read_division(dataset, manifest)
    if division is not None:
        manifest = hold_out(manifest, cells, division.sides)
    known = plan_marks(layout)
    if _changes_others(before, plan):
        known = _marks_of_all(layout, plan, read_all_left_out(layout))
    marks = {**known, dataset.dataset_id: mark_of(plan, manifest, copies)}
    if marks != plan_marks(layout) or not plan.equals(before):
        _put_plan(layout, plan, marks=marks)
    return PublishedSplit(manifest, plan, cells.height, division.level if division else None)


def settle_plan(staged: Stage, layout: Layout, *, spec: SplitSpec) -> pl.DataFrame:
    """Act on all evidence there is by now, see `settle`, and stage the plan; for who is `alone`."""
    plan = settle(read_plan(layout), read_persons(layout))
    stage_whole_plan(staged, layout, plan, spec=spec)
    return plan


def replan(layout: Layout, datasets: list[Dataset]) -> pl.DataFrame:
    """Make the whole plan anew, of all these datasets in a canonical order; nothing is written.

    The order is that of the ids under a keyed hash: which datasets were built first has no part in it.
    """
    persons, plan = read_persons(layout), empty_plan()
    major, _ = version_of(read_plan(layout))
    for dataset in sorted(datasets, key=lambda one: short_id([one.settings.split.seed, one.dataset_id])):
        spec, subject = dataset.settings.split, subject_of(dataset)
        donors = count_donors(mark_eligible(cells_to_split(dataset), spec=spec))
        plan = extend_plan(plan, donors, persons=persons, spec=spec, subject=subject)
    return plan.with_columns(pl.lit(major + 1, pl.Int32).alias(MAJOR), pl.lit(0, pl.Int32).alias(MINOR))


def rename_in_plan(layout: Layout, old: str, new: str) -> None:
    """Let the donors of a dataset keep their sides under its new name, with which their ids begin now."""
    begins = f"^{re.escape(old)}(/|$)"
    with alone(layout, SPLIT_PLAN):
        renamed = read_plan(layout).with_columns(
            pl.col(DONOR_UIDS).list.eval(pl.element().str.replace(begins, f"{new}${{1}}")),
            pl.col(COMPONENT, QUARANTINED_FOR).str.replace(begins, f"{new}${{1}}"),
            pl.col(DATASET_ID).replace({old: new}),
        )
        marks = {name: mark for name, mark in plan_marks(layout).items() if name != old}
        _put_plan(layout, renamed, marks=marks)


def put_whole_plan(layout: Layout, plan: pl.DataFrame, *, spec: SplitSpec) -> None:
    """Let a plan take the place of the last, with all that follows from it; for who is `alone`."""
    with stage(layout, SPLIT_PLAN) as staged:
        stage_whole_plan(staged, layout, plan, spec=spec)
        staged.commit(layout.split_plan, layout.split_marks, layout.split_copies)


def stage_whole_plan(staged: Stage, layout: Layout, plan: pl.DataFrame, *, spec: SplitSpec) -> None:
    """Stage a plan with what follows from it for all datasets, those included that are built already."""
    left_out = find_left_out(layout, plan, spec=spec)
    stage_plan(staged, layout, plan, marks=_marks_of_all(layout, plan, left_out))
    schema = with_metadata(arrow_schema(SplitCopies), {"table": "split_copies"})
    write_table(staged.path(layout.split_copies), left_out, schema=schema)


def stage_plan(staged: Stage, layout: Layout, plan: pl.DataFrame, *, marks: Mapping[str, str]) -> None:
    """Write a plan, and what of it decides of each dataset, so that it can take the place of the last."""
    schema = with_metadata(arrow_schema(SplitPlan), {"table": SPLIT_PLAN})
    write_table(staged.path(layout.split_plan), plan, schema=schema)
    write_marks(staged.path(layout.split_marks), marks)


def mark_of(plan: pl.DataFrame, manifest: pl.DataFrame, left_out: pl.DataFrame) -> str:
    """Digest what a plan says of the donors of a manifest, and which cells are left out as copies."""
    donors = manifest.select(DONOR_UID).drop_nulls()
    rows = sides_of(plan).join(donors, on=DONOR_UID, how="semi").select(DONOR_UID, SPLIT, FOLD)
    return short_id([rows.sort(DONOR_UID).rows(), left_out[CELL_ID].sort().to_list()])


def read_persons(layout: Layout) -> pl.DataFrame:
    """Return who is one person, see `join_persons`, by the evidence that the lake has."""
    aliases = read_aliases(layout).filter("is_same_person")
    return join_persons(aliases.select(DONOR_UID, "other_donor_uid").iter_rows())


def cells_to_split(dataset: Dataset) -> pl.DataFrame:
    """Read of all cells what a split is made of."""
    path = dataset.path(CELLS)
    there = [name for name in SPLIT_COLUMNS if name in table_schema(path).names]
    return split_columns(read_table(path, columns=there))


def subject_of(dataset: Dataset) -> Subject:
    """Tell the plan what it is extended for."""
    match dataset.settings.split.by:
        case "donor":
            group = None
        case "dataset":
            group = dataset.dataset_id
        case "collection":
            group = dataset.collection_id or dataset.dataset_id
    return Subject(dataset.dataset_id, group)


def _put_plan(layout: Layout, plan: pl.DataFrame, *, marks: Mapping[str, str]) -> None:
    with stage(layout, SPLIT_PLAN) as staged:
        stage_plan(staged, layout, plan, marks=marks)
        staged.commit(layout.split_plan, layout.split_marks)


def _published(dataset: Dataset) -> dict[str, str]:
    """Read the sides that a dataset has, in case that the plan does not know them: it is new, or was lost."""
    donors = _last_manifest(dataset).filter(pl.col(N_ELIGIBLE) > 0)
    return dict(donors.drop_nulls([DONOR_UID, SPLIT, FOLD]).select(DONOR_ID, SPLIT).iter_rows())


def _formerly(dataset: Dataset, plan: pl.DataFrame) -> set[str]:
    """Return what the ids of its donors began with when it was split before: a collection, or the dataset.

    It is asked of the last manifest; and of the plan, which knows it of a dataset that was removed meanwhile.
    """
    uids = _last_manifest(dataset)[DONOR_UID].drop_nulls()
    drawn = plan.filter(pl.col(DATASET_ID) == dataset.dataset_id)[COMPONENT]
    return {uid.partition("/")[0] for uid in (*uids, *drawn)}


def _last_manifest(dataset: Dataset) -> pl.DataFrame:
    """Read what was last said of the donors of a dataset; no rows if nothing was, or it was split by cell."""
    columns = [SPLIT_LEVEL, DONOR_ID, DONOR_UID, SPLIT, FOLD, N_ELIGIBLE]
    path = dataset.layout.table(MANIFEST, dataset.dataset_id)
    if not path.exists():
        return frame_schema(SplitManifest).to_frame().select(columns)
    return read_table(path, columns=columns).filter(pl.col(SPLIT_LEVEL) != BY_CELL)


def _changes_others(before: pl.DataFrame, after: pl.DataFrame) -> bool:
    """Whether a plan says other than the last of donors that were in that already."""
    told, now = (sides_of(plan).select(DONOR_UID, SPLIT, FOLD) for plan in (before, after))
    return not told.join(now, on=told.columns, how="anti", nulls_equal=True).is_empty()


def _marks_of_all(layout: Layout, plan: pl.DataFrame, left_out: pl.DataFrame) -> dict[str, str]:
    marks = dict(plan_marks(layout))
    by_dataset = left_out.partition_by(DATASET_ID, as_dict=True)
    for dataset_id in marks:
        path = layout.table(MANIFEST, dataset_id)
        if path.exists():
            donors = read_table(path, columns=[DONOR_UID])
            marks[dataset_id] = mark_of(plan, donors, by_dataset.get((dataset_id,), left_out.clear()))
    return marks
