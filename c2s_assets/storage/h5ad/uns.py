"""Turns `uns`, which holds anything, into what JSON can hold, dropping nothing silently."""

import base64
import math
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import SourceError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import (
    Array,
    open_member,
    read_shape_attribute,
    read_text_attribute,
    reading,
)
from c2s_assets.storage.h5ad.columns import Column, open_column
from c2s_assets.storage.h5ad.enums import enum_names, name_numbers
from c2s_assets.storage.h5ad.frames import Frame, open_frame
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.h5ad.sizes import measure

MAX_DEPTH = 32
MAX_VALUES = 5_000_000
MAX_TEXT_BYTES = 2**20

_N_SUMMARISED = 10
_N_TEXT_SUMMARISED = 100
_SPARSE_ENCODINGS = frozenset({"csr_matrix", "csc_matrix"})
_COLUMN_ENCODINGS = frozenset(
    {"categorical", "nullable-integer", "nullable-boolean", "nullable-string-array", "masked"}
)
_PLAIN_GROUP_ENCODINGS = frozenset({None, "dict", "raw", "anndata"})


def read_uns(uns: Any, *, max_values: int, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Read `uns` (or None, if the file has none) as nested dictionaries, lists, strings, numbers and null.

    - An array of more than `max_values` values, and a string beyond `MAX_TEXT_BYTES`, is
      ``{"summary": {...}}`` with its shape, type and first values.
    - A number of more digits than a double has is rounded to one, and beyond its range a text.
    - A number that its type names is true, false or null if it is named so, else that name.
    - NaN is null, infinities are ``"Infinity"`` and ``"-Infinity"``: JSON has none of them. A complex number
      is ``{"real": ..., "imag": ...}``; bytes that are not UTF-8 are ``{"base64": ...}``.
    - Structured arrays and dataframes are a list per field or column; categoricals are their values.
    - A sparse matrix is its three arrays, beside `format` and `shape`.
    - What cannot be read is ``{"unreadable": reason}``.

    Raises
    ------
    UnsafeFileError
        If it is nested deeper than `MAX_DEPTH`, or comes to more than `MAX_VALUES` values or more bytes than
        the limit.
    """
    if uns is None:
        return {}
    if not isinstance(uns, h5py.Group):
        return {"unreadable": "uns is not a group"}
    return _Reader(max_values, limits).read_group(uns, place="uns", depth=0)


@dataclass
class _Reader:
    max_values: int
    limits: Limits
    n_read: int = field(default=0, init=False)
    n_bytes: int = field(default=0, init=False)

    def read_element(self, element: Any, *, place: str, depth: int) -> Any:
        self._count(1, place=place)
        if depth > MAX_DEPTH:
            raise UnsafeFileError(f"{place} is nested deeper than {MAX_DEPTH} levels. Flatten uns.")
        try:
            return self._convert(element, place=place, depth=depth)
        except UnsafeFileError:
            raise
        except SourceError as error:
            return {"unreadable": str(error)}

    def read_group(self, group: h5py.Group, *, place: str, depth: int) -> dict[str, Any]:
        with reading(place):
            names = sorted(group)
        return {
            name: self.read_element(
                open_member(group, name, place=place), place=f"{place}/{name}", depth=depth + 1
            )
            for name in names
        }

    def _convert(self, element: Any, *, place: str, depth: int) -> Any:
        if isinstance(element, h5py.Dataset):
            return self._read_array(Array(element, place))
        if not isinstance(element, h5py.Group):
            raise UnsupportedEncodingError(f"{place} is a named type, without a value.")
        encoding = read_text_attribute(element, "encoding-type", place=place)
        legacy_format = read_text_attribute(element, "h5sparse_format", place=place)
        if encoding in _SPARSE_ENCODINGS or legacy_format is not None:
            return self._read_sparse(element, encoding or legacy_format, place=place, depth=depth)
        if encoding in _COLUMN_ENCODINGS:
            return self._read_column(open_column(element, place=place), place=place)
        if encoding == "dataframe":
            frame = open_frame(element, place=place, legacy_categories={}, limits=self.limits)
            return self._read_frame(frame, place=place)
        members = self.read_group(element, place=place, depth=depth)
        if encoding in _PLAIN_GROUP_ENCODINGS:
            return members
        return {"unreadable": f"{place} has encoding {encoding!r}; its parts follow.", "parts": members}

    def _read_sparse(
        self, group: h5py.Group, encoding: str | None, *, place: str, depth: int
    ) -> dict[str, Any]:
        shape = read_shape_attribute(group, "shape", place=place)
        shape = shape or read_shape_attribute(group, "h5sparse_shape", place=place)
        return {
            "format": (encoding or "").removesuffix("_matrix"),
            "shape": None if shape is None else list(shape),
            **self.read_group(group, place=place, depth=depth),
        }

    def _read_array(self, array: Array) -> Any:
        shape = array.shape
        if shape is None:
            return None
        if not array.is_text and array.dtype.kind not in "biufcSV":
            raise UnsupportedEncodingError(
                f"{array.place} has type {array.dtype_name}, which JSON cannot hold."
            )
        n_values = math.prod(shape) * len(array.dtype.names or ("one",))
        if n_values > self.max_values:
            first = _to_json(_named(array.read_first(_N_SUMMARISED), array))
            return {"summary": {"shape": list(shape), "dtype": array.dtype_name, "first": first}}
        self._count(n_values, place=array.place)
        self._count_bytes(array)
        return _to_json(_named(array.read(), array))

    def _read_column(self, column: Column, *, place: str) -> Any:
        if column.n_rows > self.max_values:
            first = _column_to_json(column.read(0, _N_SUMMARISED))
            return {"summary": {"shape": [column.n_rows], "dtype": column.encoding, "first": first}}
        self._count(column.n_rows, place=place)
        size = measure(column, place=place, limits=self.limits)
        self._add_bytes(size.total, place=place)
        return _column_to_json(column.read())

    def _read_frame(self, frame: Frame, *, place: str) -> dict[str, Any]:
        names = list(dict.fromkeys([frame.index_name, *frame.names]))
        columns = {name: self._read_frame_column(frame, name, place=f"{place}/{name}") for name in names}
        absent = {
            name: {"unreadable": "listed in column-order, but not in the file"} for name in frame.absent
        }
        return columns | absent

    def _read_frame_column(self, frame: Frame, name: str, *, place: str) -> Any:
        try:
            return self._read_column(frame.open(name), place=place)
        except UnsafeFileError:
            raise
        except SourceError as error:
            return {"unreadable": str(error)}

    def _count(self, n_values: int, *, place: str) -> None:
        self.n_read += n_values
        if self.n_read > MAX_VALUES:
            raise UnsafeFileError(
                f"{place}: uns holds more than {MAX_VALUES:,} values. Move tables out of uns."
            )

    def _count_bytes(self, array: Array) -> None:
        shape = array.shape or ()
        texts = array.text_bytes(0, shape[0]) if array.is_text and len(shape) == 1 else None
        n_bytes = math.prod(shape) * array.dtype.itemsize if texts is None else int(texts.sum())
        self._add_bytes(n_bytes, place=array.place)

    def _add_bytes(self, n_bytes: int, *, place: str) -> None:
        self.n_bytes += n_bytes
        where = f"with {place}, uns holds"
        self.limits.refuse_more("uns_bytes", self.n_bytes, where=where, unit="bytes")


def _named(values: NDArray[Any], array: Array) -> NDArray[Any]:
    names = enum_names(array.dtype)
    return name_numbers(values, names) if names else values


def _to_json(value: Any) -> Any:
    """Convert a value as numpy or polars give it."""
    if isinstance(value, np.ndarray):
        return _array_to_json(value)
    if isinstance(value, np.void) and value.dtype.names:
        return {name: _to_json(value[name]) for name in value.dtype.names}
    # Of more digits than Python's numbers have, `item` gives what it was given.
    if isinstance(value, np.longdouble):
        is_beyond = np.isfinite(value) and math.isinf(float(value))
        value = str(value) if is_beyond else float(value)
    if isinstance(value, np.clongdouble):
        value = complex(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return _text_to_json(value)
    if isinstance(value, float):
        return _float_to_json(value)
    if isinstance(value, complex):
        return {"real": _float_to_json(value.real), "imag": _float_to_json(value.imag)}
    return value


def _column_to_json(values: pl.Series) -> list[Any]:
    if values.dtype.is_float() and not values.is_finite().all():
        return [_to_json(value) for value in values.to_list()]
    return values.to_list()


def _array_to_json(array: NDArray[Any]) -> Any:
    if array.dtype.names:
        return {name: _array_to_json(array[name]) for name in array.dtype.names}
    if array.ndim == 0:
        return _to_json(array[()])
    if _is_json_already(array):
        return array.tolist()  # 5 million numbers: 0.2 s, and 3.4 s one by one
    return [_to_json(item) for item in array]


def _is_json_already(array: NDArray[Any]) -> bool:
    """Whether all values are numbers that JSON has."""
    if array.dtype.itemsize > np.dtype(float).itemsize:
        return False
    return array.dtype.kind in "biu" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))


def _float_to_json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _text_to_json(value: bytes) -> Any:
    if len(value) > MAX_TEXT_BYTES:
        first = value[:_N_TEXT_SUMMARISED].decode(errors="backslashreplace")
        return {"summary": {"shape": [], "dtype": "string", "n_bytes": len(value), "first": first}}
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
