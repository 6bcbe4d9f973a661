"""Which donor is on which side, in the whole lake and in each dataset, and the sides as tables."""

from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.columns import AGE, CELL_ID, CELL_SENTENCE, DONOR_ID, FOLD, SPLIT
from c2s_assets.core.findings import Finding
from c2s_assets.core.splits import claims as split_claims
from c2s_assets.core.splits.plan import count_persons, sides_by_version, version_of
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.summary import SplitSummary, describe_split
from c2s_assets.core.unreadable import unread_donors
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, rows_as_markdown, staged_metadata, table_metadata
from c2s_assets.defs.publishing import (
    Events,
    dataset_asset,
    lake_asset,
    publish,
    publish_table,
    staged_asset,
)
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import CELLS, MANIFEST, SENTENCES, SPLIT_PLAN, TABLES
from c2s_assets.schemas.tables import SplitPlan
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.splits.plan import PublishedSplit, publish_split, settle_plan
from c2s_assets.storage.tables.parquet import count_rows, iter_table, read_rows, size_bytes, table_schema
from c2s_assets.storage.tables.sides import read_sides, side_folders, spec_ids, write_records

# Of a lake in a bucket, machines that extend the plan at once: who was slower begins from the new plan.
_OF_RACES = dg.RetryPolicy(max_retries=8, delay=0.5, backoff=dg.Backoff.LINEAR, jitter=dg.Jitter.FULL)
_RECORD_PREVIEW = [CELL_ID, CELL_SENTENCE, AGE, DONOR_ID, SPLIT, FOLD]


@lake_asset(
    group="splits",
    kinds={"parquet"},
    deps=(CELLS, "donor_aliases"),
    code_version="1",
)
def split_plan(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per person of the whole lake: train, validation or test, published once and kept.

    Every build of a dataset extends it for its donors. Made by itself it acts on new evidence: donors who
    turn out to be one person are one row from then on, or in quarantine where they are on two sides.
    """
    layout = store.layout
    with alone(layout, SPLIT_PLAN), stage(layout, SPLIT_PLAN) as staged:
        plan, written = (
            settle_plan(staged, layout, spec=store.settings().split),
            staged.path(layout.split_plan),
        )
        major, minor = version_of(plan)
        yield from publish(
            context,
            staged,
            layout.split_plan,
            layout.split_marks,
            layout.split_copies,
            findings=[
                keeps_schema(iter_table(written), SplitPlan),
                split_claims.components_share_no_donor(plan),
                split_claims.nobody_is_in_quarantine(plan),
            ],
            metadata=table_metadata(
                layout.split_plan, SplitPlan, staged=written, lineage={}, preview=plan.head(5)
            )
            | as_metadata({"version": f"{major}.{minor}", **count_persons(plan)})
            | {"sides": rows_as_markdown(sides_by_version(plan), n_rows=20)},
            # That it was extended makes no manifest outdated; those that are know it by their marks.
            version=f"plan-{major}",
        )


@dataset_asset(group="splits", kinds={"parquet"}, retry_policy=_OF_RACES)
def split_manifest(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per donor: train, validation or test, its fold, and why; what the plan says of this dataset."""
    dataset = store.dataset(context.partition_key)
    spec = dataset.settings.split
    with alone(store.layout, SPLIT_PLAN):
        split = publish_split(dataset)
        with staged_asset(context, store) as staged:
            says: dict[str, Any] = {"tissue_level": split.tissue_level} if split.tissue_level else {}
            staged.write([split.manifest], spec_id=spec.spec_id, spec=spec.model_dump(), **says)
            yield from publish_table(
                staged,
                claims=_claims_of_split(dataset, split, spec),
                metadata=staged_metadata(staged, lineage=lineage.of_split_manifest(split.manifest.columns))
                | as_metadata({"spec_id": spec.spec_id, **says, **spec.model_dump()})
                | as_metadata(asdict(describe_split(split.manifest)))
                | _drawn("cells_per_donor", plots.cells_per_donor(split.manifest)),
            )


@dataset_asset(group="splits", kinds={"parquet"})
def train_test(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell that is used: its sentence, age, metadata, publication; a folder for each side."""
    from c2s_assets.storage.sources.publications import read_publication

    with staged_asset(context, store) as staged:
        dataset = staged.dataset
        manifest = dataset.read(MANIFEST)
        listed = read_publication(store.layout, dataset_id=dataset.dataset_id)
        write_records(staged, manifest, listed=listed)
        cells = read_sides(side_folders(staged))
        yield from publish_table(
            staged,
            blocks=staged.written(is_text=True),
            claims=_claims_of_sides(dataset, cells, describe_split(manifest)),
            metadata=_metadata(staged)
            | as_metadata({f"{name}_spec_id": spec_id for name, spec_id in spec_ids(dataset).items()})
            | _drawn("ages_by_split", plots.ages_by_split(cells)),
        )


def _claims_of_split(dataset: Dataset, split: PublishedSplit, spec: SplitSpec) -> list[Finding]:
    manifest, plan, summary = split.manifest, split.plan, describe_split(split.manifest)
    unread = unread_donors(dataset.entry, dataset.profile.obs_not_read)
    return [
        split_claims.donors_can_be_read(unread),
        split_claims.accounts_for_all_cells(manifest, n_cells=split.n_cells),
        split_claims.no_donor_in_both_splits(manifest),
        split_claims.splits_by_donor(summary, tissue_level=split.tissue_level),
        split_claims.test_share_near_target(summary, spec=spec, tissue_level=split.tissue_level),
        split_claims.validation_share_near_target(summary, spec=spec),
        split_claims.ages_are_balanced(manifest, summary),
        split_claims.no_cell_is_left_out_for_its_age(manifest),
        split_claims.no_donor_is_in_quarantine(plan, manifest),
        split_claims.plan_follows_settings(plan, manifest, spec=spec),
    ]


def _claims_of_sides(dataset: Dataset, cells: pl.DataFrame, summary: SplitSummary) -> list[Finding]:
    missing_age = dataset.settings.split.missing_age
    return [
        split_claims.no_donor_in_both_splits(cells),
        split_claims.no_cell_in_both_splits(cells),
        split_claims.rows_match_manifest(cells, summary),
        split_claims.has_both_splits(summary),
        split_claims.cells_have_ages(cells[AGE].count(), n_cells=cells.height, missing_age=missing_age),
    ]


def _metadata(staged: DatasetStage) -> Metadata:
    """Describe both sides; columns and first rows are those of the first that has any."""
    written = {side: path for side, path in side_folders(staged).items() if path.exists()}
    if not written:
        return as_metadata({"dagster/row_count": 0})
    targets = {target.name: target for target in staged.targets}
    n_rows = {side: count_rows(path) for side, path in written.items()}
    first = next(iter(written))
    columns = (table_schema(staged.dataset.path(name)).names for name in (CELLS, SENTENCES))
    return table_metadata(
        targets[first],
        TABLES[staged.asset].model,
        staged=written[first],
        lineage=lineage.of_train_test(*columns),
        preview=read_rows(written[first], 0, 5, columns=_RECORD_PREVIEW),
        n_rows=sum(n_rows.values()),
    ) | as_metadata(
        {
            "size_bytes": sum(map(size_bytes, written.values())),
            **{f"path_{side}": str(targets[side]) for side in written},
            **{f"n_{side}": count for side, count in n_rows.items()},
        }
    )


def _drawn(name: str, picture: dg.MarkdownMetadataValue | None) -> Metadata:
    return {} if picture is None else {name: picture}
