"""What is known of cells, as the texts in which prompts ask for it or give it."""

import math
from collections.abc import Callable, Iterable

import polars as pl

from c2s_assets.core.cells.labels import members
from c2s_assets.core.columns import AGE_HIGH, AGE_LOW, CELL_TYPE, ORGANISM, SEX

TISSUE, DISEASE, AGE, AGE_DECADE = "tissue", "disease", "age", "age_decade"
CONDITIONS, SHARED_CONDITIONS = "conditions", "shared_conditions"
UNKNOWN_ORGANISM = "organism not stated"

LABELS = (CELL_TYPE, TISSUE, DISEASE, SEX)
_OF_CONDITIONS = (CELL_TYPE, TISSUE, DISEASE, SEX, AGE)
_SHARED_BY_GROUP = (TISSUE, DISEASE, SEX, AGE)
_NO_LABELS = frozenset(
    ("", "unknown", "na", "n/a", "nan", "none", "null", "unspecified", "unassigned", "undetermined", "other")
)
_HUMAN = "Homo sapiens"
# Ages below so many years are told in months.
_IN_MONTHS = 3
_NEAR = 0.02


def facts_of(cells: pl.DataFrame) -> pl.DataFrame:
    """Put what is known of each cell into words.

    Parameters
    ----------
    cells
        Rows of `train_test`; a column that a dataset lacks is a fact that is not known.

    Returns
    -------
    `organism`, `LABELS`, `age`, `age_decade`, `conditions` and `shared_conditions` as texts; null where
    unknown.
    """
    labels = [_mapped(cells, name, label_text) for name in LABELS]
    organism = _mapped(cells, ORGANISM, label_text)
    ages = _ages(cells, organism)
    facts = pl.DataFrame([organism, *labels, *ages])
    return facts.with_columns(
        _conditions(_OF_CONDITIONS).alias(CONDITIONS), _conditions(_SHARED_BY_GROUP).alias(SHARED_CONDITIONS)
    )


def label_text(label: str) -> str | None:
    """Write a label as an answer on one line, ``A || B`` as "A and B"; None if it says nothing."""
    on_one_line = " ".join(label.split())
    known = [member for member in members(on_one_line) if member.casefold() not in _NO_LABELS]
    if not known:
        return None
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def age_text(low: float | None, high: float | None) -> str | None:
    """Write an age in years as an answer: a point as one number, an interval as an interval.

    ``[34, 35)`` is "34 years", ``[65, 80)`` "65 to 79 years", one that is open above "80 years or older",
    and ``[0.25, 0.333)`` "3 months".
    """
    if low is None or math.isnan(low):
        return None
    if high is None or math.isnan(high):
        return f"{low:.3g} years or older"
    if high <= _IN_MONTHS and high - low < 1 - _NEAR:
        return _span(12 * low, 12 * high, "month")
    return _span(low, high, "year")


def decade_text(low: float | None, high: float | None) -> str | None:
    """Write the decade in which an age lies as a whole; None if it may lie in several."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    decade = int(low // 10)
    if high > 10 * decade + 10 + _NEAR:
        return None
    return f"{10 * decade} to {10 * decade + 9} years"


def _span(low: float, high: float, unit: str) -> str:
    """Write an interval without its upper end; one no wider than its unit is a point."""
    is_whole = abs(low - round(low)) < _NEAR and abs(high - round(high)) < _NEAR
    if is_whole and round(high) - round(low) > 1:
        return f"{round(low)} to {round(high) - 1} {unit}s"
    if high - low <= 1 + _NEAR:
        return _number(round(low) if is_whole else low, unit)
    return f"{low:.3g} to {high:.3g} {unit}s"


def _number(number: float, unit: str) -> str:
    shown = f"{number:.3g}"
    if shown == "0":
        return f"less than 1 {unit}"
    return f"{shown} {unit}" if shown == "1" else f"{shown} {unit}s"


def _mapped(cells: pl.DataFrame, name: str, text: Callable[[str], str | None]) -> pl.Series:
    if name not in cells.columns:
        return pl.Series(name, [None] * cells.height, pl.String)
    labels = cells[name].cast(pl.String)
    distinct = labels.unique().drop_nulls()
    texts = pl.Series("text", [text(label) for label in distinct], pl.String)
    known = pl.DataFrame([distinct, texts])
    return labels.to_frame().join(known, on=name, how="left", maintain_order="left")["text"].alias(name)


def _ages(cells: pl.DataFrame, organism: pl.Series) -> list[pl.Series]:
    ages = cells.select(AGE_LOW, AGE_HIGH)
    distinct = ages.unique()
    known = distinct.with_columns(
        pl.Series(AGE, [age_text(*age) for age in distinct.iter_rows()], pl.String),
        pl.Series(AGE_DECADE, [decade_text(*age) for age in distinct.iter_rows()], pl.String),
    )
    texts = ages.join(known, on=[AGE_LOW, AGE_HIGH], how="left", nulls_equal=True, maintain_order="left")
    is_human = organism == _HUMAN
    decades = texts.select(pl.when(is_human).then(AGE_DECADE).alias(AGE_DECADE)).to_series()
    return [texts[AGE], decades]


def _conditions(names: Iterable[str]) -> pl.Expr:
    """List what is known of these and of the organism; null if nothing but the organism is."""
    told = [pl.lit(f"{name.replace('_', ' ')}: ") + pl.col(name) for name in (ORGANISM, *names)]
    is_known = pl.any_horizontal(pl.col(name).is_not_null() for name in names)
    return pl.when(is_known).then(pl.concat_str(told, separator="; ", ignore_nulls=True))
