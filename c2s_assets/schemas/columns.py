"""How a column of a table is declared: its type, what it holds, in which unit, and when it is null."""

from dataclasses import dataclass
from typing import Any

import pandera.polars as pr
import pyarrow as pa

from c2s_assets.schemas.arrow import arrow_schema

_SAYS, _UNIT, _NULL = "says", "unit", "null"


def column(says: str, *, unit: str | None = None, null: str | None = None, **rules: Any) -> Any:
    """Declare a column of a pandera model.

    Parameters
    ----------
    says
        What it holds, as a sentence.
    unit
        What its numbers count or measure, where its name does not say it.
    null
        When it has no value, as in "null ...": ``before birth``. One that does not say so always has one.
    rules
        What else must hold, see pandera.Field; ``items`` is the type of what a list holds.
    """
    if "items" in rules:
        rules["dtype_kwargs"] = {"inner": rules.pop("items")}
    return pr.Field(
        nullable=null is not None,
        description=_describe(says, unit=unit, null=null),
        metadata={_SAYS: says, _UNIT: unit, _NULL: null},
        **rules,
    )


@dataclass(frozen=True)
class DeclaredColumn:
    """A column as its model declares it.

    Attributes
    ----------
    description
        All that is said of it, as one sentence: what it holds, its unit, when it is null.
    is_key
        Whether no two rows have the same value.
    """

    name: str
    type: pa.DataType
    description: str
    says: str
    unit: str | None
    null: str | None
    is_key: bool


def declared_columns(model: type[pr.DataFrameModel]) -> dict[str, DeclaredColumn]:
    """Give the columns that a model declares, by name, in their order."""
    types = arrow_schema(model)
    return {
        name: DeclaredColumn(
            name=name,
            type=types.field(name).type,
            description=declared.description or "",
            says=declared.metadata[_SAYS],
            unit=declared.metadata[_UNIT],
            null=declared.metadata[_NULL],
            is_key=declared.unique,
        )
        for name, declared in model.to_schema().columns.items()
    }


def type_name(of: pa.DataType) -> str:
    """Name a type as people read it: ``list of float32``."""
    if pa.types.is_list(of):
        return f"list of {type_name(of.value_type)}"
    return {"float": "float32", "double": "float64"}.get(str(of), str(of))


def _describe(says: str, *, unit: str | None, null: str | None) -> str:
    of_unit = "" if unit is None else f", in {unit}"
    when = "" if null is None else f"; null {null}"
    return f"{says.removesuffix('.')}{of_unit}{when}."
