"""How large the values of a column are once decoded, found out before any of them is."""

from dataclasses import dataclass

import numpy as np

from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.columns import CategoricalColumn, Column, MaskedColumn, PlainColumn
from c2s_assets.storage.h5ad.limits import Limits

# What a value takes in memory beside its text.
_VALUE_BYTES = 16
# 1 M references to texts are 16 MB, as many codes 8 MB.
_ROWS_AT_ONCE = 2**20
_ROWS_TO_READ = 2**14


@dataclass(frozen=True)
class ColumnSize:
    """Bytes of a column.

    Attributes
    ----------
    longest
        Of its longest value, or a bound of it.
    total
        Of the text of all rows as it is written out: a category counts in every row that has it.
    """

    longest: int
    total: int


def measure(column: Column, *, place: str, limits: Limits) -> ColumnSize:
    """Measure the values of a column.

    Raises
    ------
    UnsafeFileError
        If a text is longer than the limit, or there is more of it, or more categories.
    """
    match column:
        case CategoricalColumn():
            return _measure_categories(column, place=place, limits=limits)
        case MaskedColumn():
            return measure(column.values, place=place, limits=limits)
        case PlainColumn() if column.values.is_text:
            size = _measure_texts(column.values)
            _refuse_long(size.longest, place=place, limits=limits)
            limits.refuse_more("column_bytes", size.total, where=f"{place} has", unit="bytes of text")
            return size
        case _:
            return ColumnSize(_VALUE_BYTES, _VALUE_BYTES * column.n_rows)


def _measure_categories(column: CategoricalColumn, *, place: str, limits: Limits) -> ColumnSize:
    if column.n_categories > column.n_rows:
        limits.refuse_more("categories", column.n_categories, where=f"{place} has", unit="categories")
    own = measure(column.categories, place=f"{place}/categories", limits=limits)
    if own.longest * column.n_rows <= limits.column_bytes:
        return ColumnSize(own.longest, own.longest * column.n_rows)
    texts = column.categories.read().cast(str).str.len_bytes().fill_null(0).to_numpy()
    total = 0
    for start in range(0, column.n_rows, _ROWS_AT_ONCE):
        codes = column.codes.read(start, min(start + _ROWS_AT_ONCE, column.n_rows)).astype(np.int64)
        total += int(texts[codes[(codes >= 0) & (codes < len(texts))]].sum())
    return ColumnSize(own.longest, total)


def _measure_texts(texts: Array) -> ColumnSize:
    n_rows = (texts.shape or (0,))[0]
    if texts.dtype.kind == "S":
        return ColumnSize(texts.dtype.itemsize, texts.dtype.itemsize * n_rows)
    longest = total = 0
    for start in range(0, n_rows, _ROWS_AT_ONCE):
        n_bytes = texts.text_bytes(start, min(start + _ROWS_AT_ONCE, n_rows))
        if n_bytes is None:
            return _measure_by_reading(texts, n_rows=n_rows)
        longest, total = max(longest, int(n_bytes.max())), total + int(n_bytes.sum())
    return ColumnSize(longest, total)


def _measure_by_reading(texts: Array, *, n_rows: int) -> ColumnSize:
    """Measure texts whose lengths only HDF5 can find: under a filter of its own, or in a compound."""
    longest = total = 0
    for start in range(0, n_rows, _ROWS_TO_READ):
        n_bytes = [len(text) for text in texts.read(start, start + _ROWS_TO_READ).tolist()]
        longest, total = max([longest, *n_bytes]), total + sum(n_bytes)
    return ColumnSize(longest, total)


def _refuse_long(longest: int, *, place: str, limits: Limits) -> None:
    limits.refuse_more("text_bytes", longest, where=f"{place} has a text of", unit="bytes")
