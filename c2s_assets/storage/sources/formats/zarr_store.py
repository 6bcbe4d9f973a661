"""Converts zarr stores of AnnData, of both versions of zarr: element by element, block by block."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.links import MAX_DEPTH
from c2s_assets.storage.sources.formats.writing import new_h5ad
from c2s_assets.storage.zarr_stores.arrays import open_group, product, reading, refuse_unproven
from c2s_assets.storage.zarr_stores.metadata import refuse_unsafe_arrays

_BYTES_AT_ONCE = 64 * 2**20
_CHUNK_BYTES = 2**18
_PARTS = ("X", "layers", "obs", "obsm", "raw", "uns", "var", "varm")
_NULL = "null"


def convert_zarr(folder: Path, target: Path, *, without: Collection[str] = ()) -> None:
    """Write the elements of a store as h5ad, each as it is encoded; obsp and varp are left out.

    Memory is bounded by 64 MB, or by one chunk of the store if that is more.

    Parameters
    ----------
    without
        Further elements that are left out, by their paths.

    Raises
    ------
    NotAnH5adError, UnsupportedEncodingError
        If an element cannot be read.
    UnsafeFileError
        If an array claims more values, or larger chunks, than its files can hold.
    """
    refuse_unsafe_arrays(folder)
    with reading(folder.name), new_h5ad(target) as file:
        root = open_group(folder)
        copy = _Copy(folder, root, frozenset(without))
        for name in _PARTS:
            if name in root:
                copy.element(root[name], file, name, depth=0)


class _Copy:
    """Copies elements of one store."""

    def __init__(self, folder: Path, root: Any, without: Collection[str]) -> None:
        self._folder, self._group_type, self._without = folder, type(root), without

    def element(self, element: Any, parent: h5py.Group, name: str, *, depth: int) -> None:
        """Copy a group with all that is in it, or an array."""
        place = element.path
        if depth > MAX_DEPTH:
            raise UnsafeFileError(f"{place} is more than {MAX_DEPTH} levels deep. Write the dataset again.")
        with reading(place):
            attributes = dict(element.attrs)
            if isinstance(element, self._group_type):
                copied = parent.create_group(name)
                for child_name, child in sorted(element.members()):
                    if child.path not in self._without:
                        self.element(child, copied, child_name, depth=depth + 1)
            elif attributes.get("encoding-type") == _NULL:
                copied = parent.create_dataset(name, data=h5py.Empty("f4"))
            else:
                copied = self._array(element, parent, name)
            _copy_attributes(attributes, copied, place)

    def _array(self, array: Any, parent: h5py.Group, name: str) -> h5py.Dataset:
        refuse_unproven(array, folder=self._folder)
        is_text = array.dtype.kind in "OTU"
        if not is_text and array.dtype.kind not in "biufS":
            raise UnsupportedEncodingError(
                f"{array.path} has type {array.dtype}. Store numbers or text, or write the dataset as h5ad."
            )
        dtype = h5py.string_dtype() if is_text else array.dtype.newbyteorder("=")
        if array.shape == ():
            return parent.create_dataset(name, data=_values(array[()], is_text=is_text), dtype=dtype)
        copied = parent.create_dataset(name, shape=array.shape, dtype=dtype, **_storage(array.shape, dtype))
        rows = _rows_at_once(array)
        for start in range(0, array.shape[0], rows):
            copied[start : start + rows] = _values(array[start : start + rows], is_text=is_text)
        return copied


def _storage(shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
    """Compress what is larger than a chunk, in chunks of whole rows where these are not too long."""
    if product(shape) * dtype.itemsize <= _CHUNK_BYTES:
        return {}
    row = product(shape[1:]) * dtype.itemsize
    chunks = (max(1, min(shape[0], _CHUNK_BYTES // row)), *shape[1:]) if row <= _CHUNK_BYTES else True
    return {"chunks": chunks, "compression": "gzip", "compression_opts": 1}


def _rows_at_once(array: Any) -> int:
    row = max(1, product(array.shape[1:]) * int(array.dtype.itemsize))
    chunk = int((array.shards or array.chunks)[0]) or 1
    return max(1, _BYTES_AT_ONCE // row // chunk) * chunk


def _values(values: Any, *, is_text: bool) -> Any:
    return np.asarray(values).astype(object) if is_text else np.asarray(values)


def _copy_attributes(attributes: Mapping[str, Any], copied: Any, place: str) -> None:
    for name, value in attributes.items():
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            copied.attrs[name] = np.array(value, dtype=h5py.string_dtype())
        elif isinstance(value, str | bool | int | float):
            copied.attrs[name] = np.bool_(value) if isinstance(value, bool) else value
        elif isinstance(value, list) and all(isinstance(item, int | float) for item in value):
            copied.attrs[name] = np.array(value)
        elif name in {"_index", "column-order", "encoding-type", "shape"}:
            raise NotAnH5adError(
                f"{place} has an attribute {name!r} that AnnData does not write. Write the dataset again."
            )
