"""What one column of obs or var holds, in figures."""

from dataclasses import dataclass

import polars as pl

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
