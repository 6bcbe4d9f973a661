"""Columns of obs that may name the donors or hold the ages, though nobody said so."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_DONOR = frozenset(
    [
        "donor",
        "donors",
        "patient",
        "patients",
        "subject",
        "individual",
        "participant",
        "person",
        "case",
        "mouse",
        "animal",
        "sample",
        "specimen",
        "orig",
    ]
)
_BESIDE_DONOR = frozenset(
    [
        "id",
        "ids",
        "identity",
        "ident",
        "name",
        "no",
        "nr",
        "num",
        "number",
        "code",
        "label",
        "uid",
        "key",
        "of",
    ]
)
_AGE = frozenset(["age", "ages"])
_BESIDE_AGE = frozenset(
    [
        "donor",
        "patient",
        "subject",
        "individual",
        "participant",
        "person",
        "mouse",
        "animal",
        "sample",
        "in",
        "at",
        "of",
        "the",
        "years",
        "year",
        "yrs",
        "yr",
        "y",
        "months",
        "month",
        "mo",
        "m",
        "weeks",
        "week",
        "wk",
        "days",
        "day",
        "d",
        "collection",
        "sampling",
        "death",
        "group",
        "groups",
        "bin",
        "bins",
        "range",
        "ranges",
        "class",
        "category",
        "num",
        "numeric",
        "number",
        "value",
        "exact",
        "int",
    ]
)
_NUMERIC = re.compile(r"u?int\d+|float\d+")


@dataclass(frozen=True)
class ObsColumn:
    """What is known of a column without reading it again; `n_distinct` is None if it was not counted."""

    name: str
    dtype: str | None
    encoding: str | None
    n_distinct: int | None


def donor_candidates(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[str]:
    """Describe the columns, but for those that are used, whose names say that they may name donors."""
    return [
        f"{column.name!r} with {column.n_distinct:,} values"
        for column in columns
        if column.name not in used
        and (column.n_distinct or 0) > 1
        and _is_made_of(column.name, _DONOR, beside=_BESIDE_DONOR)
    ]


def age_candidates(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[str]:
    """Describe the columns, but for those that are used, whose names say that they may hold ages."""
    return [
        f"{column.name!r}, {_kind(column)} with {column.n_distinct or 0:,} values"
        for column in columns
        if column.name not in used
        and (column.n_distinct or 0) > 0
        and _is_made_of(column.name, _AGE, beside=_BESIDE_AGE)
    ]


def _kind(column: ObsColumn) -> str:
    is_number = column.encoding != "categorical" and _NUMERIC.fullmatch(column.dtype or "")
    return "a column of numbers" if is_number else "a column of labels"


def _is_made_of(name: str, core: frozenset[str], *, beside: frozenset[str]) -> bool:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", parted)]
    return any(word in core for word in words) and all(word in core | beside for word in words)
