"""Types of an answer: those that its reader can hold, and the text that DuckDB writes for all others."""

from collections.abc import Collection

import duckdb
from duckdb.sqltypes import DuckDBPyType

# Polars cannot take intervals and unions, takes uhugeint for negative numbers and big numbers for bytes, and
# panics when it prints date 'infinity'.
FLAT = frozenset(
    {
        "boolean",
        "varchar",
        "null",
        "float",
        "double",
        "decimal",
        "tinyint",
        "smallint",
        "integer",
        "bigint",
        "hugeint",
        "utinyint",
        "usmallint",
        "uinteger",
        "ubigint",
    }
)
NESTED = frozenset({"list", "array", "struct"})
TIMES = frozenset({"date", "time", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"}) | {
    "timestamp with time zone"
}
SHOWN = FLAT | NESTED
STORED = SHOWN | TIMES | {"blob"}


def as_types(answer: duckdb.DuckDBPyRelation, kept: Collection[str]) -> duckdb.DuckDBPyRelation:
    """Let DuckDB write text for every column whose type, or that of a value in it, is not to be kept.

    Parameters
    ----------
    answer
        Without two columns of one name: a limit gives the second another.
    """
    columns = []
    for name, found in zip(answer.columns, answer.types, strict=True):
        # DuckDB takes a column expression of that name for all columns.
        column = duckdb.SQLExpression('"*"') if name == "*" else duckdb.ColumnExpression(name)
        if not _is_kept(found, kept):
            column = column.cast(duckdb.sqltypes.VARCHAR).alias(name)
        columns.append(column)
    return answer.project(*columns)


def _is_kept(found: DuckDBPyType, kept: Collection[str]) -> bool:
    if found.id not in kept:
        return False
    # The children of a decimal are numbers: its precision and scale.
    inner = [child for _, child in found.children] if found.id in NESTED else []
    return all(_is_kept(child, kept) for child in inner if isinstance(child, DuckDBPyType))
