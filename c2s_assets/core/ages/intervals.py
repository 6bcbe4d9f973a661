"""What an age is: a point in years and the interval it stands for."""

from dataclasses import dataclass
from typing import Literal

AgeUnit = Literal["years", "months", "weeks", "days"]
LifeStage = Literal["prenatal", "postnatal", "unknown"]

MAX_AGE_YEARS = 150.0

UNIT_WORDS: dict[str, AgeUnit] = {
    **dict.fromkeys(("y", "yo", "yr", "yrs", "year", "years"), "years"),
    **dict.fromkeys(("m", "mo", "mos", "mon", "mth", "mths", "month", "months"), "months"),
    **dict.fromkeys(("w", "wk", "wks", "wo", "week", "weeks"), "weeks"),
    **dict.fromkeys(("d", "day", "days"), "days"),
}

_UNITS_PER_YEAR: dict[AgeUnit, float] = {"years": 1.0, "months": 12.0, "weeks": 52.18, "days": 365.25}

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


@dataclass(frozen=True, kw_only=True)
class AgeInterval:
    """An age in years: a point, and the half-open interval ``[age_low, age_high)`` it stands for.

    `age` is null where only an interval is known, `age_high` where the interval is open above. An age
    measured as a fraction stands for itself: `age_low` and `age_high` both equal it. Before birth, and
    where nothing is known, all three are null.
    """

    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    life_stage: LifeStage = "unknown"


UNKNOWN = AgeInterval()
PRENATAL = AgeInterval(life_stage="prenatal")


def plain(text: str) -> str:
    """Lower the case, make every dash a hyphen and every run of white space one space."""
    return " ".join(text.lower().translate(_DASHES).split())


def years(number: float, unit: AgeUnit) -> float:
    """Convert to years, with the same factors for every organism."""
    return number / _UNITS_PER_YEAR[unit]


def number_of(age: float, unit: AgeUnit) -> float:
    """Convert years to the number of units that they are."""
    return age * _UNITS_PER_YEAR[unit]


def number_interval(number: float, *, unit: AgeUnit) -> AgeInterval:
    """Read a number: a whole one stands for the unit that it begins, a fraction for itself.

    A number below 0 or above 150 years is no age, and gives the unknown one.
    """
    age = years(number, unit)
    if not 0 <= age <= MAX_AGE_YEARS:
        return UNKNOWN
    high = years(number + 1, unit) if float(number).is_integer() else age
    return AgeInterval(age=age, age_low=age, age_high=high, life_stage="postnatal")


def range_interval(low: float, high: float, *, unit: AgeUnit) -> AgeInterval:
    """Read a range as ``[low, high)`` with its middle as the point.

    An empty range, and one that leaves 0 to 150 years, gives the unknown age.
    """
    age_low, age_high = years(low, unit), years(high, unit)
    if not 0 <= age_low < age_high <= MAX_AGE_YEARS:
        return UNKNOWN
    return AgeInterval(
        age=(age_low + age_high) / 2, age_low=age_low, age_high=age_high, life_stage="postnatal"
    )


def open_interval(low: float, *, unit: AgeUnit) -> AgeInterval:
    """Read "80 and over": open above, with the lower end as the point."""
    age = years(low, unit)
    if not 0 <= age <= MAX_AGE_YEARS:
        return UNKNOWN
    return AgeInterval(age=age, age_low=age, life_stage="postnatal")
