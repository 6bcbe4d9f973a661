"""Which donor is on which side, and the two sides as tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.core.cells.metadata import SPLIT_COLUMNS, split_columns
from c2s_assets.core.cells.provenance import Origin, Publication, publication_of
from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    CELL_SENTENCE,
    DONOR_ID,
    DONOR_UID,
    FOLD,
    SPLIT,
    SPLIT_LEVEL,
)
from c2s_assets.core.splits import claims as split_claims
from c2s_assets.core.splits.manifest import describe_split, split_donors
from c2s_assets.core.splits.records import join_records
from c2s_assets.core.unreadable import unread_donors
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, table_metadata
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.tables import SplitManifest, TrainTest
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.parquet import (
    count_rows,
    iter_table,
    iter_together,
    read_footer,
    read_rows,
    read_table,
    size_bytes,
    table_schema,
    write_blocks,
    write_sides,
)

_MANIFEST_PREVIEW = [DONOR_ID, SPLIT, FOLD, "age_median", "n_cells", "n_eligible", "reason"]
_RECORD_PREVIEW = [CELL_ID, CELL_SENTENCE, AGE, DONOR_ID, SPLIT, FOLD]
_LISTED = {
    CELL_ID: pl.String,
    DONOR_UID: pl.String,
    SPLIT_LEVEL: pl.String,
    AGE: pl.Float32,
    SPLIT: pl.String,
}


@dataset_asset(group="splits", kinds={"parquet"})
def split_manifest(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per donor: train or test, its fold, and why. All cells of a donor are on one side."""
    dataset = store.dataset(context.partition_key)
    spec = dataset.settings.split.spec()
    cells_path = dataset.path("cell_metadata")
    there = [name for name in SPLIT_COLUMNS if name in table_schema(cells_path).names]
    cells = split_columns(read_table(cells_path, columns=there))
    manifest = split_donors(cells, spec=spec)
    summary = describe_split(manifest)
    with dataset.stage("split_manifest") as staged:
        written = staged.path()
        profile = dataset.profile
        says = footer("split_manifest", profile, spec_id=spec.spec_id, spec=asdict(spec))
        write_blocks(written, [manifest], model=SplitManifest, footer=says)
        yield from publish_table(
            staged,
            findings=[
                keeps_schema(iter_table(written), SplitManifest),
                split_claims.donors_can_be_read(unread_donors(dataset.entry, profile.obs_not_read)),
                split_claims.accounts_for_all_cells(manifest, n_cells=cells.height),
                split_claims.no_donor_in_both_splits(manifest),
                split_claims.splits_by_donor(summary),
                split_claims.test_share_near_target(summary, spec=spec),
                split_claims.ages_are_balanced(manifest, summary),
                split_claims.no_cell_is_left_out_for_its_age(manifest),
            ],
            metadata=table_metadata(
                staged.target,
                SplitManifest,
                staged=written,
                lineage=lineage.of_split_manifest(manifest.columns),
                preview=manifest.select(_MANIFEST_PREVIEW),
            )
            | as_metadata({"spec_id": spec.spec_id, **asdict(spec), **asdict(summary)})
            | _drawn("cells_per_donor", plots.cells_per_donor(manifest)),
        )


@dataset_asset(group="splits", kinds={"parquet"})
def train_test(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell that is used: its sentence, age, metadata and publication, in `train/` or `test/`."""
    from c2s_assets.storage.sources.publications import read_publication

    dataset = store.dataset(context.partition_key)
    profile = dataset.profile
    cells, sentences, sides = map(dataset.path, ("cell_metadata", "cell_sentences", "split_manifest"))
    manifest = read_table(sides)
    specs = {
        name: read_footer(path)["spec_id"] for name, path in (("sentences", sentences), ("split", sides))
    }
    with dataset.stage("train_test") as staged:
        targets = {target.name: target for target in staged.targets}
        written = {side: staged.path(target) for side, target in targets.items()}
        publication = publication_of(
            Origin(**profile.origin.model_dump()),
            listed=read_publication(store.layout, dataset_id=dataset.dataset_id),
        )
        records = _join(cells, sentences, manifest, publication=publication)
        write_sides(written, records, model=TrainTest, footer=footer("train_test", profile, **specs))
        summary = describe_split(manifest)
        listed = _read_sides(written, columns=[CELL_ID, DONOR_UID, SPLIT_LEVEL, AGE])
        yield from publish_table(
            staged,
            findings=[
                keeps_schema(_blocks(written.values()), TrainTest),
                split_claims.no_donor_in_both_splits(listed),
                split_claims.no_cell_in_both_splits(listed),
                split_claims.rows_match_manifest(listed, summary),
                split_claims.has_both_splits(summary),
                split_claims.cells_have_ages(
                    listed[AGE].count(),
                    n_cells=listed.height,
                    missing_age=dataset.settings.split.missing_age,
                ),
            ],
            metadata=_metadata(targets, written, cells=cells, sentences=sentences)
            | as_metadata({f"{name}_spec_id": str(spec_id) for name, spec_id in specs.items()})
            | _drawn("ages_by_split", plots.ages_by_split(listed)),
        )


def _join(
    cells: Path, sentences: Path, manifest: pl.DataFrame, *, publication: Publication
) -> Iterator[pl.DataFrame]:
    """Join the tables block by block; of a manifest of cells, each block gets its own rows."""
    start = 0
    by_cell = manifest[SPLIT_LEVEL][0] == "cell"
    for cell_block, sentence_block in iter_together(cells, sentences):
        sides = manifest.slice(start, cell_block.height) if by_cell else manifest
        yield join_records(cell_block, sentence_block, sides, publication=publication)
        start += cell_block.height


def _blocks(paths: Iterable[Path]) -> Iterator[pl.DataFrame]:
    for path in paths:
        if path.exists():
            yield from iter_table(path)


def _read_sides(written: Mapping[str, Path], *, columns: list[str]) -> pl.DataFrame:
    """Read columns of both sides as they are written; `split` is the folder, whatever the rows say."""
    sides = [
        read_table(path, columns=columns).with_columns(pl.lit(side).alias(SPLIT))
        for side, path in written.items()
        if path.exists()
    ]
    return pl.concat([pl.DataFrame(schema=_LISTED), *sides])


def _metadata(
    targets: Mapping[str, Path], written: Mapping[str, Path], *, cells: Path, sentences: Path
) -> Metadata:
    there = [side for side, path in written.items() if path.exists()]
    if not there:
        return as_metadata({"dagster/row_count": 0})
    first = there[0]
    return table_metadata(
        targets[first],
        TrainTest,
        staged=written[first],
        lineage=lineage.of_train_test(table_schema(cells).names, table_schema(sentences).names),
        preview=read_rows(written[first], 0, 5, columns=_RECORD_PREVIEW),
        n_rows=sum(count_rows(written[side]) for side in there),
    ) | as_metadata(
        {
            "size_bytes": sum(size_bytes(written[side]) for side in there),
            **{f"path_{side}": str(targets[side]) for side in there},
            **{f"n_{side}": count_rows(written[side]) for side in there},
        }
    )


def _drawn(name: str, picture: dg.MarkdownMetadataValue | None) -> Metadata:
    return {} if picture is None else {name: picture}
