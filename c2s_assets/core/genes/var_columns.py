"""Columns of var: found by what they may be called, and listed for a person who has to choose one."""

import re
from collections.abc import Iterable, Sequence

import polars as pl

_MOST_COLUMNS = 20
_LONGEST_EXAMPLE = 30


def columns_called(names: Sequence[str], var: pl.DataFrame) -> list[str]:
    """Find the columns of text that have one of the names, in the order of the names.

    Neither case nor anything but letters and digits matters: `GeneSymbol`, `gene.symbol` and `gene_symbol`
    are one name.
    """
    text = [column for column, dtype in var.schema.items() if dtype == pl.String]
    return [column for name in names for column in text if _plain(column) == _plain(name)]


def list_columns(columns: Iterable[pl.Series]) -> str:
    """List columns with two values of each: ``gene_ids ('ENSG00000141510', 'ENSG00000136997')``."""
    listed = [f"{column.name} ({_examples(column)})" for column in columns]
    more = f" and {len(listed) - _MOST_COLUMNS} more" if len(listed) > _MOST_COLUMNS else ""
    return (", ".join(listed[:_MOST_COLUMNS]) or "none") + more


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _examples(column: pl.Series) -> str:
    values = column.drop_nulls().unique(maintain_order=True).head(2)
    return ", ".join(map(_shortened, values)) or "nothing but missing values"


def _shortened(value: object) -> str:
    text = str(value)
    text = text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}..."
    return repr(text) if isinstance(value, str) else text
