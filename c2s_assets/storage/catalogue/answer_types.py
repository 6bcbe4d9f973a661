"""Types of an answer: those that its reader can hold, and the text that DuckDB writes for all others."""

from collections.abc import Collection

import duckdb
from duckdb.sqltypes import DuckDBPyType

from c2s_assets.storage.catalogue.statements import quoted

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
    written = [
        f"cast({quoted(name)} as varchar) as {quoted(name)}"
        for name, found in zip(answer.columns, answer.types, strict=True)
        if not _is_kept(found, kept)
    ]
    if not written:
        return answer
    # In one expression: DuckDB's client compares each with all names, which takes 9 s for 5,000 columns.
    return answer.project(duckdb.SQLExpression(f"* replace ({', '.join(written)})"))


def _is_kept(found: DuckDBPyType, kept: Collection[str]) -> bool:
    if found.id not in kept:
        return False
    # The children of a decimal are numbers: its precision and scale.
    inner = [child for _, child in found.children] if found.id in NESTED else []
    return all(_is_kept(child, kept) for child in inner if isinstance(child, DuckDBPyType))
