"""Which age each cell has, from whatever its dataset says of it."""

from typing import Literal

import polars as pl

from c2s_assets.core.ages.columns import INTERVAL, read_distinct
from c2s_assets.core.ages.intervals import AgeInterval
from c2s_assets.core.ages.stages import stage_interval
from c2s_assets.core.columns import AGE, AGE_HIGH, AGE_LOW, AGE_METHOD, LIFE_STAGE

AgeMethod = Literal["age_column", "stage_label", "age_group", "unknown"]

_SOURCES: tuple[AgeMethod, ...] = ("age_column", "stage_label", "age_group")
_STAGE_FIRST: tuple[AgeMethod, ...] = ("stage_label", "age_column", "age_group")


def parse_ages(
    n_obs: int,
    *,
    age: pl.Series | None,
    stage: pl.Series | None,
    stage_id: pl.Series | None,
    age_group: pl.Series | None,
    organism: str | pl.Series | None,
    stage_first: bool = False,
) -> pl.DataFrame:
    """Give each cell its age, from the first source that has one.

    The sources are the age column, the development stage, the age group, in this order. One with a point
    wins over an earlier one with only an interval: "adult stage" and the group "40-49" give 45. What says
    prenatal always wins, because weeks after conception are often stored as an age; such a cell has no
    age. A number below 0 or above 150 years, or anything we cannot read, says nothing: the next is asked.

    Parameters
    ----------
    age, age_group
        As `AgeColumn.intervals` reads them.
    stage, stage_id
        Label and ontology id, read by `stage_interval` with the help of `organism`.
    stage_first
        Whether the stage is asked before the age column, because nobody named that one.

    Returns
    -------
    One row per cell, in order: `age`, `age_low`, `age_high` (float32, years), `age_method` (the source
    that was used, or ``unknown``) and `life_stage`.
    """
    nothing = pl.Series([None], dtype=INTERVAL).new_from_index(0, n_obs)
    readings = pl.DataFrame(
        {
            "age_column": nothing if age is None else age,
            "stage_label": _read_stages(_text(stage, n_obs), _text(stage_id, n_obs), _text(organism, n_obs)),
            "age_group": nothing if age_group is None else age_group,
        }
    )
    order = _STAGE_FIRST if stage_first else _SOURCES
    method = pl.coalesce(
        *(pl.when(_field(source, LIFE_STAGE) == "prenatal").then(pl.lit(source)) for source in _STAGE_FIRST),
        *(pl.when(_field(source, AGE).is_not_null()).then(pl.lit(source)) for source in order),
        *(pl.when(_field(source, AGE_LOW).is_not_null()).then(pl.lit(source)) for source in order),
        pl.lit("unknown"),
    )
    return readings.with_columns(method.alias(AGE_METHOD)).select(
        _of_chosen_source(AGE),
        _of_chosen_source(AGE_LOW),
        _of_chosen_source(AGE_HIGH),
        AGE_METHOD,
        _of_chosen_source(LIFE_STAGE).fill_null("unknown"),
    )


def _read_stages(label: pl.Series, term_id: pl.Series, organism: pl.Series) -> pl.Series:
    def read(label: str | None, term_id: str | None, organism: str | None) -> AgeInterval:
        return stage_interval(label, ontology_term_id=term_id, organism=organism)

    return read_distinct(pl.DataFrame({"label": label, "term_id": term_id, "organism": organism}), read)


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
