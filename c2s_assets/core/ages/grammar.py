"""How ages are written: "45 years", "3m", "P60", "20 to 29", "[20,30)", "85 and over"."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from c2s_assets.core.ages.intervals import UNIT_WORDS, AgeUnit, plain, years
from c2s_assets.core.ages.stages import is_prenatal

# Longer ones are sentences.
_MOST_CHARACTERS = 80

_NUMBER = r"\d{1,5}(?:\.\d*)?"
_UNIT = "|".join(sorted(UNIT_WORDS, key=len, reverse=True))


def _aged(name: str) -> str:
    """Match a number and perhaps its unit: "45", "45yo", "18-month-old", "62 yrs. of age"."""
    return rf"(?P<{name}>{_NUMBER})(?:[ -]?(?P<unit_of_{name}>{_UNIT})\.?(?:[ -]?olds?)?(?: of age)?)?"


_TO = r" ?(?:-|_|~|to|till|until|through|thru|\.{2,3}) ?"
_TITLE = re.compile(r"(?:aged?(?:[ _]group)?|group)[ _:=]+(?=\S)")
_POINT = re.compile(_aged("low"))
_RANGE = re.compile(rf"{_aged('low')}{_TO}{_aged('high')}")
_BETWEEN = re.compile(rf"between {_aged('low')} and {_aged('high')}")
_ABOVE = re.compile(
    rf"(?:>=?|=>|\u2265|over|above|older than|more than|greater than|at least) ?{_aged('low')}"
)
_AND_OVER = re.compile(
    rf"{_aged('low')} ?(?:\+|plus|(?:and|or|&) ?(?:over|older|above|more|up|greater))"
    rf"(?: ?(?P<unit_behind>{_UNIT})\.?(?:[ -]?olds?)?)?"
)
_BELOW = re.compile(rf"(?:<|under|below|younger than|less than) ?{_aged('high')}")
_UP_TO = re.compile(rf"(?:<=|=<|\u2264|up to|at most) ?{_aged('high')}")
_AND_UNDER = re.compile(rf"{_aged('high')} ?(?:and|or|&) ?(?:under|younger|below|less)")
_BRACKETS = re.compile(
    rf"(?P<left>[\[(\]]) ?(?P<low>-inf|{_NUMBER}) ?[,;-] ?(?P<high>\+?inf|{_NUMBER}) ?(?P<right>[\])\[])"
    rf"(?: ?(?P<unit_behind>{_UNIT})\.?)?"
)
_DECADE = re.compile(r"(?P<low>\d{1,2}0)'?s")
_YEARS_AND_MONTHS = re.compile(
    r"(?P<years>\d{1,3}) ?(?:years?|yrs?|y)[ ,]*(?:and )?(?P<months>\d{1,2}) ?(?:months?|mos?|m)(?: old)?"
)
_POSTNATAL_DAY = re.compile(
    rf"(?:p|pn|pnd|post-?natal day) ?(?P<low>{_NUMBER})(?:{_TO}(?:p|pn|pnd)? ?(?P<high>{_NUMBER}))?"
)
_BEFORE_BIRTH = re.compile(
    rf"(?:e|ed|gd|ga|gw|pcw|pcd|cs) ?{_NUMBER}(?:{_TO}(?:e|gw|pcw)? ?{_NUMBER})?(?: ?(?:dpc|days?|weeks?))?"
    rf"|{_NUMBER} ?(?:dpc|wpc|pcw|pcd|gw|wga|ga)"
)


@dataclass(frozen=True)
class AgeText:
    """What a label says, in the unit it says it in.

    ``point`` is the number `low`; ``from`` is `low` and all above; ``exact`` is ``[low, high)``; ``range`` is
    the same but for its upper end, which may be counted in; ``prenatal`` has no number.
    """

    kind: Literal["point", "from", "exact", "range", "prenatal"]
    low: float = 0.0
    high: float = 0.0
    unit: AgeUnit = "years"


def parse_age(label: str, *, unit: AgeUnit | None) -> AgeText | None:
    """Read one label; a number without a unit is in `unit`, and says nothing if that is None.

    None for what is no age, or is written in a way that we do not know.
    """
    if len(label) > _MOST_CHARACTERS:
        return None
    text = plain(unicodedata.normalize("NFKC", label)).replace("y.o.", "yo").replace("y/o", "yo")
    text = _TITLE.sub("", text, count=1) if _TITLE.match(text) else text
    if is_prenatal(text) or _BEFORE_BIRTH.fullmatch(text):
        return AgeText("prenatal")
    return _with_own_unit(text) or _in_brackets(text, unit) or _in_words(text, unit)


def _with_own_unit(text: str) -> AgeText | None:
    """Read what has its unit from its form: "P60", "40s", "1 year 6 months"."""
    if match := _POSTNATAL_DAY.fullmatch(text):
        low, high = match.groups()
        return (
            AgeText("point", float(low), unit="days") if high is None else _range(low, high, "days", "days")
        )
    if match := _DECADE.fullmatch(text):
        return AgeText("exact", float(match["low"]), float(match["low"]) + 10)
    if match := _YEARS_AND_MONTHS.fullmatch(text):
        return AgeText("point", 12 * float(match["years"]) + float(match["months"]), unit="months")
    return None


def _in_brackets(text: str, unit: AgeUnit | None) -> AgeText | None:
    """Read an interval of pandas or R; its ends stand as they are written, but for "[20,29]"."""
    match = _BRACKETS.fullmatch(text)
    unit = _unit(match, "unit_behind", unit) if match else None
    if match is None or unit is None:
        return None
    low = 0.0 if match["low"] == "-inf" else float(match["low"])
    if match["high"].endswith("inf"):
        return AgeText("from", low, unit=unit)
    is_closed = match["left"] == "[" and match["right"] == "]"
    return AgeText("range" if is_closed else "exact", low, float(match["high"]), unit)


def _in_words(text: str, unit: AgeUnit | None) -> AgeText | None:
    """Read numbers with words or signs between and beside them."""
    if match := _POINT.fullmatch(text):
        of_low = _unit(match, "unit_of_low", unit)
        return None if of_low is None else AgeText("point", float(match["low"]), unit=of_low)
    if match := _RANGE.fullmatch(text) or _BETWEEN.fullmatch(text):
        of_high = _unit(match, "unit_of_high", _unit(match, "unit_of_low", unit))
        of_low = _unit(match, "unit_of_low", of_high)
        return (
            None
            if of_low is None or of_high is None
            else _range(match["low"], match["high"], of_low, of_high)
        )
    if match := _ABOVE.fullmatch(text):
        of_low = _unit(match, "unit_of_low", unit)
        return None if of_low is None else AgeText("from", float(match["low"]), unit=of_low)
    if match := _AND_OVER.fullmatch(text):
        of_low = _unit(match, "unit_of_low", _unit(match, "unit_behind", unit))
        return None if of_low is None else AgeText("from", float(match["low"]), unit=of_low)
    return _from_birth(text, unit)


def _from_birth(text: str, unit: AgeUnit | None) -> AgeText | None:
    """Read what ends at a number: "<5" is [0, 5), "5 and under" [0, 6)."""
    below = _BELOW.fullmatch(text)
    match = below or _UP_TO.fullmatch(text) or _AND_UNDER.fullmatch(text)
    unit = _unit(match, "unit_of_high", unit) if match else None
    if match is None or unit is None:
        return None
    high = float(match["high"])
    return AgeText("exact", 0.0, high if below or not high.is_integer() else high + 1, unit)


def _range(low: str, high: str, of_low: AgeUnit, of_high: AgeUnit) -> AgeText | None:
    if of_low != of_high:
        return AgeText("exact", years(float(low), of_low), years(float(high), of_high))
    if float(low) == float(high):
        return AgeText("point", float(low), unit=of_low)
    return AgeText("range", float(low), float(high), of_low)


def _unit(match: re.Match[str], group: str, default: AgeUnit | None) -> AgeUnit | None:
    word = match[group]
    return default if word is None else UNIT_WORDS[word]
