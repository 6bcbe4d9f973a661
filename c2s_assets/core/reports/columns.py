"""What one column of obs or var holds, in figures."""

from dataclasses import dataclass

import polars as pl

from c2s_assets.core.reports.text import one_line

# Of values in an example; longer texts are cut.
_N_EXAMPLES = 3
_LONGEST_EXAMPLE = 24
# More distinct values than this are an identifier rather than a category.
_MOST_VALUES = 100


@dataclass(frozen=True)
class ColumnFigures:
    """How often a column has no value, and how often each value; `value_counts` is None if not counted."""

    n_missing: int
    n_distinct: int
    value_counts: dict[str, int] | None


def count_values(column: pl.Series) -> ColumnFigures:
    """Count missing and distinct values; of texts and booleans with at most 100 distinct ones, each of them.

    Values come from the most frequent to the rarest, equals in order of their name.
    """
    present = column.drop_nulls().alias("value")
    n_distinct = present.n_unique()
    counts = None
    if column.dtype in (pl.String, pl.Boolean) and n_distinct <= _MOST_VALUES:
        table = present.cast(pl.String).value_counts(name="n").sort("n", "value", descending=[True, False])
        counts = dict(table.iter_rows())
    return ColumnFigures(n_missing=column.null_count(), n_distinct=n_distinct, value_counts=counts)


def example_values(column: pl.Series) -> str:
    """Show what a column holds: of numbers the lowest and highest, of labels the most frequent."""
    present = column.drop_nulls()
    if present.is_empty():
        return "nothing"
    if column.dtype.is_numeric():
        low, high = (f"{float(number):g}" for number in present.cast(pl.Float64).sort()[[0, -1]])
        return low if low == high else f"{low} to {high}"
    counts = count_values(column).value_counts
    if counts is None:
        return f"{', '.join(map(_short, present.cast(pl.String).head(_N_EXAMPLES)))} ..."
    shown = [f"{_short(value)} ({n:,})" for value, n in list(counts.items())[:_N_EXAMPLES]]
    return ", ".join(shown) + (" ..." if len(counts) > len(shown) else "")


def _short(value: str) -> str:
    return one_line(value, longest=_LONGEST_EXAMPLE) if value.strip() else repr(value)
