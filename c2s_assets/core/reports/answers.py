"""The answer to a query, drawn for a terminal of some width, or as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from c2s_assets.core.reports.text import one_line

_PLAN = ["explain_key", "explain_value"]
# With more rows a table is easier to read, even one without its last columns.
_FEW_ROWS = 5
# Texts are cut to no less: columns are left out instead.
_LEAST_TEXT, _LONGEST_TEXT = 20, 80
# Of each column, a line and a blank on both sides.
_BORDER = 3


@dataclass(frozen=True)
class Drawing:
    """An answer as text, and the names of the columns for which there was no room."""

    text: str
    left_out: Sequence[str] = ()


def draw_answer(rows: pl.DataFrame, *, width: int | None) -> Drawing:
    """Draw the answer to a query as a table; of `explain` only the plan, which is a drawing itself.

    Parameters
    ----------
    width
        Letters of a line. Texts are shortened to fit, numbers never; what is still too wide is drawn with a
        line for each value if there are few rows, else without its last columns. None cuts nothing, nor is
        a text cut that stands alone.
    """
    if rows.columns == _PLAN:
        return Drawing("\n".join(rows[_PLAN[1]]))
    if width is None or rows.width == 1:
        return Drawing(_table(rows))
    for longest in range(_LONGEST_TEXT, _LEAST_TEXT - 1, -4):
        drawn = [_shortened(column, longest) for column in rows]
        n_fitting = _how_many_fit(drawn, width=width)
        if n_fitting == rows.width:
            return Drawing(_table(pl.DataFrame(drawn)))
    if rows.height <= _FEW_ROWS:
        return Drawing("\n\n".join(_record(row, width=width) for row in rows.iter_rows(named=True)))
    return Drawing(_table(pl.DataFrame(drawn[:n_fitting])), rows.columns[n_fitting:])


def _table(rows: pl.DataFrame) -> str:
    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_width_chars=-1,
        fmt_table_cell_list_len=-1,
        fmt_str_lengths=2**31 - 1,
        thousands_separator=False,
    ):
        return str(rows)


def _shortened(column: pl.Series, longest: int) -> pl.Series:
    """Shorten the texts of a column, and go on with its name in further lines."""
    if column.dtype == pl.String:
        column = column.map_elements(lambda text: one_line(text, longest=longest), return_dtype=pl.String)
    elif column.dtype.is_nested():
        texts = [
            None if value is None else one_line(str(value), longest=longest) for value in column.to_list()
        ]
        column = pl.Series(column.name, texts, dtype=pl.String)
    name = one_line(column.name)
    return column.alias("\n".join(name[start : start + longest] for start in range(0, len(name), longest)))


def _how_many_fit(columns: Sequence[pl.Series], *, width: int) -> int:
    """Count the first columns that fit into a line; at least one is drawn."""
    left = width - 1
    for position, column in enumerate(columns):
        # As Polars draws it: letters of some scripts are two wide.
        left -= len(_table(column.to_frame()).partition("\n")[0]) - 4 + _BORDER
        if left < 0:
            return max(position, 1)
    return len(columns)


def _record(row: dict[str, object], *, width: int) -> str:
    """Write a line for each value of a row, below the names of the columns that are not null."""
    widest = max(len(one_line(name)) for name in row)
    return "\n".join(
        f"{one_line(name):<{widest}}  {one_line(str(value), longest=max(width - widest - 2, _LEAST_TEXT))}"
        for name, value in row.items()
        if value is not None
    )
