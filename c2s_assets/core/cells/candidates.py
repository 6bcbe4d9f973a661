"""Columns of obs that may name the donors, hold the ages or the cell types, though nobody said so."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from c2s_assets.core.ages.intervals import UNIT_WORDS, AgeUnit

_PERSON = r"donors?|patients?|subject|individual|participant|person|case|mouse|animal"
# It may be a part of a person, or hold several.
_SAMPLE = r"specimen|sample|orig"
_BESIDE_DONOR = r"ids?|identity|ident|name|no|nr|num|number|code|label|uid|key|of"
_AGE = r"ages?"
_BESIDE_AGE = (
    r"donor|patient|subject|individual|participant|person|mouse|animal|sample|in|at|of|the|y|yrs?|years?|m|mo"
    r"|months?|wk|weeks?|d|days?|collection|sampling|death|groups?|bins?|ranges?|class|category|num|numeric"
    r"|number|value|exact|int"
)
# In a name without what parts its words; also what CellTypist, Azimuth, Tabula Muris and Allen write.
_CELL_TYPE = r"celltype|cellontologyclass|cell(class|label|identity|ident|subset)|annot|majorityvoting"
_BESIDES_CELL_TYPE = (
    r"scores?|prob|probability|conf|confidence|colors?|ids?|term|uid|version|by|date|batch|method|n|counts?"
    r"|quality"
)
_MOST_CELL_TYPES = 1_000
_NUMERIC = re.compile(r"u?int\d+|float\d+")


@dataclass(frozen=True)
class ObsColumn:
    """What is known of a column without reading it again; `n_distinct` is None if it was not counted."""

    name: str
    dtype: str | None
    encoding: str | None
    n_distinct: int | None


def likely_donors(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[ObsColumn]:
    """Find the columns whose names say that they may name donors, the surest first.

    Parameters
    ----------
    used
        Names of columns that are not asked.
    """
    found = [
        column
        for column in columns
        if column.name not in used
        and (column.n_distinct or 0) > 1
        and _is_made_of(column.name, f"{_PERSON}|{_SAMPLE}", beside=_BESIDE_DONOR)
    ]
    return sorted(found, key=lambda column: not _has(column.name, _PERSON))


def likely_ages(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[ObsColumn]:
    """Find the columns whose names say that they may hold ages; see `likely_donors`."""
    return [
        column
        for column in columns
        if column.name not in used
        and (column.n_distinct or 0) > 0
        and _is_made_of(column.name, _AGE, beside=_BESIDE_AGE)
    ]


def likely_cell_types(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[ObsColumn]:
    """Find the columns of labels whose names say that they may be cell types; see `likely_donors`."""
    return [
        column
        for column in columns
        if column.name not in used
        and 1 < (column.n_distinct or 0) <= _MOST_CELL_TYPES
        and not _is_number(column)
        and re.search(_CELL_TYPE, "".join(_words(column.name)))
        and not _has(column.name, _BESIDES_CELL_TYPE)
    ]


def donor_candidates(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[str]:
    """Describe the columns that `likely_donors` finds."""
    return [
        f"{column.name!r} with {column.n_distinct:,} values" for column in likely_donors(columns, used=used)
    ]


def age_candidates(columns: Sequence[ObsColumn], *, used: Collection[str]) -> list[str]:
    """Describe the columns that `likely_ages` finds."""
    return [
        f"{column.name!r}, {_kind(column)} with {column.n_distinct or 0:,} values"
        for column in likely_ages(columns, used=used)
    ]


def unit_in_name(name: str) -> AgeUnit | None:
    """Read the unit out of the name of a column: `age_months`, `AgeYears`, `age_d`."""
    units = {UNIT_WORDS[word] for word in _words(name) if word in UNIT_WORDS}
    return units.pop() if len(units) == 1 else None


def _kind(column: ObsColumn) -> str:
    return "a column of numbers" if _is_number(column) else "a column of labels"


def _is_number(column: ObsColumn) -> bool:
    # Of categories the type is that of their codes; older files say how they keep them: "categorical (0.6)".
    is_labels = (column.encoding or "").startswith("categorical")
    return not is_labels and _NUMERIC.fullmatch(column.dtype or "") is not None


def _is_made_of(name: str, core: str, *, beside: str) -> bool:
    return _has(name, core) and all(re.fullmatch(f"{core}|{beside}", word) for word in _words(name))


def _has(name: str, words: str) -> bool:
    return any(re.fullmatch(words, word) for word in _words(name))


def _words(name: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", parted)]
