"""Cells in a tissue: which pairs of ligand and receptor are measured, and what cells say to each other."""

from collections.abc import Iterator

import dagster as dg
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.cells.proposals import propose_organism
from c2s_assets.core.columns import CELL_ID, CELL_TYPE, FEATURE_ID, SYMBOL
from c2s_assets.core.errors import SourceError
from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.calibration import ways_agree
from c2s_assets.core.spatial.claims import CommunicationTally, pairs_are_measured, sums_match_cells
from c2s_assets.core.spatial.columns import (
    IS_MEASURED,
    LIGAND,
    N_NEIGHBOURS,
    NEEDS_CONTACT,
    PAIR_INDEX,
    RECEPTOR,
    SCORE_RECEIVED,
    SCORE_SENT,
    SCORE_SUM,
    SECTION,
)
from c2s_assets.core.spatial.orientation import x_and_y_are_not_exchanged
from c2s_assets.core.spatial.outlines import cells_have_outlines, outlines_have_bins
from c2s_assets.core.spatial.pairs import MeasuredPairs, match_pairs
from c2s_assets.core.spatial.patches import (
    cells_lie_in_the_image,
    patches_show_something,
    pixels_are_fine_enough,
    slide_is_not_blank,
)
from c2s_assets.core.spatial.sample import SpatialSample, cells_have_places
from c2s_assets.core.spatial.spec import SpatialEntry
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, rows_as_markdown, staged_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import (
    Events,
    dataset_asset,
    publish_table,
    require,
    staged_asset,
    staged_from_source,
)
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import CELLS, COMMUNICATION, FEATURES, PAIRS, SLIDES
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.images.opening import require_libraries
from c2s_assets.storage.images.source import Level, Pixels
from c2s_assets.storage.spatial.image import open_slide
from c2s_assets.storage.spatial.library import read_library
from c2s_assets.storage.spatial.outlines import outline_rows, read_outlines
from c2s_assets.storage.spatial.pairs import read_pairs, source_of_pairs
from c2s_assets.storage.spatial.sample import alignment_of, read_sample
from c2s_assets.storage.tables.parquet import read_table, table_schema

_STRONGEST = 20
_DRAWN = {
    N_NEIGHBOURS: "Cells within reach of a cell",
    SCORE_RECEIVED: "What a cell hears, over all senders and pairs",
    SCORE_SENT: "What others hear of a cell, over all pairs",
}
_PATCHES_SHOWN = 8


