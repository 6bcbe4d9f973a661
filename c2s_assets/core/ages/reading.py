"""Which age each cell has, from whatever its dataset says of it."""

import re
from collections.abc import Callable
from typing import Literal

import polars as pl

from c2s_assets.core.ages.intervals import (
    UNIT_WORDS,
    UNKNOWN,
    AgeInterval,
    AgeUnit,
    number_interval,
    open_interval,
    plain,
    range_interval,
)
from c2s_assets.core.ages.stages import stage_interval
from c2s_assets.core.columns import AGE, AGE_HIGH, AGE_LOW, AGE_METHOD, LIFE_STAGE

AgeMethod = Literal["age_column", "stage_label", "age_group", "unknown"]

_SOURCES: tuple[AgeMethod, ...] = ("age_column", "stage_label", "age_group")
_INTERVAL = {AGE: pl.Float32, AGE_LOW: pl.Float32, AGE_HIGH: pl.Float32, LIFE_STAGE: pl.String}

_NUMBER = r"\d+(?:\.\d+)?"
_UNIT = r"(?:-?(?P<unit>[a-z]+?)(?:-?old)?)?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})-(?P<high>{_NUMBER}){_UNIT}")
_BOUND = re.compile(rf"(?P<sign><|>=?|≥)?(?P<number>{_NUMBER})(?P<plus>\+)?{_UNIT}")


def parse_ages(
    n_obs: int,
    *,
    age: pl.Series | None,
    age_unit: AgeUnit = "years",
    stage: pl.Series | None,
    stage_id: pl.Series | None,
    age_group: pl.Series | None,
    organism: str | pl.Series | None,
) -> pl.DataFrame:
    """Give each cell its age, from the first source that has one.

    The sources are the age column, the development stage, the age group, in this order. One with a point
    wins over an earlier one with only an interval: "adult stage" and the group "40-49" give 45. A prenatal
    stage always wins, because weeks after conception are often stored as an age; such a cell has no age.
    A number below 0 or above 150 years, or anything we cannot read, says nothing: the next source is asked.

    Parameters
    ----------
    age
        Numbers, or strings that are numbers, in `age_unit`.
    stage, stage_id
        Label and ontology id, read by `stage_interval` with the help of `organism`.
    age_group
        Read by `age_group_interval`; in years unless the group names its unit.

    Returns
    -------
    One row per cell, in order: `age`, `age_low`, `age_high` (float32, years), `age_method` (the source
    that was used, or ``unknown``) and `life_stage`.
    """
    readings = pl.DataFrame(
        {
            "age_column": _read_numbers(_numbers(age, n_obs), unit=age_unit),
            "stage_label": _read_stages(_text(stage, n_obs), _text(stage_id, n_obs), _text(organism, n_obs)),
            "age_group": _read_groups(_text(age_group, n_obs)),
        }
    )
    method = pl.coalesce(
        pl.when(_field("stage_label", LIFE_STAGE) == "prenatal").then(pl.lit("stage_label")),
        *(pl.when(_field(source, AGE).is_not_null()).then(pl.lit(source)) for source in _SOURCES),
        *(pl.when(_field(source, AGE_LOW).is_not_null()).then(pl.lit(source)) for source in _SOURCES),
        pl.lit("unknown"),
    )
    return readings.with_columns(method.alias(AGE_METHOD)).select(
        _of_chosen_source(AGE),
        _of_chosen_source(AGE_LOW),
        _of_chosen_source(AGE_HIGH),
        AGE_METHOD,
        _of_chosen_source(LIFE_STAGE).fill_null("unknown"),
    )


def age_group_interval(label: str) -> AgeInterval:
    """Return the ages that a group such as "15-20", "20-29", "80+", ">=80" or "<5" stands for.

    A range of whole numbers that holds a multiple of five of them, both ends counted, is taken to include
    its upper end: "20-29" is [20, 30), "15-20" is [15, 20). A single number is read as in an age column.
    The unit may follow ("45 years", "3-6 months") and is otherwise years. The unknown age for the rest.
    """
    group = plain(label).replace(" ", "")
    match = _RANGE.fullmatch(group) or _BOUND.fullmatch(group)
    unit = UNIT_WORDS.get(match["unit"] or "years") if match else None
    if match is None or unit is None:
        return UNKNOWN
    if match.re is _RANGE:
        return _range_interval(float(match["low"]), float(match["high"]), unit)
    number, sign, is_open = float(match["number"]), match["sign"], match["plus"] is not None
    if sign == "<":
        return UNKNOWN if is_open else range_interval(0, number, unit=unit)
    if sign or is_open:
        return open_interval(number, unit=unit)
    return number_interval(number, unit=unit)


def _range_interval(low: float, high: float, unit: AgeUnit) -> AgeInterval:
    if low == high:
        return number_interval(low, unit=unit)
    n_whole = high - low + 1
    is_inclusive = low.is_integer() and n_whole % 5 == 0
    return range_interval(low, high + 1 if is_inclusive else high, unit=unit)


def _read_numbers(numbers: pl.Series, *, unit: AgeUnit) -> pl.Series:
    def read(number: float | None) -> AgeInterval:
        return UNKNOWN if number is None else number_interval(number, unit=unit)

    return _read_distinct(pl.DataFrame({"number": numbers}), read)


def _read_stages(label: pl.Series, term_id: pl.Series, organism: pl.Series) -> pl.Series:
    def read(label: str | None, term_id: str | None, organism: str | None) -> AgeInterval:
        return stage_interval(label, ontology_term_id=term_id, organism=organism)

    return _read_distinct(pl.DataFrame({"label": label, "term_id": term_id, "organism": organism}), read)


def _read_groups(groups: pl.Series) -> pl.Series:
    def read(group: str | None) -> AgeInterval:
        return UNKNOWN if group is None else age_group_interval(group)

    return _read_distinct(pl.DataFrame({"group": groups}), read)


def _read_distinct(cells: pl.DataFrame, read: Callable[..., AgeInterval]) -> pl.Series:
    """Read each combination of values once, however many cells have it."""
    distinct = cells.unique(maintain_order=True)
    intervals = [vars(read(*values)) for values in distinct.iter_rows()]
    return cells.join(
        distinct.with_columns(pl.Series("interval", intervals, dtype=pl.Struct(_INTERVAL))),
        on=cells.columns,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )["interval"]


def _numbers(values: pl.Series | None, n_obs: int) -> pl.Series:
    if values is not None and values.dtype.is_numeric():
        return values.cast(pl.Float64).fill_nan(None)
    # A flag is not numeric either: it becomes "true", and so null rather than the age 1.
    return _text(values, n_obs).str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)


def _text(values: pl.Series | str | None, n_obs: int) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.cast(pl.String)
    return pl.repeat(values, n_obs, dtype=pl.String, eager=True)


def _field(source: str, name: str) -> pl.Expr:
    return pl.col(source).struct.field(name)


def _of_chosen_source(name: str) -> pl.Expr:
    return pl.coalesce(
        pl.when(pl.col(AGE_METHOD) == source).then(_field(source, name)) for source in _SOURCES
    ).alias(name)
