"""Yes or no, however a source writes it."""

import polars as pl

_YES = ("true", "t", "yes", "y", "1", "1.0")
_NO = ("false", "f", "no", "n", "0", "0.0")


def read_flags(column: pl.Series) -> pl.Series:
    """Read a column of booleans, or of texts or numbers that stand for them; null for what says neither."""
    if column.dtype == pl.Boolean:
        return column
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    says_yes, says_no = text.is_in(_YES), text.is_in(_NO)
    return says_yes.set(~says_yes & ~says_no, None).alias(column.name)
