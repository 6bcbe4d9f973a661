"""Numbers that HDF5 itself names: the booleans of other tools, and labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.h5ad.access import Array

# hdf5r, with which R writes h5ad, names its logicals FALSE, TRUE and NA.
_BOOLEANS: Mapping[str, bool | None] = {"false": False, "true": True, "na": None}


@dataclass(frozen=True)
class EnumColumn:
    """Numbers with a name each: booleans if those are true, false and NA, else the names."""

    values: Array
    names: Mapping[int, str]
    encoding: str = "enum"

    @property
    def dtype_name(self) -> str:
        """Type of the numbers on disk."""
        return self.values.dtype_name

    @property
    def n_rows(self) -> int:
        """Number of values."""
        return (self.values.shape or (0,))[0]

    @property
    def n_categories(self) -> int:
        """Number of names."""
        return len(self.names)

    def read(self, start: int = 0, stop: int | None = None) -> pl.Series:
        """Decode the values ``[start, stop)``; SourceError if a number has no name."""
        numbers = self.values.read(start, stop)
        without = ~np.isin(numbers, list(self.names))
        if without.any():
            row = int(without.argmax())
            raise SourceError(
                f"{self.values.place} has {numbers[row]} at row {start + row}, which its type does not name; "
                f"it names {', '.join(self.names.values())}. Repair the column, or remove it."
            )
        meanings = _meanings(self.names)
        dtype = pl.String if any(isinstance(value, str) for value in meanings.values()) else pl.Boolean
        return pl.Series([meanings[number] for number in numbers.tolist()], dtype=dtype)


def enum_names(dtype: np.dtype[Any]) -> dict[int, str] | None:
    """Tell the names of an enumerated type by number; None if it is none, or one that numpy has as bool."""
    numbers = h5py.check_enum_dtype(dtype)
    return None if numbers is None else {int(number): name for name, number in numbers.items()}


def name_numbers(numbers: NDArray[Any], names: Mapping[int, str]) -> NDArray[Any]:
    """Put what they mean in the place of numbers, in an array of any shape; one without a name stays."""
    meanings = _meanings(names)
    named = np.empty(numbers.size, dtype=object)
    named[:] = [meanings.get(number, number) for number in numbers.reshape(-1).tolist()]
    return named.reshape(numbers.shape)


def _meanings(names: Mapping[int, str]) -> dict[int, str | bool | None]:
    is_boolean = {name.lower() for name in names.values()} <= set(_BOOLEANS)
    return {number: _BOOLEANS[name.lower()] if is_boolean else name for number, name in names.items()}
