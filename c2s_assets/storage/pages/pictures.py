"""The pictures of a dataset's page, of the tables that are there."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    DONOR_ID,
    N_ABOVE_TIES,
    SENTENCE_LENGTH,
    SPLIT,
    SPLIT_LEVEL,
)
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.expression.sampling import draw
from c2s_assets.core.pages.drawings import bars, dots_by_name, dots_by_number, stacked_histogram
from c2s_assets.core.pages.markup import figure
from c2s_assets.core.pages.words import WORDS_AND_TIES, draw_words
from c2s_assets.core.projections.names import find_method
from c2s_assets.core.reports.palette import GREY, GROUP_COLOURS, SIDE_COLOURS
from c2s_assets.core.splits.manifest import BY_CELL
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.tables.parquet import read_table, table_schema

# 9 bytes each, and fewer as many fall together: three pictures of so many are below 250 kB.
_MOST_DOTS = 8_000
_MOST_BARS = 30
_MISSING = "(missing)"
_SHOWN_FIRST = ("UMAP", "t-SNE", "PCA")


def pictures(dataset: Dataset, *, category: str | None) -> Iterator[str]:
    """Draw what the tables that are there show; `category` is the column that tells kinds of cells."""
    try:
        wanted = [CELL_ID, AGE] if category is None else [CELL_ID, AGE, category]
        cells = dataset.read("cell_metadata", columns=wanted)
    except MissingInputError:
        return
    names = None if category is None else cells[category].cast(pl.String).fill_null(_MISSING)
    yield from _embedding(dataset, cells, names)
    yield from _ages(dataset, cells)
    yield from _words(dataset)
    if names is not None:
        counts = _counts(names).head(_MOST_BARS)
        yield figure(f"Cells per {category}", bars(counts.rows()))
    yield from _donors(dataset)


def _embedding(dataset: Dataset, cells: pl.DataFrame, names: pl.Series | None) -> Iterator[str]:
    """Draw the embedding that shows most, as the Dagster UI does: UMAP, else t-SNE, else PCA."""
    table = _table_to_draw(dataset)
    axes = [] if table is None else [name for name in table_schema(table).names if name != CELL_ID][:2]
    if table is None or len(axes) < 2:
        return
    rows = draw(cells[CELL_ID], n=_MOST_DOTS, seed=0)
    points = read_table(table, columns=axes)[rows]
    is_placed = points.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    placed = points.filter(is_placed).to_numpy()
    if not len(placed):
        return
    method, ages = find_method(table.stem), cells[AGE][rows].filter(is_placed)
    if ages.null_count() < len(ages):
        yield figure(f"{method} by age", dots_by_number(placed, ages, label="Age (years)"))
    if names is not None:
        shown = _counts(names)["value"].head(len(GROUP_COLOURS)).to_list()
        drawn = dots_by_name(placed, names[rows].filter(is_placed), shown)
        yield figure(f"{method} by {names.name}", drawn)


def _table_to_draw(dataset: Dataset) -> Path | None:
    try:
        tables = sorted(dataset.path("projections").glob("*.parquet"))
    except MissingInputError:
        return None
    by_method = {find_method(table.stem): table for table in reversed(tables)}
    return next((by_method[method] for method in _SHOWN_FIRST if method in by_method), None)


def _ages(dataset: Dataset, cells: pl.DataFrame) -> Iterator[str]:
    """Draw the ages of all sides or, where there are none, of all cells."""
    try:
        dataset.path("train_test")
        folders = {side: dataset.layout.parts(side, dataset.dataset_id) for side in SIDES}
        ages = {
            side: read_table(folder, columns=[AGE])[AGE]
            for side, folder in folders.items()
            if folder.exists()
        }
    except MissingInputError:
        ages = {"all cells": cells[AGE]}
    known = {name: values.drop_nulls().to_numpy() for name, values in ages.items()}
    if any(len(values) for values in known.values()):
        yield figure("Ages", stacked_histogram(known, label="Age (years)"))


def _words(dataset: Dataset) -> Iterator[str]:
    try:
        counted = dataset.read("cell_sentences", columns=[N_ABOVE_TIES, SENTENCE_LENGTH])
    except MissingInputError:
        return
    if drawn := draw_words(counted):
        yield figure(WORDS_AND_TIES, drawn)


def _donors(dataset: Dataset) -> Iterator[str]:
    """Draw how many cells of each donor are used, in the colour of its side."""
    try:
        manifest = dataset.read("split_manifest")
    except MissingInputError:
        return
    donors = manifest.filter(pl.col(SPLIT_LEVEL) != BY_CELL).sort(
        "n_eligible", DONOR_ID, descending=[True, False]
    )
    if donors.is_empty():
        return
    shown = donors.head(_MOST_BARS)
    labels = [
        f"{name or '(no donor)'}, {side or 'no side'}"
        for name, side in shown.select(DONOR_ID, SPLIT).iter_rows()
    ]
    colours = [SIDE_COLOURS.get(side, GREY) for side in shown[SPLIT]]
    drawn = bars(list(zip(labels, shown["n_eligible"], strict=True)), colours=colours)
    yield figure("Cells per donor that are used", drawn)


def _counts(names: pl.Series) -> pl.DataFrame:
    """Count each `value`, the most frequent first."""
    return names.alias("value").value_counts(name="n").sort("n", "value", descending=[True, False])
