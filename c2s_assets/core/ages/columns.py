"""A column of ages, read as a whole before its cells are described block by block."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from c2s_assets.core.ages.intervals import UNKNOWN, AgeInterval, AgeUnit, number_interval, number_of
from c2s_assets.core.ages.labels import read_age_labels
from c2s_assets.core.ages.lifespans import unit_meant
from c2s_assets.core.columns import AGE, AGE_HIGH, AGE_LOW, LIFE_STAGE

INTERVAL = pl.Struct({AGE: pl.Float32, AGE_LOW: pl.Float32, AGE_HIGH: pl.Float32, LIFE_STAGE: pl.String})


@dataclass(frozen=True)
class AgeColumn:
    """How each value of a column is read.

    Parameters
    ----------
    unit
        Of a number without one; None if such a number says nothing.
    labels
        What the texts of the column stand for; empty for numbers.
    unread
        `value`, `n_cells`: what says no age, the most frequent first.
    """

    name: str
    unit: AgeUnit | None
    labels: Mapping[str, AgeInterval]
    unread: pl.DataFrame

    def intervals(self, values: pl.Series) -> pl.Series:
        """Read values of the column, each as a struct of `age`, `age_low`, `age_high` and `life_stage`."""

        def read(value: float | str | None) -> AgeInterval:
            return self.labels.get(value, UNKNOWN) if isinstance(value, str) else _of_number(value, self.unit)

        return read_distinct(pl.DataFrame({"value": _plain_type(values)}), read)

    def unit_meant(self, age: float, *, lifespan: float) -> AgeUnit | None:
        """Name the unit in which an age of the column, given in years, would be one that was reached.

        None if that is its unit already, or no unit.
        """
        if self.unit is None:
            return None
        meant = unit_meant(number_of(age, self.unit), lifespan=lifespan)
        return None if meant == self.unit else meant


def read_age_column(values: pl.Series, *, name: str, unit: AgeUnit | None) -> AgeColumn:
    """Judge all values of a column together."""
    column = _plain_type(values).alias("value")
    counted = column.drop_nulls().to_frame().group_by("value", maintain_order=True).len("n_cells")
    texts = list(counted["value"]) if column.dtype == pl.String else []
    labels = read_age_labels(texts, unit=unit)
    known = [
        (labels[value] if isinstance(value, str) else _of_number(value, unit)) != UNKNOWN
        for value in counted["value"]
    ]
    unread = counted.filter(~pl.Series(known, dtype=pl.Boolean))
    return AgeColumn(
        name=name,
        unit=unit,
        labels=labels,
        unread=unread.sort("n_cells", descending=True, maintain_order=True),
    )


def read_distinct(cells: pl.DataFrame, read: Callable[..., AgeInterval]) -> pl.Series:
    """Read each combination of values once, however many cells have it."""
    distinct = cells.unique(maintain_order=True)
    intervals = [vars(read(*values)) for values in distinct.iter_rows()]
    return cells.join(
        distinct.with_columns(pl.Series("interval", intervals, dtype=INTERVAL)),
        on=cells.columns,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )["interval"]


def _plain_type(values: pl.Series) -> pl.Series:
    # A flag is no number: it becomes "true", and so unknown rather than the age 1.
    if values.dtype.is_numeric():
        return values.cast(pl.Float64).fill_nan(None)
    return values.cast(pl.String)


def _of_number(number: float | None, unit: AgeUnit | None) -> AgeInterval:
    return UNKNOWN if number is None or unit is None else number_interval(number, unit=unit)
