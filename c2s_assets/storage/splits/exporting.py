"""Writes the sides of datasets for other tools, into a folder outside the lake."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_ID, FOLD, SPLIT
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.splits.formats import cell2sentence_indices, cell_load_toml, donor_list
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import CELLS, MANIFEST, SIDES_OF_DATASET
from c2s_assets.storage.choosing import files_of, present_tables
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.replacing import refuse_taken, taking_the_place_of
from c2s_assets.storage.tables.parquet import read_table

CELL_LOAD, DONORS, CELL2SENTENCE = "cell-load.toml", "donors.tsv", "cell2sentence"


def export_sides(layout: Layout, folder: Path, *, datasets: Sequence[str] | None = None) -> int:
    """Write the sides of some or all datasets for other tools; return how many datasets.

    `donors.tsv` lists donors, `cell-load.toml` configures cell-load, and `cell2sentence/<dataset_id>.json`
    has the rows of the h5ad by side.

    Raises
    ------
    LakeError
        If the folder holds anything, or cannot be written.
    UnknownNameError
        If the lake has no such dataset, or cell-load would take two for one.
    MissingInputError
        If a dataset is missing or outdated, or is built anew meanwhile.
    """
    refuse_taken(folder)
    settings = read_settings(layout)
    tables = present_tables(layout, settings, SIDES_OF_DATASET, datasets)
    donors = pl.concat([_donors(layout, dataset_id) for dataset_id in tables])
    sources = {dataset_id: str(layout.raw_h5ad(dataset_id).absolute()) for dataset_id in tables}
    with taking_the_place_of(folder) as written:
        (written / DONORS).write_text(donor_list(donors), encoding="utf-8")
        (written / CELL_LOAD).write_text(cell_load_toml(sources, donors), encoding="utf-8")
        _write_indices(written / CELL2SENTENCE, layout, tables)
        if present_tables(layout, settings, SIDES_OF_DATASET, list(tables)) != tables:
            raise MissingInputError("a dataset was built anew while it was exported. Export again.")
    return len(tables)


def _donors(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read the donors of a dataset that are on a side; there are none where single cells were split."""
    manifest = read_table(layout.table(MANIFEST, dataset_id), columns=[DONOR_ID, SPLIT, FOLD])
    known = manifest.drop_nulls([DONOR_ID, SPLIT]).unique(DONOR_ID, maintain_order=True)
    return known.select(pl.lit(dataset_id).alias(DATASET_ID), DONOR_ID, SPLIT, FOLD)


def _write_indices(folder: Path, layout: Layout, tables: Mapping[str, Built]) -> None:
    folder.mkdir()
    for dataset_id, built in tables.items():
        cells = read_table(layout.table(CELLS, dataset_id), columns=[CELL_ID])[CELL_ID]
        sides = pl.concat(
            read_table(path, columns=[CELL_ID]).with_columns(pl.lit(path.parent.name).alias(SPLIT))
            for path in files_of(layout, built)
        )
        (folder / f"{dataset_id}.json").write_text(cell2sentence_indices(cells, sides), encoding="utf-8")
