"""Dataframes of an h5ad file: obs, var and raw/var, as groups of columns or as one compound dataset."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import h5py
import polars as pl

from c2s_assets.core.errors import (
    InvalidIdsError,
    MissingColumnError,
    NotAnH5adError,
    SourceError,
    UnsafeFileError,
    UnsupportedEncodingError,
)
from c2s_assets.storage.h5ad.access import (
    Array,
    count_attribute,
    open_member,
    read_name_list_attribute,
    read_text_attribute,
    reading,
)
from c2s_assets.storage.h5ad.columns import (
    CategoricalColumn,
    Column,
    MaskedColumn,
    PlainColumn,
    open_column,
    open_plain,
)
from c2s_assets.storage.h5ad.levels import LEVELS, levels_beside, open_levels
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.h5ad.sizes import ColumnSize, measure

_N_NAMES_IN_MESSAGE = 50
_NAMES_AT_ONCE = 2**18
# Of the values of a block, if all were as long as the longest. Of obs as it is, a hundred columns with texts
# of up to 60 bytes, 65,536 cells come to 400 MB by that measure and to 100 MB in memory.
_BLOCK_BYTES = 2**29
_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True)
class ColumnInfo:
    """What the headers say about a column; `problem` is why it cannot be read, or None if it can."""

    name: str
    encoding: str | None
    dtype: str | None
    n_categories: int | None
    problem: str | None


@dataclass(frozen=True)
class Frame:
    """A dataframe whose columns are read one at a time.

    `names` are its columns in stored order: those of the `column-order` attribute, then any others by name.
    The index is not among them, unless `column-order` lists it. `absent` are listed but not in the file.
    """

    place: str
    index_name: str
    names: list[str]
    absent: list[str]
    _open: Callable[[str], Column]
    _limits: Limits = DEFAULT_LIMITS

    @cached_property
    def n_rows(self) -> int:
        """Number of rows, which is the length of the index."""
        return self._index_column.n_rows

    @property
    def index_values(self) -> Array:
        """The array in the file that the index is read from; of a categorical, its codes."""
        column = self._index_column
        match column:
            case PlainColumn():
                return column.values
            case MaskedColumn():
                return column.values.values
            case CategoricalColumn():
                return column.codes
            case _:
                raise InvalidIdsError(
                    f"{self.place} has an index of encoding {column.encoding!r}. "
                    "Write the file again with anndata."
                )

    def index(self) -> pl.Series:
        """Read the names of the rows, as strings and under the name `index_name`.

        Raises
        ------
        InvalidIdsError
            If there is no index, or it is not one string or number per row.
        UnsafeFileError
            If a name, or all of them, are longer than the limits.
        """
        measure(self._index_column, place=f"{self.place}/{self.index_name}", limits=self._limits)
        # Texts come as objects of Python, several times their size, and numbers before they are texts.
        pieces = [
            self._index_column.read(start, start + _NAMES_AT_ONCE).cast(pl.String)
            for start in range(0, self.n_rows, _NAMES_AT_ONCE)
        ]
        index = pl.concat(pieces) if pieces else pl.Series(dtype=pl.String)
        is_missing = index.is_null()
        if is_missing.any():
            raise InvalidIdsError(
                f"{self.place}: row {is_missing.arg_max()} of the index {self.index_name!r} is missing "
                f"({is_missing.sum()} of {self.n_rows} rows are). Give every row a name."
            )
        return index.alias(self.index_name)

    def read(self, name: str) -> pl.Series:
        """Decode one column; missing values, and NaN, are null, categoricals become their values.

        Raises
        ------
        MissingColumnError
            If there is no such column; the message lists those there are.
        UnsupportedEncodingError
            If it is stored in a way that we do not read.
        SourceError
            If its values contradict themselves: codes without category, strings that are not UTF-8; or if
            one is an integer that no table holds.
        UnsafeFileError
            If a text, or all of them, are longer than the limits.
        """
        if name not in self.names:
            raise MissingColumnError(f"{self.place} has no column {name!r}. It has: {self._listing()}.")
        column = self.open(name)
        measure(column, place=f"{self.place}/{name}", limits=self._limits)
        values = column.read().alias(name)
        refuse_beyond_int64(values, place=f"{self.place}/{name}")
        return values

    def read_each(self) -> Iterator[tuple[ColumnInfo, pl.Series | None]]:
        """Read every column, one at a time, in the order of `describe`.

        One that cannot be read has no values, and says why in `problem`. UnsafeFileError is raised all the
        same: a column that would exhaust us is no accident.
        """
        for column in self.describe():
            values, problem = None, column.problem
            if problem is None:
                try:
                    values = self.read(column.name)
                except UnsafeFileError:
                    raise
                except SourceError as error:
                    problem = str(error)
            yield replace(column, problem=problem), values

    def blocks(self, names: Sequence[str], *, rows: int) -> Iterator[tuple[pl.Series, pl.DataFrame]]:
        """Read the index and some columns, at most `rows` rows at a time and fewer where values are long.

        Errors are those of `index`, `read` and `measure`.
        """
        index = self.index()
        columns = {name: self.open(name) for name in names}
        longest = sum(size.longest for size in self.measure(names).values())
        rows = max(1, min(rows, _BLOCK_BYTES // max(1, longest)))
        for start in range(0, self.n_rows, rows):
            stop = min(start + rows, self.n_rows)
            block = [column.read(start, stop).alias(name) for name, column in columns.items()]
            yield index.slice(start, stop - start), pl.DataFrame(block)

    def measure(self, names: Sequence[str]) -> dict[str, ColumnSize]:
        """Measure some columns without decoding them.

        Raises
        ------
        UnsafeFileError
            If one exceeds the limits, or all do together.
        """
        sizes = {
            name: measure(self.open(name), place=f"{self.place}/{name}", limits=self._limits)
            for name in names
        }
        mean = sum(size.total for size in sizes.values()) // max(1, self.n_rows)
        self._limits.refuse_more(
            "cell_bytes", mean, where=f"{self.place} has", unit="bytes per row in the mean"
        )
        return sizes

    def describe(self) -> list[ColumnInfo]:
        """Describe each column from its headers, also those that cannot be read, in stored order.

        That the values can be read is known only when they are: see `read_each`.
        """
        absent = [
            ColumnInfo(name, None, None, None, "listed in column-order, but not in the file")
            for name in self.absent
        ]
        return [self._describe_column(name) for name in self.names] + absent

    def _describe_column(self, name: str) -> ColumnInfo:
        try:
            column = self.open(name)
        except SourceError as error:
            return ColumnInfo(name, None, None, None, str(error))
        return ColumnInfo(name, column.encoding, column.dtype_name, column.n_categories, None)

    def open(self, name: str) -> Column:
        """Open a column, or the index, without reading it; NotAnH5adError if its length is wrong."""
        column = self._open(name)
        if column.n_rows != self.n_rows:
            raise NotAnH5adError(
                f"{self.place}/{name} has {column.n_rows} values, but the index {self.index_name!r} has "
                f"{self.n_rows}. The file is damaged; fetch it again, or remove the column."
            )
        return column

    @cached_property
    def _index_column(self) -> Column:
        try:
            return self._open(self.index_name)
        except (MissingColumnError, UnsupportedEncodingError) as error:
            raise InvalidIdsError(
                f"{self.place} has no usable index: {error} Write the file again with anndata."
            ) from error

    def _listing(self) -> str:
        shown = ", ".join(self.names[:_N_NAMES_IN_MESSAGE]) or "no columns"
        n_more = len(self.names) - _N_NAMES_IN_MESSAGE
        return f"{shown} and {n_more} more" if n_more > 0 else shown


def open_frame(
    element: Any, *, place: str, legacy_categories: Mapping[str, Array], limits: Limits = DEFAULT_LIMITS
) -> Frame:
    """Open a dataframe; `legacy_categories` are those that AnnData 0.6 kept in `uns`, by column."""
    if isinstance(element, h5py.Group):
        return _open_group(element, place=place, limits=limits)
    with reading(place):
        fields = element.dtype.names if isinstance(element, h5py.Dataset) else None
    if fields is None or Array(element, place).shape is None or element.ndim != 1:
        raise NotAnH5adError(
            f"{place} is neither a group nor a table of records. Write the file again with anndata."
        )
    limits.refuse_more("columns", len(fields), where=f"{place} has", unit="columns")
    # AnnData 0.6 reads the first field as the index, whatever it is called.
    return Frame(
        place=place,
        index_name=fields[0],
        names=list(fields[1:]),
        absent=[],
        _open=partial(_open_field, element, place=place, legacy_categories=legacy_categories),
        _limits=limits,
    )


def refuse_beyond_int64(values: pl.Series, *, place: str) -> None:
    """Refuse integers that no table holds, with the first of them."""
    if values.dtype != pl.UInt64:
        return
    for row in (values > _LARGEST_INTEGER).arg_true().head(1):
        raise UnsupportedEncodingError(
            f"{place} has {values[row]} at row {row}; the largest integer that a table holds is "
            f"{_LARGEST_INTEGER}. Store the column as text."
        )


def _open_group(group: h5py.Group, *, place: str, limits: Limits) -> Frame:
    index_name = read_text_attribute(group, "_index", place=place)
    if index_name is None:
        raise InvalidIdsError(
            f"{place} has no attribute '_index', which names its index. Write the file again with anndata."
        )
    n_listed = count_attribute(group, "column-order", place=place)
    where = f"{place}: attribute 'column-order' names"
    limits.refuse_more("columns", n_listed, where=where, unit="columns")
    with reading(place):
        limits.refuse_more("columns", len(group), where=f"{place} has", unit="columns")
        members = set(group)
        has_levels = LEVELS in group and isinstance(group[LEVELS], h5py.Group)
    no_columns = {LEVELS} if has_levels else set()
    order = read_name_list_attribute(group, "column-order", place=place)
    listed = [name for name in dict.fromkeys(order) if name not in no_columns]
    with reading(place):
        present = [name for name in listed if _is_relative(name) and name in group]
    # A name with a slash is stored as a group in a group: its first part is no column of its own.
    known = {name.split("/")[0] for name in present} | no_columns | {index_name}
    return Frame(
        place=place,
        index_name=index_name,
        names=present + sorted(members - known),
        absent=[name for name in listed if name not in present],
        _open=partial(_open_member_column, group, place=place),
        _limits=limits,
    )


def _open_member_column(group: h5py.Group, name: str, *, place: str) -> Column:
    element = open_member(group, name, place=place) if _is_relative(name) else None
    if element is None:
        raise MissingColumnError(f"{place} has no column {name!r}.")
    column = open_column(element, place=f"{place}/{name}")
    levels = levels_beside(group, name, place=place)
    if levels is None or column.n_categories is not None or not isinstance(element, h5py.Dataset):
        return column
    codes = Array(element, f"{place}/{name}")
    return open_levels(codes, levels, encoding="categorical (SeuratDisk)") or column


def _open_field(
    dataset: h5py.Dataset, name: str, *, place: str, legacy_categories: Mapping[str, Array]
) -> Column:
    values = Array(dataset, f"{place}/{name}", field=name)
    levels = legacy_categories.get(name)
    column = None if levels is None else open_levels(values, levels, encoding="categorical (0.6)")
    return column or open_plain(values, encoding="compound")


def _is_relative(name: str) -> bool:
    # HDF5 reads a leading slash as the root of the file, and a dot as the group itself.
    return all(part not in {"", "."} for part in name.split("/"))
