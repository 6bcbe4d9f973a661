"""Joins integer codes with categories of which nothing but their name says that they belong together."""

from dataclasses import dataclass
from typing import Any

import h5py
from numpy.typing import NDArray

from c2s_assets.core.errors import UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import Array, open_member, reading
from c2s_assets.storage.h5ad.columns import Column, codes_outside, open_categorical, open_plain

# Group of AnnData 0.7 and of SeuratDisk for the categories of a dataframe's columns, by name.
LEVELS = "__categories"
_SUFFIX = "_categories"

# Codes that are looked at at once: 8 MB as int64.
_CODES_PER_BLOCK = 2**20


@dataclass(frozen=True)
class OneValue(Array):
    """A scalar as a list of one value, as which AnnData 0.6 stored the only category of a column."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the list."""
        return (1,)

    def read(self, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Read the values ``[start, stop)``."""
        return self._select((), n_values=1).reshape(1)[start:stop]


def levels_beside(group: h5py.Group, name: str, *, place: str) -> Array | None:
    """Find the levels that SeuratDisk keeps in a dataframe for one of its columns; None if there are none."""
    levels = open_member(group, LEVELS, place=place)
    if not isinstance(levels, h5py.Group):
        return None
    found = open_member(levels, name, place=f"{place}/{LEVELS}")
    return Array(found, f"{place}/{LEVELS}/{name}") if isinstance(found, h5py.Dataset) else None


def categories_in_uns(uns: h5py.Group) -> dict[str, Array]:
    """Find the categories that AnnData 0.6 kept in `uns` for columns of obs and var alike, by column."""
    with reading("uns"):
        names = [name for name in uns if name.endswith(_SUFFIX)]
    members = {name: open_member(uns, name, place="uns") for name in names}
    return {
        name.removesuffix(_SUFFIX): (OneValue if member.shape == () else Array)(member, f"uns/{name}")
        for name, member in members.items()
        if isinstance(member, h5py.Dataset)
    }


def open_levels(codes: Array, levels: Array, *, encoding: str) -> Column | None:
    """Join codes with levels, or give None if they are no integers or one of them names no level.

    Numbers that are none of these codes must stay what they are, and so all of them are looked at.
    """
    if codes.dtype.kind not in "iu":
        return None
    try:
        column = open_categorical(codes, open_plain(levels, encoding="array"), encoding=encoding)
    except UnsupportedEncodingError:
        return None
    for start in range(0, column.n_rows, _CODES_PER_BLOCK):
        some = codes.read(start, start + _CODES_PER_BLOCK)
        if codes_outside(some, n_categories=column.n_categories).any():
            return None
    return column
