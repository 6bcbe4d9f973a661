"""Reads single datasets and attributes of an HDF5 file; the only place that asks h5py for values."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.plugins import filter_name, require_filters
from c2s_assets.storage.h5ad.stored import Stored, open_references, open_stored

MAX_ATTRIBUTE_BYTES = 16 * 2**20
# HDF5 inflates a whole chunk to give us one value of it; its own limit is 4 GiB.
MAX_CHUNK_BYTES = 2**30
# A few kilobytes can claim 10**12 values: chunks never written, or of zeros, take next to no space. Below the
# first number we read whatever is claimed; above it, only what the stored bytes can hold. DEFLATE inflates
# 1,032 times at most, other filters more, but not on data of this size.
MAX_UNPROVEN_BYTES = 256 * 2**20
MAX_EXPANSION = 5_000

_NOT_COMPRESSING = frozenset({"shuffle", "fletcher32"})
# Of the other types, HDF5 2.0 reads a list of variable length past the end of its memory when the type in a
# damaged file does not fit the stored bytes, and takes the process with it.
_ATTRIBUTE_TYPES = frozenset(
    {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM, h5py.h5t.REFERENCE}
)


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Turn what h5py raises on a damaged file into our error, with the place in the file."""
    try:
        yield
    except MemoryError as error:
        raise UnsafeFileError(
            f"{place} takes more memory than there is. The file is damaged, or made so; fetch it again."
        ) from error
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise NotAnH5adError(
            f"{place} cannot be read ({error}). The file is damaged or incomplete; fetch it again."
        ) from error


