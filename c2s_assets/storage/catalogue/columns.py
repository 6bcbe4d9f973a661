"""Which tables can be read as one: DuckDB gives a column one type in all files, and ignores case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from c2s_assets.core.columns import FILE_OF_ROW

# DuckDB finds a common type for any two of them; there is none for a number and a list, or a date.
_PLAIN = frozenset({pa.string(), pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64()})


def misfit(schema: pa.Schema, *, promised: pa.Schema) -> str | None:
    """Say why a file cannot stand beside those of other datasets, or None if it can.

    A column that the catalogue promises must have the type that it promises, where it is there; a text may
    be anything that has one. No other may come before it that SQL cannot tell from it. Others must be of a
    type that we write.
    """
    first: dict[str, str] = {}
    for name in schema.names:
        first.setdefault(name.casefold(), name)
    if FILE_OF_ROW in first:
        return f"a column is called {first[FILE_OF_ROW]!r}, which the catalogue needs for itself"
    for name in promised.names:
        if first.get(name, name) != name:
            return f"column {first[name]!r} would be taken for {name!r}, from which it differs in case only"
    seen: set[str] = set()
    for column in schema:
        wanted = promised.field(column.name).type if column.name in promised.names else None
        if column.name not in seen and not _fits(column.type, wanted):
            expected = f"not {wanted}" if wanted is not None else "which is none that we write"
            return f"column {column.name!r} is of type {column.type}, {expected}"
        seen.add(column.name)
    return None


@dataclass
class ColumnsInUse:
    """Which datasets have a column as a list and which as a plain value, of which there can be but one."""

    _users: dict[tuple[str, str], dict[bool, dict[str, None]]] = field(default_factory=dict)

    def add(self, dataset_id: str, tables: Mapping[str, Iterable[pa.Schema]]) -> None:
        """Take note of the columns of a dataset's tables."""
        for table, schemas in tables.items():
            for column in (column for schema in schemas for column in schema):
                users = self._users.setdefault((table, column.name.casefold()), {})
                users.setdefault(pa.types.is_list(column.type), {})[dataset_id] = None

    def minorities(self) -> dict[str, str]:
        """Say of which datasets a column differs from that of most others, and how."""
        found: dict[str, str] = {}
        for (table, column), users in self._users.items():
            if len(users) == 2:
                is_list = len(users[True]) <= len(users[False])
                here, there = ("a list", "none") if is_list else ("no list", "one")
                for dataset_id in users[is_list]:
                    found[dataset_id] = f"{table}: column {column!r} is {here}, and in other datasets {there}"
        return found


def _fits(found: pa.DataType, wanted: pa.DataType | None) -> bool:
    is_plain = found in _PLAIN
    if wanted is None:
        return is_plain or (pa.types.is_list(found) and found.value_type in _PLAIN)
    return is_plain if wanted == pa.string() else bool(found == wanted)
