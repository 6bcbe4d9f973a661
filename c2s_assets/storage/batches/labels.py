"""What is known of the cells that are drawn: the columns that were asked for, in the order of the cells."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from c2s_assets.core.columns import CELL_ID, CELL_SENTENCE, SPLIT
from c2s_assets.core.errors import MissingInputError, UnknownNameError
from c2s_assets.core.splits.sides import ALL_SIDES
from c2s_assets.storage.reading import Lake, require_side

# Of a dataset, where a cell is among all its cells; no column of the training table is called so.
ROW = "__row__"
# A text with more values than that, such as the id of a cell, stays text: a batch that is sent from one
# process to another takes all values along.
_MOST_CATEGORIES = 2**16


def read_cells(
    lake: Lake, datasets: Sequence[str], *, side: str | None, columns: Sequence[str]
) -> tuple[list[pl.DataFrame], dict[str, list[str]]]:
    """Read the cells of a side, those of each dataset in the order of its training table.

    Returns
    -------
    For each dataset `cell_id` and the columns; and of each column of text all values that any cell of any
    side has, in order.

    Raises
    ------
    UnknownNameError
        If there is no such side or column.
    MissingInputError
        If no cell is on the side.
    """
    if isinstance(columns, str):
        raise UnknownNameError(f"columns is the one text {columns!r}. Give a list: columns=[{columns!r}].")
    if sentences := [name for name in columns if name.startswith(CELL_SENTENCE)]:
        raise UnknownNameError(
            f"{sentences[0]} is no label of a cell. Ask for batches of sentences: of='sentences'."
        )
    require_side(side)
    read = list(dict.fromkeys([CELL_ID, SPLIT, *columns]))
    every = [lake.training(datasets=[name], columns=read).collect() for name in datasets]
    categories = _categories([cells.select(columns) for cells in every])
    chosen = every if side is None else [cells.filter(pl.col(SPLIT) == side) for cells in every]
    if not any(cells.height for cells in chosen):
        sizes = pl.concat(cells.select(SPLIT) for cells in every)[SPLIT].value_counts(sort=True).rows()
        there = ", ".join(f"{n:,} in {name}" for name, n in sizes) or "none on any side"
        raise MissingInputError(
            f"no cell of {', '.join(datasets)} is in {side or ALL_SIDES}; there are {there}. c2s split shows "
            f"how many donors are on which side."
        )
    wanted = list(dict.fromkeys([CELL_ID, *columns]))
    return [cells.select(wanted) for cells in chosen], categories


def in_order_of_cells(cells: pl.DataFrame, lake: Lake, dataset_id: str) -> pl.DataFrame:
    """Put cells in the order of all cells of their dataset, and add where among those each is."""
    every = lake.cells(datasets=[dataset_id], columns=[CELL_ID]).collect().with_row_index(ROW)
    return cells.join(every, on=CELL_ID, how="left").sort(ROW)


def as_labels(
    cells: Sequence[pl.DataFrame], columns: Sequence[str], categories: dict[str, list[str]]
) -> pa.RecordBatch:
    """Put the columns of all datasets together, texts as positions in their categories."""
    rows = pl.concat([frame.select(columns) for frame in cells])
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    arrays = [
        _as_codes(rows[name], categories[name]) if name in categories else table[name].combine_chunks()
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _as_codes(values: pl.Series, categories: list[str]) -> pa.DictionaryArray:
    codes = values.cast(pl.Enum(categories)).to_physical().cast(pl.Int32)
    return pa.DictionaryArray.from_arrays(
        codes.to_arrow(compat_level=pl.CompatLevel.oldest()), pa.array(categories, pa.string())
    )


def _categories(frames: Sequence[pl.DataFrame]) -> dict[str, list[str]]:
    rows = pl.concat(frames)
    found = {name: rows[name].drop_nulls().unique().sort() for name in rows.select(pl.col(pl.String)).columns}
    return {name: values.to_list() for name, values in found.items() if len(values) <= _MOST_CATEGORIES}