@dataclass(frozen=True)
class Array:
    """A dataset, or one field of a compound dataset: its header, and a way to its values.

    Numbers come past HDF5 where `stored.open_stored` knows how, and through h5py otherwise; what comes is the
    same.
    """

    dataset: h5py.Dataset
    place: str
    field: str | None = None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of the values; None for an HDF5 null dataspace, which has none."""
        with reading(self.place):
            shape: tuple[int, ...] | None = self.dataset.shape
        return shape if shape is None else shape + self._dtype().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one value as h5py maps it; UnsupportedEncodingError when numpy has none."""
        return self._dtype().base

    @property
    def is_text(self) -> bool:
        """Whether the values are strings, of fixed or variable length."""
        return self.dtype.kind == "S" or h5py.check_string_dtype(self.dtype) is not None

    @property
    def dtype_name(self) -> str:
        """Type of one value for people: `float32`, `string`, `S16`, `compound(index: S16, age: int64)`."""
        return _dtype_name(self.dtype)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of a chunk; None when the dataset is contiguous."""
        with reading(self.place):
            chunks: tuple[int, ...] | None = self.dataset.chunks
        return chunks

    @property
    def compression(self) -> str | None:
        """Names of the compressing filters, joined by `+`."""
        names = [name for _, name in self._filters() if name not in _NOT_COMPRESSING]
        return "+".join(names) or None

    @property
    def size_bytes(self) -> int:
        """Bytes that the values take on disk."""
        with reading(self.place):
            return int(self.dataset.id.get_storage_size())

    @property
    def is_read_past_hdf5(self) -> bool:
        """Whether HDF5 is asked only where the values are; NotAnH5adError if that contradicts itself."""
        return self._stored is not None

    def fields(self) -> list["Array"]:
        """View each field of a compound dataset by itself; of any other, the dataset."""
        names = self.dtype.names if self.field is None else None
        if names is None:
            return [self]
        return [Array(self.dataset, f"{self.place}/{name}", field=name) for name in names]

    def read(self, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Read the values ``[start, stop)`` of the first axis; of a scalar, its value as a 0-d array.

        Strings come as bytes. Refuses to allocate more than the stored bytes can account for.
        """
        shape = self.shape
        if shape is None:
            raise UnsupportedEncodingError(f"{self.place} is an HDF5 null: it has no values to read.")
        if shape == () or len(shape) == len(self._dtype().shape):
            return self._select((), n_values=1)
        stop = shape[0] if stop is None else min(stop, shape[0])
        n_values = (stop - start) * _product(shape[1:])
        if start >= stop or self._stored is None:
            if self.is_text and len(shape) == 1:
                self.text_bytes(start, stop)
            return self._select(np.s_[start:stop], n_values=n_values)
        self.refuse_unproven(n_values)
        return self._stored.read(start, stop)

    def text_bytes(self, start: int, stop: int) -> NDArray[np.int64] | None:
        """Length of each text ``[start, stop)`` of a list of texts, without reading them; None if not known.

        Raises
        ------
        UnsafeFileError
            If together they are longer than the file: HDF5 keeps each of them in it as it is.
        """
        if self.dtype.kind == "S":
            return np.full(stop - start, self.dtype.itemsize, np.int64)
        if self._references is None or start >= stop:
            return None
        self.refuse_unproven(stop - start)
        n_bytes: NDArray[np.int64] = self._references.read(start, stop)["n_bytes"].astype(np.int64)
        with reading(self.place):
            file_bytes = int(self.dataset.file.id.get_filesize())
        if n_bytes.sum() > file_bytes:
            raise UnsafeFileError(
                f"{self.place} claims {n_bytes.sum():,} bytes of text, but the file has only {file_bytes:,}: "
                "many rows have one text in common, which HDF5 never writes. Do not trust this file."
            )
        return n_bytes

    def read_first(self, n_values: int) -> NDArray[Any]:
        """Read the first values along the last axis, without reading the rest."""
        shape = self.shape or ()
        n_axes = len(shape) - len(self._dtype().shape)
        if n_axes == 1:
            return self.read(0, n_values).reshape(-1)[:n_values]
        if not n_axes or 0 in shape:
            return self.read().reshape(-1)[:n_values]
        first = self._select((0,) * (n_axes - 1) + (slice(0, n_values),), n_values=n_values)
        return first.reshape(-1)[:n_values]

    def refuse_unproven(self, n_values: int) -> None:
        """Refuse values that take more memory than the stored bytes can account for."""
        n_bytes = n_values * self.dtype.itemsize
        if n_bytes <= MAX_UNPROVEN_BYTES:
            return
        with reading(self.place):
            stored = min(self.size_bytes, int(self.dataset.file.id.get_filesize()))
        if n_bytes > stored * (MAX_EXPANSION if self._filters() else 1):
            raise UnsafeFileError(
                f"{self.place} claims {n_bytes:,} bytes of values, but only {stored:,} bytes are stored. "
                "Its shape cannot be true; fetch the file again."
            )

    def refuse_large_chunks(self) -> None:
        """Refuse chunks of more than `MAX_CHUNK_BYTES`, which HDF5 inflates whole to give us one value."""
        with reading(self.place):
            chunk_bytes = _product(self.dataset.chunks or ()) * self.dataset.id.get_type().get_size()
        if chunk_bytes > MAX_CHUNK_BYTES:
            raise UnsafeFileError(
                f"{self.place} has chunks of {chunk_bytes:,} bytes; at most {MAX_CHUNK_BYTES:,} are read. "
                "Write the file again with anndata, which makes small chunks."
            )

    def _select(self, selection: Any, *, n_values: int) -> NDArray[Any]:
        if _has_objects(self.dtype):
            raise UnsupportedEncodingError(
                f"{self.place} has type {self.dtype_name}. Store numbers or strings."
            )
        with reading(self.place):
            require_filters(self.dataset, place=self.place)
        self.refuse_large_chunks()
        self.refuse_unproven(n_values)
        with reading(self.place):
            source = self.dataset if self.field is None else self.dataset.fields(self.field)
            values: NDArray[Any] = np.asarray(source[selection])
        return values

    @cached_property
    def _stored(self) -> Stored | None:
        if self.field is not None or self._dtype().kind not in "iuf":
            return None
        self.refuse_large_chunks()
        with reading(self.place):
            return open_stored(self.dataset, place=self.place)

    @cached_property
    def _references(self) -> Stored | None:
        if self.field is not None or h5py.check_string_dtype(self.dtype) is None or self.dtype.kind != "O":
            return None
        self.refuse_large_chunks()
        with reading(self.place):
            return open_references(self.dataset, place=self.place)

    def _dtype(self) -> np.dtype[Any]:
        try:
            dtype: np.dtype[Any] = self.dataset.dtype
        except (TypeError, ValueError) as error:
            raise UnsupportedEncodingError(
                f"{self.place} has an HDF5 type that numpy does not know ({error}). Store numbers or strings."
            ) from error
        return dtype if self.field is None else dtype[self.field]

    def _filters(self) -> list[tuple[int, str]]:
        with reading(self.place):
            properties = self.dataset.id.get_create_plist()
            codes = [properties.get_filter(position)[0] for position in range(properties.get_nfilters())]
        return [(code, filter_name(code)) for code in codes]


