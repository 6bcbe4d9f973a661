"""Decodes one column of a dataframe, in every encoding from AnnData 0.6 on, into a polars series."""

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
from c2s_assets.storage.h5ad.enums import EnumColumn, enum_names
from c2s_assets.storage.h5ad.links import refuse_foreign_storage

# What R has for NA among integers, which it writes as it is.
R_NA = int(np.iinfo(np.int32).min)

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
    """Numbers, booleans or strings, stored as they are; `missing` is a number that stands for none."""

    values: Array
    encoding: str
    n_categories: None = None
    missing: int | None = None

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
        numbers = pl.Series(values.astype(values.dtype.newbyteorder("=")))
        return numbers if self.missing is None else numbers.set(numbers == self.missing, None)


@dataclass(frozen=True)
class CategoricalColumn:
    """Codes into a list of categories; a missing value is -1, or what R writes for NA."""

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
        outside = codes_outside(codes, n_categories=self.n_categories)
        if outside.any():
            row = int(outside.argmax())
            raise SourceError(
                f"{self.codes.place} has code {codes[row]} at row {start + row}, but there are "
                f"{self.n_categories} categories. Repair the column, or remove it."
            )
        positions = pl.Series(codes.astype(np.int64))
        return self.categories.read().gather(positions.set(pl.Series(_is_missing(codes)), None))


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


def open_plain(values: Array, *, encoding: str, missing: int | None = None) -> PlainColumn:
    """View an array as a column; UnsupportedEncodingError if it is not one."""
    _require_one_dimension(values)
    if not values.is_text and values.dtype.name not in _NUMERIC:
        raise UnsupportedEncodingError(
            f"{values.place} has type {values.dtype_name}. Store it as integers, floats, booleans or strings."
        )
    return PlainColumn(values, encoding, missing=missing)


def open_categorical(codes: Array, categories: Column, *, encoding: str) -> CategoricalColumn:
    """View codes and categories as a column; UnsupportedEncodingError if the codes are not integers."""
    _require_one_dimension(codes)
    if codes.dtype.kind not in "iu":
        raise UnsupportedEncodingError(
            f"{codes.place} has codes of type {codes.dtype_name}. Codes of a categorical must be integers."
        )
    return CategoricalColumn(codes, categories, encoding)


def codes_outside(codes: NDArray[Any], *, n_categories: int) -> NDArray[np.bool_]:
    """Tell which codes neither name one of the categories nor stand for a missing value."""
    outside: NDArray[np.bool_] = ((codes < 0) | (codes >= n_categories)) & ~_is_missing(codes)
    return outside


def _open_dataset(dataset: h5py.Dataset, *, place: str) -> Column:
    values = Array(dataset, place)
    categories = _referenced_categories(dataset, place=place)
    if categories is not None:
        return open_categorical(values, categories, encoding="categorical (0.7)")
    names = enum_names(values.dtype)
    if names:
        _require_one_dimension(values)
        return EnumColumn(values, names)
    encoding = read_text_attribute(dataset, "encoding-type", place=place)
    # AnnData says of every column how it is encoded, and has another encoding for integers that may be
    # missing. SeuratDisk says nothing, writes R's integers of 32 bits, and their NA as the number it is.
    is_of_r = encoding is None and values.dtype.kind == "i" and values.dtype.itemsize == 4
    return open_plain(
        values,
        encoding=encoding or ("string-array" if values.is_text else "array"),
        missing=R_NA if is_of_r else None,
    )


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


def _is_missing(codes: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which codes stand for a missing value.

    AnnData has -1. R's NA is the lowest number of 32 bits, and HDF5 makes it the lowest number of a smaller
    type when it is stored as that.
    """
    lowest = int(np.iinfo(codes.dtype).min)
    found: NDArray[np.bool_] = codes == -1
    if lowest < 0:
        found |= (codes == lowest) | (codes == max(lowest, R_NA))
    return found


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
