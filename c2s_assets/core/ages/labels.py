"""Which ages the labels of a column stand for, judged together."""

import re
from collections.abc import Collection

from c2s_assets.core.ages.grammar import AgeText, parse_age
from c2s_assets.core.ages.intervals import (
    PRENATAL,
    UNKNOWN,
    AgeInterval,
    AgeUnit,
    number_interval,
    open_interval,
    range_interval,
)

_WOMAN = re.compile(r"\s*\d+\s*[fF]\s*")
_MAN = re.compile(r"\s*\d+\s*[mM]\s*")


def read_age_labels(labels: Collection[str], *, unit: AgeUnit | None) -> dict[str, AgeInterval]:
    """Read all labels of a column; the unknown age for what cannot be read.

    Whether a range counts its upper end in follows from where the others begin: beside "25-34", "18-24" is
    [18, 25), beside "24-30" it is [18, 24). One that has no neighbour does as those that have. Where none
    says, a range of whole numbers that holds a multiple of five of them, both ends counted, counts its upper
    end in: "20-29" is [20, 30), "15-20" is [15, 20). A single number is read as in a column of numbers.
    Beside "62F", "45M" is a man rather than months, and neither is read.

    Parameters
    ----------
    unit
        Of a number without one; None if such a number says nothing.
    """
    is_of_sexes = any(_WOMAN.fullmatch(label) for label in labels)
    readable = [label for label in labels if not (is_of_sexes and _MAN.fullmatch(label))]
    said = dict.fromkeys(labels) | {label: parse_age(label, unit=unit) for label in readable}
    all_said = [one for one in said.values() if one is not None]
    starts = {(one.low, one.unit) for one in all_said if one.kind in {"range", "exact", "from"}}
    by_neighbours = {one: _ends_by_neighbours(one, starts) for one in all_said if one.kind == "range"}
    habits = {is_in for is_in in by_neighbours.values() if is_in is not None}
    habit = habits.pop() if len(habits) == 1 else None
    counts_ends = {
        one: next(says for says in (is_in, habit, _ends_alone(one)) if says is not None)
        for one, is_in in by_neighbours.items()
    }
    return {label: UNKNOWN if one is None else _interval(one, counts_ends) for label, one in said.items()}


def _ends_by_neighbours(said: AgeText, starts: Collection[tuple[float, AgeUnit]]) -> bool | None:
    """Whether a range counts its upper end in; None if no other range, or both, begin where it ends."""
    begins_at, begins_after = ((high, said.unit) in starts for high in (said.high, said.high + 1))
    return begins_after if begins_at != begins_after else None


def _ends_alone(said: AgeText) -> bool:
    return said.low.is_integer() and (said.high - said.low + 1) % 5 == 0


def _interval(said: AgeText, counts_ends: dict[AgeText, bool]) -> AgeInterval:
    match said.kind:
        case "prenatal":
            return PRENATAL
        case "point":
            return number_interval(said.low, unit=said.unit)
        case "from":
            return open_interval(said.low, unit=said.unit)
        case "exact":
            return range_interval(said.low, said.high, unit=said.unit)
        case "range":
            is_whole = said.low.is_integer() and said.high.is_integer()
            return range_interval(said.low, said.high + (is_whole and counts_ends[said]), unit=said.unit)
