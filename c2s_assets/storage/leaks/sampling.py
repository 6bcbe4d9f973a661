"""Draws the cells that tell what a leak costs from the written sides of all datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import AGE, CELL_ID, CELL_TYPE, DATASET_ID, DONOR_UID, FEATURE_ID, FOLD, ORGANISM
from c2s_assets.core.errors import C2SError
from c2s_assets.core.genes.counting import COUNTED, count_genes
from c2s_assets.core.hashes import keys_of
from c2s_assets.core.leaks.inflation import PERSON, SEED, Sample, log_normalised
from c2s_assets.core.splits.plan import COMPONENT, sides_of
from c2s_assets.schemas.registry import CELLS, FEATURES, SIDES_OF_DATASET
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.splits.plan import read_plan
from c2s_assets.storage.tables.expression import read_sparse
from c2s_assets.storage.tables.parquet import read_table, table_schema
from c2s_assets.storage.tables.scanning import scan_files

# Of so many generated cells and genes the models took 21 s of processor time, and 0.85 GB in all; of 20,000
# cells 27 s and 1.1 GB.
MOST_CELLS = 10_000
MOST_GENES = 1_500

_EXPRESSION = "expression"
_READ = (CELLS, FEATURES, SIDES_OF_DATASET, _EXPRESSION)
_LISTED = {
    CELL_ID: pl.String(),
    DONOR_UID: pl.String(),
    FOLD: pl.Int32(),
    AGE: pl.Float32(),
    CELL_TYPE: pl.String(),
    ORGANISM: pl.String(),
}


@dataclass(frozen=True)
class DrawnSample:
    """Cells that were drawn, about as many of each person.

    Attributes
    ----------
    organism
        Of all of them: the one with most cells; None if there is no cell to draw.
    n_cells
        Cells on a side, of donors that can be told apart, of all organisms.
    n_datasets
        How many datasets these are in.
    left_out
        Datasets that could not be read, and why.
    """

    sample: Sample
    organism: str | None
    n_cells: int
    n_datasets: int
    left_out: Mapping[str, str]


def draw_sample(layout: Layout) -> DrawnSample:
    """Draw cells from all sides, the same number of each person as far as there are so many."""
    datasets, left_out = _usable(layout)
    persons = sides_of(read_plan(layout)).select(DONOR_UID, pl.col(COMPONENT).alias(PERSON))
    counted = pl.concat([_COUNTED.to_frame(), *(_count(_listed(one, persons)) for one in datasets)])
    by_organism = counted.group_by(ORGANISM).agg(pl.col("n_cells").sum()).sort("n_cells", ORGANISM)
    organism = None if by_organism.is_empty() else by_organism[ORGANISM][-1]
    is_used = pl.col(ORGANISM).eq_missing(pl.lit(organism))
    n_persons = counted.filter(is_used)[PERSON].n_unique()
    most = max(1, MOST_CELLS // max(1, n_persons))
    drawn = [_first_of_each(_shuffled(one, persons).filter(is_used), most=most) for one in datasets]
    cells = _first_of_each(pl.concat([_DRAWN.to_frame(), *drawn]), most=most)
    cells = cells.sort("order").head(MOST_CELLS).sort(DATASET_ID, CELL_ID)
    used = [one for one in datasets if one.dataset_id in set(cells[DATASET_ID])]
    sample = Sample(cells.select(PERSON, DATASET_ID, FOLD, AGE, CELL_TYPE), _read_expression(used, cells))
    return DrawnSample(sample, organism, int(counted["n_cells"].sum()), len(datasets), left_out)


_COUNTED = pl.Schema({ORGANISM: pl.String(), PERSON: pl.String(), "n_cells": pl.Int64()})
_DRAWN = pl.Schema({**_LISTED, PERSON: pl.String(), DATASET_ID: pl.String(), "order": pl.Float64()})


def _usable(layout: Layout) -> tuple[list[Dataset], dict[str, str]]:
    """Find the datasets that have sides and expression, and say why others are left out."""
    settings, usable, left_out = read_settings(layout), [], {}
    for dataset_id in dataset_ids(layout):
        dataset = Dataset(layout, dataset_id, settings)
        try:
            for asset in _READ:
                dataset.path(asset)
        except C2SError as error:
            left_out[dataset_id] = str(error)
        else:
            usable.append(dataset)
    return usable, left_out


def _listed(dataset: Dataset, persons: pl.DataFrame) -> pl.DataFrame:
    """Read the cells of all sides whose donor can be told from others: `_LISTED`, and the `person`."""
    sides = [path for path in dataset.layout.places(SIDES_OF_DATASET, dataset.dataset_id) if path.exists()]
    listed = [pl.DataFrame(schema=_LISTED)]
    for side in sides:
        there = set(table_schema(side).names)
        listed.append(read_table(side, columns=[name for name in _LISTED if name in there]))
    cells = pl.concat(listed, how="diagonal").drop_nulls([DONOR_UID, FOLD, ORGANISM])
    known = cells.join(persons, on=DONOR_UID, how="left", maintain_order="left")
    return known.with_columns(pl.col(PERSON).fill_null(pl.col(DONOR_UID)))


def _count(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.group_by(ORGANISM, PERSON).agg(n_cells=pl.len().cast(pl.Int64))


def _shuffled(dataset: Dataset, persons: pl.DataFrame) -> pl.DataFrame:
    """Give the cells a random `order`, which does not depend on what else is in the lake."""
    cells = _listed(dataset, persons)
    order = np.random.default_rng(keys_of([dataset.dataset_id], seed=SEED)).random(cells.height)
    return cells.with_columns(pl.lit(dataset.dataset_id).alias(DATASET_ID), order=order).select(*_DRAWN)


def _first_of_each(cells: pl.DataFrame, *, most: int) -> pl.DataFrame:
    return cells.filter(pl.col("order").rank("ordinal").over(PERSON) <= most)


def _read_expression(datasets: Sequence[Dataset], cells: pl.DataFrame) -> NDArray[np.float32]:
    """Read the expression of cells of several datasets, in their order, see `Sample`."""
    genes = _choose_genes(datasets)
    expression = np.zeros((cells.height, genes.height), np.float32)
    start = 0
    for dataset in datasets:
        ids = cells.filter(pl.col(DATASET_ID) == dataset.dataset_id)[CELL_ID]
        _read_into(expression[start : start + len(ids)], dataset, ids, genes)
        start += len(ids)
    return expression


def _choose_genes(datasets: Sequence[Dataset]) -> pl.DataFrame:
    """Choose the genes that are expressed in most datasets, then in most cells: `feature_id` and `gene`."""
    features = [scan_files(present(one.path(FEATURES))).select(COUNTED) for one in datasets]
    if not features:
        return pl.DataFrame(schema={"gene": pl.UInt32, FEATURE_ID: pl.String})
    counted = count_genes(pl.concat(features)).collect()
    order = ("n_datasets_expressed", "n_cells", FEATURE_ID)
    chosen = counted.sort(*order, descending=[True, True, False]).head(MOST_GENES)
    return chosen.select(FEATURE_ID).with_row_index("gene")


def _read_into(
    expression: NDArray[np.float32], dataset: Dataset, cell_ids: pl.Series, genes: pl.DataFrame
) -> None:
    """Fill in the rows of one dataset; a gene that it does not have stays 0."""
    all_cells = dataset.read(CELLS, columns=[CELL_ID]).with_row_index("row")
    all_features = dataset.read(FEATURES, columns=[FEATURE_ID]).with_row_index("column")
    rows = cell_ids.to_frame().join(all_cells, on=CELL_ID, how="left", maintain_order="left")["row"]
    there = all_features.join(genes, on=FEATURE_ID)
    values = read_sparse(
        dataset.path(_EXPRESSION),
        rows.to_numpy().astype(np.int64),
        there["column"].to_numpy().astype(np.int64),
        n_vars=all_features.height,
    ).toarray()
    is_counts = dataset.profile.verdict.kind == "counts"
    expression[:, there["gene"].to_numpy()] = log_normalised(values) if is_counts else values
