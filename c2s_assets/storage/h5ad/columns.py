"""Decodes one column of a dataframe, in every encoding from AnnData 0.6 on, into a polars series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError, SourceError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import (
    Array,
    as_array,
    open_member,
    read_attribute,
    read_text_attribute,
    reading,
)
from c2s_assets.storage.h5ad.links import refuse_foreign_storage

LEGACY_CATEGORIES = "__categories"

_NUMERIC = frozenset(
    [
        "bool",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        "float16",
        "float32",
        "float64",
    ]
)


class Column(Protocol):
    """One-dimensional values of a dataframe: what the headers say, and a way to the values."""

    @property
    def encoding(self) -> str:
        """AnnData's name of the encoding."""

    @property
    def dtype_name(self) -> str:
        """Type on disk; of a categorical, that of its codes."""

    @property
    def n_rows(self) -> int:
        """Number of values."""

    @property
    def n_categories(self) -> int | None:
        """Number of categories of a categorical, else None."""

    def read(self, start: int = 0, stop: int | None = None) -> pl.Series:
        """Decode the values ``[start, stop)``: missing ones, and NaN, are null."""


@dataclass(frozen=True)
class PlainColumn:
    """Numbers, booleans or strings, stored as they are."""

    values: Array
    encoding: str
    n_categories: None = None

    @property
    def dtype_name(self) -> str:
        """Type on disk."""
        return self.values.dtype_name

    @property
    def n_rows(self) -> int:
        """Number of values."""
        return _length(self.values)

    def read(self, start: int = 0, stop: int | None = None) -> pl.Series:
        """Decode the values ``[start, stop)``."""
        values = self.values.read(start, stop)
        if self.values.is_text:
            return _decode_text(values, first=start, place=self.values.place)
        if self.values.dtype.kind == "f":
            # polars writes no float16 to parquet, and float32 holds every one of them.
            width = np.float32 if values.dtype.itemsize < 4 else values.dtype.newbyteorder("=")
            return pl.Series(values.astype(width)).fill_nan(None)
        return pl.Series(values.astype(values.dtype.newbyteorder("=")))


@dataclass(frozen=True)
class CategoricalColumn:
    """Codes into a list of categories; -1 is a missing value."""

    codes: Array
    categories: Column
    encoding: str

    @property
    def dtype_name(self) -> str:
        """Type of the codes on disk."""
        return self.codes.dtype_name

    @property
    def n_rows(self) -> int:
        """Number of values."""
        return _length(self.codes)

    @property
    def n_categories(self) -> int:
        """Number of categories, used or not."""
        return self.categories.n_rows

    def read(self, start: int = 0, stop: int | None = None) -> pl.Series:
        """Decode the values ``[start, stop)``; SourceError if a code names no category."""
        codes = self.codes.read(start, stop)
        outside = (codes < -1) | (codes >= self.n_categories)
        if outside.any():
            row = int(outside.argmax())
            raise SourceError(
                f"{self.codes.place} has code {codes[row]} at row {start + row}, but there are "
                f"{self.n_categories} categories. Repair the column, or remove it."
            )
        positions = pl.Series(codes.astype(np.int64))
        return self.categories.read().gather(positions.set(positions < 0, None))


@dataclass(frozen=True)
class MaskedColumn:
    """Values beside a mask that is true where the value is missing."""

    values: PlainColumn
    mask: Array
    encoding: str
    n_categories: None = None

    @property
    def dtype_name(self) -> str:
        """Type of the values on disk."""
        return self.values.dtype_name

    @property
    def n_rows(self) -> int:
        """Number of values."""
        return self.values.n_rows

    def read(self, start: int = 0, stop: int | None = None) -> pl.Series:
        """Decode the values ``[start, stop)``."""
        is_missing = pl.Series(self.mask.read(start, stop).astype(bool))
        return self.values.read(start, stop).set(is_missing, None)


def open_column(element: Any, *, place: str) -> Column:
    """Recognise the encoding of a column from its headers.

    Raises
    ------
    UnsupportedEncodingError
        If it has more than one dimension, is a group of an unknown kind, or is of a type that is neither
        number, boolean nor string.
    """
    if isinstance(element, h5py.Dataset):
        return _open_dataset(element, place=place)
    encoding = (
        read_text_attribute(element, "encoding-type", place=place)
        if isinstance(element, h5py.Group)
        else None
    )
    if isinstance(element, h5py.Group):
        codes = as_array(open_member(element, "codes", place=place), place=f"{place}/codes")
        categories = open_member(element, "categories", place=place)
        if codes is not None and categories is not None:
            categories = open_column(categories, place=f"{place}/categories")
            return open_categorical(codes, categories, encoding=encoding or "categorical")
        values = as_array(open_member(element, "values", place=place), place=f"{place}/values")
        mask = as_array(open_member(element, "mask", place=place), place=f"{place}/mask")
        if values is not None and mask is not None:
            return _open_masked(values, mask, encoding=encoding or "masked", place=place)
    raise UnsupportedEncodingError(
        f"{place} is {_kind_of_element(element)} with encoding {encoding!r}, not a column that we read. "
        "Store it as a plain, categorical or nullable column."
    )