def read_attribute(element: Any, name: str, *, place: str) -> Any:
    """Value of an attribute, or None if the element has none of that name.

    Raises
    ------
    UnsafeFileError
        If it is larger than `MAX_ATTRIBUTE_BYTES`.
    UnsupportedEncodingError
        If it is of a type that AnnData does not use.
    """
    where = f"{place}: attribute {name!r}"
    with reading(where):
        if name not in element.attrs:
            return None
        n_bytes = int(h5py.h5a.get_info(element.id, name.encode()).data_size)
        is_known = h5py.h5a.open(element.id, name.encode()).get_type().get_class() in _ATTRIBUTE_TYPES
    if not is_known:
        raise UnsupportedEncodingError(
            f"{where} is neither number, text nor reference. AnnData writes no such attribute: remove it."
        )
    if n_bytes > MAX_ATTRIBUTE_BYTES:
        raise UnsafeFileError(
            f"{where} has {n_bytes:,} bytes; at most {MAX_ATTRIBUTE_BYTES:,} are read. "
            "AnnData writes no such attribute: do not trust this file."
        )
    with reading(where):
        return element.attrs[name]


def read_text_attribute(element: Any, name: str, *, place: str) -> str | None:
    """Value of an attribute that must be one string, or None if there is no such attribute."""
    value = read_attribute(element, name, place=place)
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="backslashreplace")
    if value is not None and not isinstance(value, str):
        raise NotAnH5adError(
            f"{place}: attribute {name!r} is {_shorten(value)}, not a string. "
            "Write the file again with anndata."
        )
    return value


def read_name_list_attribute(element: Any, name: str, *, place: str) -> list[str]:
    """Value of an attribute that must be a list of names; empty if there is no such attribute."""
    value = read_attribute(element, name, place=place)
    if value is None or isinstance(value, h5py.Empty) or np.size(value) == 0:
        return []
    names = [
        item.decode("utf-8", errors="backslashreplace") if isinstance(item, bytes) else item
        for item in np.asarray(value).reshape(-1).tolist()
    ]
    if not all(isinstance(item, str) for item in names):
        raise NotAnH5adError(
            f"{place}: attribute {name!r} is {_shorten(value)}, not a list of names. "
            "Write the file again with anndata."
        )
    return names


def count_attribute(element: Any, name: str, *, place: str) -> int:
    """Count the values of an attribute by its header; 0 if the element has none of that name."""
    with reading(f"{place}: attribute {name!r}"):
        if name not in element.attrs:
            return 0
        # None for a null dataspace.
        return _product(h5py.h5a.open(element.id, name.encode()).shape or ())


def read_shape_attribute(element: Any, name: str, *, place: str) -> tuple[int, int] | None:
    """Value of an attribute that must be two sizes, or None if it is missing or anything else."""
    value = np.asarray(read_attribute(element, name, place=place))
    if value.shape != (2,) or value.dtype.kind not in "iu" or value.min() < 0:
        return None
    return int(value[0]), int(value[1])


def open_member(group: h5py.Group, name: str, *, place: str) -> Any:
    """Open a member of a group, a group or a dataset, or None if it has none of that name."""
    with reading(f"{place}/{name}"):
        # Not `get`, which gives None for a member that is there but damaged.
        return group[name] if name in group else None  # noqa: SIM401


def as_array(element: Any, *, place: str) -> Array | None:
    """View an element as an array, or give None if it is not a dataset."""
    return Array(element, place) if isinstance(element, h5py.Dataset) else None


def _dtype_name(dtype: np.dtype[Any]) -> str:
    if dtype.fields is not None:
        fields = [f"{name}: {_dtype_name(field[0])}" for name, field in dtype.fields.items()]
        return f"compound({', '.join(fields)})"
    if dtype.shape:
        return f"{_dtype_name(dtype.base)}{list(dtype.shape)}"
    if dtype.kind == "O":
        return "string" if h5py.check_string_dtype(dtype) else "reference or nested"
    return f"S{dtype.itemsize}" if dtype.kind == "S" else dtype.name


def _has_objects(dtype: np.dtype[Any]) -> bool:
    """Whether values hold anything but numbers and strings: references, lists of variable length."""
    if dtype.fields is not None:
        return any(_has_objects(field[0]) for field in dtype.fields.values())
    return dtype.base.kind == "O" and h5py.check_string_dtype(dtype.base) is None


def _product(sizes: tuple[int, ...]) -> int:
    # Python's integers, because numpy's product of a hostile shape would wrap around.
    product = 1
    for size in sizes:
        product *= size
    return product


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
