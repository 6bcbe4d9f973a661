"""Describes every element of an h5ad file from its header, as JSON-able records."""

from collections.abc import Sequence
from typing import Any

import h5py

from c2s_assets.core.errors import UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import Array, read_text_attribute, reading
from c2s_assets.storage.h5ad.links import Link


def describe_structure(file: h5py.File, links: Sequence[Link]) -> list[dict[str, Any]]:
    """Describe each name in the file: parents before children, siblings by name.

    Keys are `path`, `kind` (group, dataset, type, link), and what applies of `encoding_type`,
    `encoding_version`, `shape`, `dtype`, `chunks`, `compression`, `size_bytes`, and `target` of a link to
    an element that has an earlier name.
    """
    return [_describe(file, link) for link in links]


def _describe(file: h5py.File, link: Link) -> dict[str, Any]:
    if link.same_as is not None:
        return {"path": link.path, "kind": "link", "target": link.same_as}
    with reading(link.path):
        element = file[link.path]
    described: dict[str, Any] = {
        "path": link.path,
        "kind": _kind(element),
        "encoding_type": read_text_attribute(element, "encoding-type", place=link.path),
        "encoding_version": read_text_attribute(element, "encoding-version", place=link.path),
    }
    if isinstance(element, h5py.Dataset):
        described |= _describe_array(Array(element, link.path))
    return described


def _describe_array(array: Array) -> dict[str, Any]:
    try:
        shape, dtype = array.shape, array.dtype_name
    except UnsupportedEncodingError:
        shape, dtype = None, "unknown to numpy"
    return {
        "shape": None if shape is None else list(shape),
        "dtype": dtype,
        "chunks": None if array.chunks is None else list(array.chunks),
        "compression": array.compression,
        "size_bytes": array.size_bytes,
    }


def _kind(element: Any) -> str:
    if isinstance(element, h5py.Dataset):
        return "dataset"
    return "group" if isinstance(element, h5py.Group) else "type"
