"""Records of the cells of a tissue: what is said of each, in columns and in words."""

import dagster as dg
import numpy as np
import polars as pl

from c2s_assets.core.columns import CELL_TYPE
from c2s_assets.core.reports.text import as_markdown
from c2s_assets.core.spatial.accounts import account_for_cells, cells_have_records
from c2s_assets.core.spatial.attributes import labels_are_plausible
from c2s_assets.core.spatial.calibration import ways_agree
from c2s_assets.core.spatial.columns import (
    CAPTION,
    CAPTION_BLIND,
    CELL_DIAMETER_UM,
    DENSITY_PER_MM2,
    NUCLEUS_AREA_UM2,
    NUCLEUS_ELONGATION,
)
from c2s_assets.core.spatial.records import (
    RecordTally,
    expression_origin_is_stated,
    patches_share_no_pixels,
)
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, staged_metadata
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, require, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.columns import declared_columns
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.images.opening import require_libraries
from c2s_assets.storage.spatial.attributes import read_attributes
from c2s_assets.storage.spatial.sample import read_sample

_EXAMPLES = 3
_DRAWN = {
    DENSITY_PER_MM2: "Cells per square millimetre around a cell",
    NUCLEUS_AREA_UM2: "Area of the nucleus (um2)",
    NUCLEUS_ELONGATION: "Length of the nucleus by its width",
}


@dataset_asset(group="spatial", kinds={"parquet"})
def cell_attributes(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell of a tissue: what it is and of what state, where it lies, how large it is."""
    with staged_from_source(context, store) as (staged, h5ad):
        dataset, sample = staged.dataset, read_sample(h5ad, staged.dataset)
        before = [ways_agree(sample.calibration)]
        yield from require(dataset, staged.asset, before)
        attributes = read_attributes(dataset, sample)
        staged.write([attributes])
        spatial = dataset.entry.spatial
        disease_column = None if spatial is None else spatial.cell_disease_column
        yield from publish_table(
            staged,
            shown=before,
            claims=[labels_are_plausible(attributes)],
            metadata=staged_metadata(
                staged, lineage=lineage.of_cell_attributes(disease_column=disease_column)
            )
            | as_metadata(
                {
                    "n_cells_placed": len(sample.cells),
                    "n_sections": len(sample.sections),
                    "n_with_diameter": attributes[CELL_DIAMETER_UM].count(),
                }
            )
            | {"cells_per_cell_type": plots.cells_per_category(attributes[CELL_TYPE])},
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def captions(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: what is said of it in words, and the facts that this is made of."""
    require_libraries()
    from c2s_assets.core.spatial.captioning import caption_cells
    from c2s_assets.storage.spatial.captions import read_facts, read_groups

    with staged_from_source(context, store) as (staged, h5ad):
        dataset, sample = staged.dataset, read_sample(h5ad, staged.dataset)
        captioned = caption_cells(read_facts(dataset, sample), sample, groups=read_groups(dataset, sample))
        staged.write([captioned.rows], clauses_of_caption_blind=captioned.blind_clauses)
        yield from publish_table(
            staged,
            claims=[captioned.hides_types()],
            metadata=staged_metadata(staged, lineage=lineage.of_captions())
            | {"example": dg.MetadataValue.md(_example(captioned.rows))}
            | _distributions(captioned.rows),
        )


def _example(rows: pl.DataFrame) -> str:
    """Show the first captions as they are."""
    shown = rows.drop_nulls(CAPTION).head(_EXAMPLES)
    return "\n\n".join(
        f"- {as_markdown(caption)}\n- *blind*: {as_markdown(blind)}"
        for caption, blind in shown.select(CAPTION, CAPTION_BLIND).iter_rows()
    )


def _distributions(rows: pl.DataFrame) -> Metadata:
    """Draw how the measured facts are distributed, of those that are known of any cell."""
    known = {name: rows[name].drop_nulls() for name in _DRAWN}
    return {
        name: plots.distribution(values, label=_DRAWN[name]) for name, values in known.items() if len(values)
    }


@dataset_asset(group="spatial", kinds={"parquet"})
def record_sides(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell of a tissue: on which side its record is, or why it has none."""
    from c2s_assets.storage.spatial.records import read_sides_of_records

    with staged_from_source(context, store) as (staged, h5ad):
        sample, split = read_sample(h5ad, staged.dataset), read_sides_of_records(staged.dataset)
        is_placed = pl.Series(np.isin(np.arange(sample.n_obs), sample.cells))
        accounts = account_for_cells(split.marked, split.sides, is_placed, is_divided=split.is_divided)
        staged.write([accounts])
        yield from publish_table(
            staged,
            claims=[cells_have_records(accounts)],
            metadata=staged_metadata(staged, lineage=lineage.of_record_sides())
            | as_metadata({"split_level": split.level}),
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def cell_records(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell of a side: expression, patches, communication, attributes and captions."""
    from c2s_assets.storage.spatial.records import read_sides_of_records, write_records

    with staged_from_source(context, store) as (staged, h5ad):
        dataset, sample = staged.dataset, read_sample(h5ad, staged.dataset)
        split = read_sides_of_records(dataset)
        before = [
            expression_origin_is_stated(layer=dataset.profile.layer, kind=dataset.profile.verdict.kind),
            patches_share_no_pixels(sample, split.sides),
        ]
        yield from require(dataset, staged.asset, before)
        write_records(staged, split)
        tally = RecordTally(split.sides, n_placed=len(sample.cells))
        columns = list(declared_columns(TABLES[staged.asset].model))
        yield from publish_table(
            staged,
            shown=before,
            blocks=tally.passing(staged.written()),
            claims=tally.claims(),
            metadata=staged_metadata(staged, lineage=lineage.of_cell_records(columns))
            | as_metadata({"split_level": split.level})
            | {"sides": plots.tissue_by_side(sample, split.sides.gather(sample.cells))},
        )
