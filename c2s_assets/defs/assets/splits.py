"""Which donor is on which side, and the two sides as tables."""

from dataclasses import asdict

import dagster as dg
import polars as pl

from c2s_assets.core.cells.metadata import SPLIT_COLUMNS, split_columns
from c2s_assets.core.columns import AGE, CELL_ID, CELL_SENTENCE, DONOR_ID, FOLD, SPLIT
from c2s_assets.core.findings import Finding
from c2s_assets.core.splits import claims as split_claims
from c2s_assets.core.splits.manifest import SplitSummary, describe_split, split_donors
from c2s_assets.core.unreadable import unread_donors
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, staged_metadata, table_metadata
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, staged_asset
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import CELLS, MANIFEST, SENTENCES, TABLES
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.tables.parquet import count_rows, read_rows, read_table, size_bytes, table_schema
from c2s_assets.storage.tables.sides import read_sides, side_folders, spec_ids, write_records

_RECORD_PREVIEW = [CELL_ID, CELL_SENTENCE, AGE, DONOR_ID, SPLIT, FOLD]


@dataset_asset(group="splits", kinds={"parquet"})
def split_manifest(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per donor: train or test, its fold, and why. All cells of a donor are on one side."""
    with staged_asset(context, store) as staged:
        dataset, spec = staged.dataset, staged.dataset.settings.split
        cells = _cells_to_split(dataset)
        manifest = split_donors(cells, spec=spec)
        summary = describe_split(manifest)
        staged.write([manifest], spec_id=spec.spec_id, spec=spec.model_dump())
        yield from publish_table(
            staged,
            claims=_claims_of_manifest(dataset, manifest, summary, n_cells=cells.height),
            metadata=staged_metadata(staged, lineage=lineage.of_split_manifest(manifest.columns))
            | as_metadata({"spec_id": spec.spec_id, **spec.model_dump(), **asdict(summary)})
            | _drawn("cells_per_donor", plots.cells_per_donor(manifest)),
        )


@dataset_asset(group="splits", kinds={"parquet"})
def train_test(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell that is used: its sentence, age, metadata and publication, in `train/` or `test/`."""
    from c2s_assets.storage.sources.publications import read_publication

    with staged_asset(context, store) as staged:
        dataset = staged.dataset
        manifest = dataset.read(MANIFEST)
        listed = read_publication(store.layout, dataset_id=dataset.dataset_id)
        write_records(staged, manifest, listed=listed)
        cells = read_sides(side_folders(staged))
        yield from publish_table(
            staged,
            claims=_claims_of_sides(dataset, cells, describe_split(manifest)),
            metadata=_metadata(staged)
            | as_metadata({f"{name}_spec_id": spec_id for name, spec_id in spec_ids(dataset).items()})
            | _drawn("ages_by_split", plots.ages_by_split(cells)),
        )


def _claims_of_manifest(
    dataset: Dataset, manifest: pl.DataFrame, summary: SplitSummary, *, n_cells: int
) -> list[Finding]:
    unread = unread_donors(dataset.entry, dataset.profile.obs_not_read)
    return [
        split_claims.donors_can_be_read(unread),
        split_claims.accounts_for_all_cells(manifest, n_cells=n_cells),
        split_claims.no_donor_in_both_splits(manifest),
        split_claims.splits_by_donor(summary),
        split_claims.test_share_near_target(summary, spec=dataset.settings.split),
        split_claims.ages_are_balanced(manifest, summary),
        split_claims.no_cell_is_left_out_for_its_age(manifest),
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


def _cells_to_split(dataset: Dataset) -> pl.DataFrame:
    path = dataset.path(CELLS)
    there = [name for name in SPLIT_COLUMNS if name in table_schema(path).names]
    return split_columns(read_table(path, columns=there))


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