def open_plain(values: Array, *, encoding: str) -> PlainColumn:
    """View an array as a column; UnsupportedEncodingError if it is not one."""
    _require_one_dimension(values)
    if not values.is_text and values.dtype.name not in _NUMERIC:
        raise UnsupportedEncodingError(
            f"{values.place} has type {values.dtype_name}. Store it as integers, floats, booleans or strings."
        )
    return PlainColumn(values, encoding)


def open_categorical(codes: Array, categories: Column, *, encoding: str) -> CategoricalColumn:
    """View codes and categories as a column; UnsupportedEncodingError if the codes are not integers."""
    _require_one_dimension(codes)
    if codes.dtype.kind not in "iu":
        raise UnsupportedEncodingError(
            f"{codes.place} has codes of type {codes.dtype_name}. Codes of a categorical must be integers."
        )
    return CategoricalColumn(codes, categories, encoding)


def open_legacy_categorical(codes: Array, categories: Mapping[str, Array]) -> Column | None:
    """Join a field of an AnnData 0.6 dataframe with its categories in `uns`, or give None if it has none."""
    if codes.field is None or codes.field not in categories or codes.dtype.kind not in "iu":
        return None
    values = open_plain(categories[codes.field], encoding="array")
    return open_categorical(codes, values, encoding="categorical (0.6)")


def _open_dataset(dataset: h5py.Dataset, *, place: str) -> Column:
    values = Array(dataset, place)
    categories = _referenced_categories(dataset, place=place)
    if categories is not None:
        return open_categorical(values, categories, encoding="categorical (0.7)")
    encoding = read_text_attribute(dataset, "encoding-type", place=place)
    return open_plain(values, encoding=encoding or ("string-array" if values.is_text else "array"))


def _referenced_categories(dataset: h5py.Dataset, *, place: str) -> Column | None:
    """Find the categories of a column of AnnData 0.7, which refers to a dataset beside it."""
    reference = read_attribute(dataset, "categories", place=place)
    if reference is None:
        return None
    where = f"{place}: categories"
    with reading(where):
        categories = dataset.file[reference]
    if not isinstance(categories, h5py.Dataset):
        raise UnsupportedEncodingError(f"{where} refers to {_kind_of_element(categories)}, not to a dataset.")
    # A reference may lead to a dataset that has no name, which the survey of the links has not seen.
    refuse_foreign_storage(categories, place=where)
    return open_plain(Array(categories, where), encoding="array")


def _open_masked(values: Array, mask: Array, *, encoding: str, place: str) -> MaskedColumn:
    column = MaskedColumn(open_plain(values, encoding="array"), mask, encoding)
    _require_one_dimension(mask)
    if mask.dtype.kind not in "biu":
        raise UnsupportedEncodingError(f"{mask.place} has type {mask.dtype_name}. A mask must be boolean.")
    if _length(mask) != column.n_rows:
        raise NotAnH5adError(
            f"{place} has {column.n_rows} values but a mask of {_length(mask)}. "
            "The file is damaged; fetch it again."
        )
    return column


def _decode_text(values: NDArray[Any], *, first: int, place: str) -> pl.Series:
    try:
        texts = [value.decode() for value in values.tolist()]
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{place} has {_shorten(error.object)} at row {first + _first_not_utf8(values)}, "
            "which is not UTF-8. Write the column again as UTF-8 strings, or remove it."
        ) from error
    return pl.Series(texts, dtype=pl.String)


def _first_not_utf8(values: NDArray[Any]) -> int:
    for row, value in enumerate(values.tolist()):
        if value.decode(errors="ignore").encode() != value:
            return row
    return len(values)


def _require_one_dimension(array: Array) -> None:
    if array.shape is None or len(array.shape) != 1:
        shape = "no values" if array.shape is None else f"shape {array.shape}"
        raise UnsupportedEncodingError(
            f"{array.place} has {shape}; a column has one dimension. Split it, or move it to obsm."
        )
    # Here rather than when it is read: the length of the index becomes n_obs, and others allocate by it.
    array.refuse_unproven(array.shape[0])


def _length(array: Array) -> int:
    return (array.shape or (0,))[0]


def _kind_of_element(element: Any) -> str:
    if isinstance(element, h5py.Dataset):
        return "a dataset"
    return "a group" if isinstance(element, h5py.Group) else "a named type"


def _shorten(value: bytes) -> str:
    return repr(value if len(value) <= 40 else value[:40])
