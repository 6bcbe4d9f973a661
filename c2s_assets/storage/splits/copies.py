"""Which cells are on no side because a copy is used: found in the whole lake, read by each dataset."""

from collections.abc import Iterator

import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_UID, IS_PRIMARY_DATA, SPLIT
from c2s_assets.core.leaks.columns import COPY_GROUP
from c2s_assets.core.splits.copies import IS_ON_TWO_SIDES, IS_REPEATED, PUBLISHED, choose_copies
from c2s_assets.core.splits.manifest import BY_CELL, level_of
from c2s_assets.core.splits.plan import sides_of
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.leaks import SplitCopies
from c2s_assets.schemas.registry import MANIFEST
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.leaks.published import read_copies
from c2s_assets.storage.tables.parquet import read_table
from c2s_assets.storage.tables.scanning import scan_files

_LOOKED_AT = {
    DATASET_ID: pl.String,
    CELL_ID: pl.String,
    COPY_GROUP: pl.Int64,
    SPLIT: pl.String,
    IS_PRIMARY_DATA: pl.Boolean,
    PUBLISHED: pl.UInt32,
}


def read_left_out(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read which cells of a dataset are left out as copies: `cell_id`, `is_repeated`, `is_on_two_sides`."""
    found = _scan_left_out(layout).filter(pl.col(DATASET_ID) == dataset_id)
    return found.select(CELL_ID, IS_REPEATED, IS_ON_TWO_SIDES).collect()


def read_all_left_out(layout: Layout) -> pl.DataFrame:
    """Read which cells of all datasets are left out as copies; see schemas.leaks.SplitCopies."""
    return _scan_left_out(layout).collect()


def find_left_out(layout: Layout, plan: pl.DataFrame, *, spec: SplitSpec) -> pl.DataFrame:
    """Choose of all cells that have copies which are left out, see `choose_copies`, by a plan."""
    rows = sides_of(plan.with_row_index(PUBLISHED))
    published = rows.select(DONOR_UID, pl.col(SPLIT).alias("planned"), PUBLISHED)
    found = [pl.DataFrame(schema=_LOOKED_AT), *_copies_on_sides(layout, published, spec=spec)]
    return choose_copies(pl.concat(found), keeps_unique=spec.non_primary == "keep_if_unique")


def _scan_left_out(layout: Layout) -> pl.LazyFrame:
    if not layout.split_copies.exists():
        return frame_schema(SplitCopies).to_frame().lazy()
    return scan_files(present(layout.split_copies))


def _copies_on_sides(layout: Layout, published: pl.DataFrame, *, spec: SplitSpec) -> Iterator[pl.DataFrame]:
    """Tell of the cells of each dataset that have copies which side they would be on."""
    for path in sorted(layout.all_copies.glob("*.parquet")):
        dataset_id = path.stem
        manifest_path = layout.table(MANIFEST, dataset_id)
        if not manifest_path.exists():
            continue
        manifest = read_table(manifest_path)
        key = CELL_ID if level_of(manifest) == BY_CELL else DONOR_UID
        own = manifest.select(key, SPLIT).unique(key)
        side = pl.when(pl.col(PUBLISHED).is_not_null()).then("planned").otherwise(SPLIT)
        if spec.non_primary == "drop":
            side = pl.when(pl.col(IS_PRIMARY_DATA).fill_null(value=True)).then(side)
        yield (
            read_copies(layout, dataset_id)
            .join(published, on=DONOR_UID, how="left", maintain_order="left")
            .join(own, on=key, how="left", nulls_equal=True, maintain_order="left")
            .with_columns(side.alias(SPLIT), pl.lit(dataset_id).alias(DATASET_ID))
            .select(pl.col(name).cast(kind) for name, kind in _LOOKED_AT.items())
        )
