"""The schemas of Arrow and Polars, derived from a table's model and its own further columns."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from c2s_assets.schemas.images import NAMED_IMAGE

if TYPE_CHECKING:  # pandera takes two seconds to import, and who only reads tables needs no model
    from c2s_assets.schemas.tables import Table

ArrowTypes = Mapping[object, pa.DataType]

_TYPES: ArrowTypes = {
    pl.String: pa.string(),
    pl.Int32: pa.int32(),
    pl.Int64: pa.int64(),
    pl.Float32: pa.float32(),
    pl.Boolean: pa.bool_(),
    pl.Date: pa.date32(),
}
# Of columns of ours: images besides, also with the names of their files.
_DECLARED: ArrowTypes = {**_TYPES, pl.Binary: pa.binary(), pl.Struct: NAMED_IMAGE}
# What a source may hold besides. Not every reader has a type for small and unsigned integers, but one for
# int32 and int64; float64 stays, because the source's columns are kept as they are.
_OF_SOURCE: ArrowTypes = {
    **_TYPES,
    pl.Int8: pa.int32(),
    pl.Int16: pa.int32(),
    pl.UInt8: pa.int32(),
    pl.UInt16: pa.int32(),
    pl.UInt32: pa.int64(),
    pl.UInt64: pa.int64(),
    pl.Float64: pa.float64(),
}


def arrow_schema(model: "Table", *, further: pl.Schema | None = None) -> pa.Schema:
    """Derive the Arrow schema of a table: the declared columns, then those of `further` in their order.

    What is said of a declared column is its metadata, under ``description``, in every file that is written.

    Raises
    ------
    TypeError
        If a column has a type that we do not write, which is a mistake in the model or in the caller.
    """
    declared = {
        name: pa.field(
            name,
            _arrow_type(column.dtype.type, _DECLARED, name=name),
            nullable=column.nullable,
            metadata={"description": column.description or ""},
        )
        for name, column in model.to_schema().columns.items()
    }
    own = {name: dtype for name, dtype in (further or {}).items() if name not in declared}
    return pa.schema([*declared.values(), *arrow_columns(own)])


def arrow_columns(columns: Mapping[str, pl.DataType]) -> pa.Schema:
    """Give columns that no model declares the types that we write; any of them may be null.

    Raises
    ------
    TypeError
        If one has a type that we do not write.
    """
    return pa.schema(
        [pa.field(name, _arrow_type(dtype, _OF_SOURCE, name=name)) for name, dtype in columns.items()]
    )


def frame_schema(model: "Table") -> pl.Schema:
    """Give the declared columns of a table with the types that Polars has for them."""
    return pl.Schema({name: column.dtype.type for name, column in model.to_schema().columns.items()})


def _arrow_type(dtype: object, types: ArrowTypes, *, name: str) -> pa.DataType:
    if isinstance(dtype, pl.List):
        return pa.list_(_arrow_type(dtype.inner, types, name=name))
    found = types.get(dtype if isinstance(dtype, type) else type(dtype))
    if found is None:
        raise TypeError(f"column {name} has type {dtype}, which we do not write")
    return found
