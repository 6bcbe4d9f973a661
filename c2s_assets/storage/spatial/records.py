"""Writes `cell_records`: all that is known of a cell in one row, a file or several for each side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.splits.donors import mark_eligible
from c2s_assets.core.splits.manifest import level_of
from c2s_assets.core.splits.tissue import sides_of_records
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.images import image_of
from c2s_assets.schemas.registry import (
    ATTRIBUTES,
    CAPTIONS,
    CELLS,
    COMMUNICATION,
    EXPRESSION,
    MANIFEST,
    PATCHES,
    RECORDS,
    SLIDES,
    TABLES,
)
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.spatial.dividing import read_division
from c2s_assets.storage.splits.copies import read_left_out
from c2s_assets.storage.splits.plan import cells_to_split
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.parquet import iter_together, read_footer, write_images_of_sides

# In their order in a record; each is read in blocks of the same rows.
_JOINED = (ATTRIBUTES, PATCHES, COMMUNICATION, CAPTIONS, EXPRESSION)


@dataclass(frozen=True)
class SplitOfRecords:
    """On which side the record of each cell is.

    Attributes
    ----------
    level
        What is on one side as a whole: a donor, as in `split_manifest`, or a block or section of the tissue.
    marked
        From `mark_eligible`.
    """

    sides: pl.Series
    level: str
    marked: pl.DataFrame
    is_divided: bool


def read_sides_of_records(dataset: Dataset) -> SplitOfRecords:
    """Tell on which side each cell of a dataset is, by donors or, where these cannot be split, by blocks."""
    manifest, cells = dataset.read(MANIFEST), cells_to_split(dataset)
    if read_footer(dataset.path(MANIFEST)).get("tissue_level") is None:
        division = None
    else:
        division = read_division(dataset, manifest)
    copies = read_left_out(dataset.layout, dataset.dataset_id)
    marked = mark_eligible(cells, spec=dataset.settings.split, copies=copies)
    sides = sides_of_records(
        cells,
        manifest,
        is_eligible=marked["n_eligible"],
        sides=None if division is None else division.sides,
    )
    level = str(level_of(manifest)) if division is None else division.level
    return SplitOfRecords(sides, level, marked, is_divided=division is not None)


def write_records(staged: DatasetStage, split: SplitOfRecords) -> None:
    """Write the records of all cells that are on a side and have a place."""
    dataset = staged.dataset
    profile = dataset.profile
    write_images_of_sides(
        staged.path(),
        iter_records(dataset, split),
        model=TABLES[staged.asset].model,
        footer=footer(staged.asset, profile, layer=profile.layer, kind=profile.verdict.kind),
    )
    if not staged.path().exists():
        staged.write_no_rows()


def iter_records(dataset: Dataset, split: SplitOfRecords) -> Iterator[pl.DataFrame]:
    """Put together what is known of each cell, block by block, of cells with a place; `split` may be null."""
    donors = dataset.read(CELLS, columns=[DONOR_UID])[DONOR_UID]
    slides = dict(dataset.read(SLIDES, columns=[c.SECTION, c.SLIDE]).iter_rows())
    columns = list(frame_schema(TABLES[RECORDS].model))
    start = 0
    for blocks in iter_together(*(dataset.path(name) for name in _JOINED)):
        joined = _side_by_side(blocks)
        n = joined.height
        yield (
            joined.with_columns(
                donors.slice(start, n),
                split.sides.slice(start, n).alias(SPLIT),
                pl.lit(split.level).alias(SPLIT_LEVEL),
                pl.lit(dataset.dataset_id).alias(DATASET_ID),
                pl.int_range(start, start + n, dtype=pl.Int32).alias(c.CELL_INDEX),
                pl.lit(dataset.profile.verdict.kind).alias(c.EXPRESSION_KIND),
            )
            .filter(pl.col(c.SECTION).is_not_null())
            .with_columns(*_images(slides))
            .select(columns)
        )
        start += n


def _side_by_side(blocks: tuple[pl.DataFrame, ...]) -> pl.DataFrame:
    """Put columns of several tables beside each other; what two have is that of the first."""
    found: dict[str, pl.Series] = {}
    for block in blocks:
        found = {name: block[name] for name in block.columns} | found
    return pl.DataFrame(found)


def _images(slides: Mapping[str, bytes]) -> Iterator[pl.Expr]:
    yield image_of(pl.col(c.CELL_PATCH), pl.format("{}_cell.png", CELL_ID)).alias(c.CELL_PATCH)
    yield image_of(pl.col(c.TISSUE_PATCH), pl.format("{}_tissue.jpg", CELL_ID)).alias(c.TISSUE_PATCH)
    shown = pl.col(c.SECTION).replace_strict(slides, return_dtype=pl.Binary)
    yield image_of(shown, pl.format("{}.jpg", c.SECTION)).alias(c.SLIDE)
