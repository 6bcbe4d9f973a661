"""In which unit a column that nobody described may hold ages."""

from dataclasses import dataclass

import polars as pl

from c2s_assets.core.ages.columns import read_age_column
from c2s_assets.core.ages.grammar import parse_age
from c2s_assets.core.ages.intervals import AgeUnit
from c2s_assets.core.ages.lifespans import LIFESPANS, LONGEST_LIFESPAN, unit_meant

_HUMAN = "Homo sapiens"
# Ages of animals that live for a few years are not counted in whole years.
_SHORT_LIFE = 10
# A column of which less can be read holds something else.
_LEAST_READ = 0.5


@dataclass(frozen=True)
class AgeProposal:
    """The unit of the numbers of a column, with what suggests it; None where its labels name their own."""

    unit: AgeUnit | None
    why: str


def propose_unit(
    values: pl.Series, *, unit_in_name: AgeUnit | None, organism: str | None
) -> AgeProposal | None:
    """Say in which unit most values of a column can be read as ages; None if in none.

    Labels that name their unit come first, then the name of the column, then the values: the largest unit in
    which the organism has reached the highest of them. Weeks of people are often those of a fetus, and so are
    left to the owner.
    """
    if organism == _HUMAN and (unit_in_name == "weeks" or _says_weeks(values)):
        return None
    if _is_read(values, None):
        return AgeProposal(None, "its labels name their unit")
    if unit_in_name is not None:
        return AgeProposal(unit_in_name, "its name says so") if _is_read(values, unit_in_name) else None
    lifespan = LIFESPANS.get(organism or "", LONGEST_LIFESPAN)
    numbers = _numbers(values)
    meant = unit_meant(max(numbers, default=-1.0), lifespan=lifespan)
    if meant == "years" and lifespan < _SHORT_LIFE and all(number.is_integer() for number in numbers):
        meant = "months"
    if meant is None or not _is_read(values, meant):
        return None
    return AgeProposal(
        meant, f"up to {max(numbers):g}, and no {organism or 'person'} is older than {lifespan:g} years"
    )


def _is_read(values: pl.Series, unit: AgeUnit | None) -> bool:
    """Whether most values, each counted once, are ages in a unit."""
    distinct = values.drop_nulls().unique()
    n_unread = read_age_column(distinct, name=values.name, unit=unit).unread.height
    return len(distinct) > 0 and n_unread <= (1 - _LEAST_READ) * len(distinct)


def _says_weeks(values: pl.Series) -> bool:
    if values.dtype != pl.String:
        return False
    said = (parse_age(label, unit=None) for label in values.drop_nulls().unique())
    return any(one is not None and one.unit == "weeks" for one in said)


def _numbers(values: pl.Series) -> list[float]:
    distinct = values.drop_nulls().unique()
    if distinct.dtype.is_numeric():
        return [float(number) for number in distinct]
    said = [parse_age(label, unit="years") for label in distinct.cast(pl.String)]
    return [max(one.low, one.high) for one in said if one is not None and one.kind != "prenatal"]