@dataset_asset(group="spatial", kinds={"parquet"})
def ligand_receptor_pairs(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per pair of a ligand and a receptor: whether the dataset measures both."""
    with staged_asset(context, store) as staged:
        dataset = staged.dataset
        source = source_of_pairs(dataset.settings.communication.pairs, organism=_organism(dataset))
        measured = match_pairs(read_pairs(source, store.layout), _symbols(dataset), source=source)
        staged.write([measured.pairs], source_of_pairs=source)
        yield from publish_table(
            staged,
            claims=[pairs_are_measured(measured.pairs, source=source)],
            metadata=staged_metadata(staged, lineage={IS_MEASURED: [(FEATURES, SYMBOL)]})
            | as_metadata({"source_of_pairs": source}),
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def cell_communication(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: who can say something to it within 200 um, by which pairs, and what it says."""
    from c2s_assets.core.spatial.hearing import Hearing
    from c2s_assets.core.spatial.levels import GeneLevels, scale_of, scaled
    from c2s_assets.storage.spatial.communication import read_levels, write_communication

    with staged_from_source(context, store) as (staged, h5ad):
        dataset, profile = staged.dataset, staged.dataset.profile
        sample, measured = read_sample(h5ad, dataset), _measured_pairs(dataset)
        before = [ways_agree(sample.calibration), cells_have_places(sample)]
        yield from require(dataset, staged.asset, before)
        blocks = read_blocks(h5ad.matrix(profile.layer), rows=store.rows_per_block, log=context.log)
        genes = GeneLevels(measured.genes, _symbols(dataset), kind=profile.verdict.kind)
        levels = read_levels(blocks, genes, sample=sample)
        scale = dataset.settings.communication.scale or scale_of(levels.values)
        hearing = Hearing(sample, scaled(levels, scale), measured.roles)
        cell_ids = dataset.read(CELLS, columns=[CELL_ID])[CELL_ID]
        sums = write_communication(staged, hearing, cell_ids=cell_ids, scale=scale)
        tally = CommunicationTally(read_table(staged.path(), columns=[SECTION])[SECTION])
        yield from publish_table(
            staged,
            shown=before,
            blocks=tally.passing(staged.written()),
            claims=tally.claims(),
            metadata=staged_metadata(staged, lineage=lineage.of_cell_communication(layer=profile.layer))
            | _figures(sample, scale)
            | _distributions(staged)
            | {"strongest_pairs": _strongest(measured, sums.totals)}
            | _picture(dataset, sample),
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def section_communication(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per section and pair of ligand and receptor: what its cells hear by it, all together."""
    from c2s_assets.storage.spatial.section_sums import read_section_sums

    with staged_asset(context, store) as staged:
        rows = read_section_sums(staged.dataset)
        received = staged.dataset.read(COMMUNICATION, columns=[SCORE_RECEIVED])[SCORE_RECEIVED]
        staged.write([rows])
        strongest = rows.sort(SCORE_SUM, descending=True).drop(PAIR_INDEX)
        yield from publish_table(
            staged,
            claims=[sums_match_cells(rows, received)],
            metadata=staged_metadata(staged, lineage=lineage.of_section_communication())
            | {"strongest_pairs": rows_as_markdown(strongest, n_rows=_STRONGEST)},
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def cell_outlines(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: the corners of its outline in the image, where the source has one."""
    with staged_from_source(context, store) as (staged, h5ad):
        dataset, library = staged.dataset, read_library(h5ad)
        outlines, alignment = read_outlines(h5ad, library), alignment_of(h5ad, dataset)
        staged.write(outline_rows(dataset.read(CELLS, columns=[CELL_ID])[CELL_ID], outlines, alignment))
        yield from publish_table(
            staged,
            claims=[
                cells_have_outlines(outlines, n_cells=h5ad.n_obs),
                outlines_have_bins(library.bins),
            ],
            metadata=staged_metadata(staged, lineage=lineage.of_cell_outlines()),
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def slide_images(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per section: its whole image, small."""
    require_libraries()
    from c2s_assets.storage.spatial.slides import read_slide, slide_rows

    with staged_from_source(context, store) as (staged, h5ad):
        sample = read_sample(h5ad, staged.dataset)
        with open_slide(staged.dataset, h5ad) as image:
            full, slide = image.levels[0], read_slide(image)
        staged.write([slide_rows(slide, sample, width=full.width, height=full.height)])
        places = sample.xy_px * len(slide) / full.height
        yield from publish_table(
            staged,
            claims=[*_placed(staged.dataset, sample, slide, full), slide_is_not_blank(slide)],
            metadata=staged_metadata(staged, lineage={})
            | {"cells_in_the_image": plots.places_in_an_image(slide, places)},
        )


@dataset_asset(group="spatial", kinds={"parquet"})
def image_patches(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: what the image shows of it, 16 um wide, and of the tissue around it, 200 um wide."""
    require_libraries()
    from c2s_assets.storage.spatial.patches import PatchWriter
    from c2s_assets.storage.spatial.slides import first_patches, reader_of

    with staged_from_source(context, store) as (staged, h5ad):
        dataset, sample = staged.dataset, read_sample(h5ad, staged.dataset)
        before = [ways_agree(sample.calibration), pixels_are_fine_enough(sample.um_per_px)]
        yield from require(dataset, staged.asset, before)
        with open_slide(dataset, h5ad) as image:
            scale = (dataset.entry.spatial or SpatialEntry()).patches
            writer = PatchWriter(sample, image, reader_of(image, dataset.read(SLIDES)), scale)
            writer.write(staged, dataset.read(CELLS, columns=[CELL_ID])[CELL_ID])
        yield from publish_table(
            staged,
            shown=before,
            claims=[patches_show_something(writer.n_blank, len(sample.cells), writer.reader.black)],
            metadata=staged_metadata(staged, lineage={})
            | _shown(plots.contact_sheet(*first_patches(staged.path(), _PATCHES_SHOWN))),
        )


def _placed(dataset: Dataset, sample: SpatialSample, slide: Pixels, full: Level) -> Iterator[Finding]:
    """Claim that the image shows the cells where they are."""
    axes, places = (dataset.entry.spatial or SpatialEntry()).axes, (sample.xy_px, sample.exchanged_px)
    yield cells_lie_in_the_image(*places, width=full.width, height=full.height, axes=axes)
    yield x_and_y_are_not_exchanged(slide, *places, width=full.width, height=full.height, axes=axes)


def _shown(sheet: dg.MarkdownMetadataValue | None) -> Metadata:
    return {} if sheet is None else {"patches": sheet}


def _organism(dataset: Dataset) -> str | None:
    """Name the organism: what the file says, else what its features are named like."""
    if dataset.profile.organism is not None:
        return dataset.profile.organism
    features = dataset.read(FEATURES, columns=[FEATURE_ID, SYMBOL])
    proposed = propose_organism(features[FEATURE_ID], features[SYMBOL])
    return None if proposed is None else proposed[0]


def _symbols(dataset: Dataset) -> pl.Series:
    return dataset.read(FEATURES, columns=[SYMBOL])[SYMBOL]


def _measured_pairs(dataset: Dataset) -> MeasuredPairs:
    pairs = dataset.read(PAIRS, columns=[LIGAND, RECEPTOR, NEEDS_CONTACT])
    measured = match_pairs(pairs, _symbols(dataset), source=PAIRS)
    if not measured.genes:
        raise SourceError(
            f"none of the {pairs.height:,} pairs of ligand and receptor is measured. Name a table of pairs "
            f"that has genes of this dataset as communication.pairs in datasets.yaml."
        )
    return measured


def _figures(sample: SpatialSample, scale: float) -> Metadata:
    return as_metadata(
        {
            "unit": sample.unit,
            "um_per_unit": sample.calibration.um_per_px,
            "um_per_unit_by": sample.calibration.method,
            "n_sections": len(sample.sections),
            "n_cells_placed": len(sample.cells),
            "radius_um": sample.reach.radius_um,
            "contact_um": sample.reach.contact_um,
            "scale": scale,
        }
    )


def _distributions(staged: DatasetStage) -> Metadata:
    """Draw how many neighbours cells have, and how much they hear and say."""
    rows = read_table(staged.path(), columns=list(_DRAWN)).drop_nulls()
    return {name: plots.distribution(rows[name], label=label) for name, label in _DRAWN.items()}


def _strongest(measured: MeasuredPairs, totals: NDArray[np.float64]) -> dg.MarkdownMetadataValue:
    heard = measured.pairs.filter(IS_MEASURED).sort(PAIR_INDEX).with_columns(pl.Series("heard", totals))
    shown = heard.select(LIGAND, RECEPTOR, NEEDS_CONTACT, "heard").sort("heard", descending=True)
    return rows_as_markdown(shown, n_rows=_STRONGEST)


def _picture(dataset: Dataset, sample: SpatialSample) -> Metadata:
    """Draw the sections with their cells coloured by type, if types are known."""
    if CELL_TYPE not in table_schema(dataset.path(CELLS)).names:
        return {}
    types = dataset.read(CELLS, columns=[CELL_TYPE])[CELL_TYPE].gather(sample.cells)
    return {"section": plots.tissue_by_category(sample, types)}
