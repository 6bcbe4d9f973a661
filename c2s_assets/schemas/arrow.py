"""The Arrow schema we write, derived from a table's model and its own further columns."""

import polars as pl
import pyarrow as pa

from c2s_assets.schemas.tables import Table

_WIDER = {
    pl.Int8: pa.int32(),
    pl.Int16: pa.int32(),
    pl.Int32: pa.int32(),
    pl.Int64: pa.int64(),
    pl.UInt8: pa.int32(),
    pl.UInt16: pa.int32(),
    pl.UInt32: pa.int64(),
    pl.UInt64: pa.int64(),
    pl.Float32: pa.float32(),
    pl.Float64: pa.float64(),
    pl.Boolean: pa.bool_(),
    pl.String: pa.string(),
    pl.Date: pa.date32(),
}


def arrow_schema(model: Table, *, further: pl.Schema | None = None) -> pa.Schema:
    """Derive the Arrow schema of a table: the declared columns, then those of `further` in their order.

    Small and unsigned integers become int32 or int64, so that every reader has a type for them.
    float64 stays in the source's own columns: they are kept as they are.
    """
    declared = {
        name: _field(name, column.dtype.type, column.nullable)
        for name, column in model.to_schema().columns.items()
    }
    own = [_field(name, dtype, True) for name, dtype in (further or {}).items() if name not in declared]
    return pa.schema([*declared.values(), *own])


def _field(name: str, dtype: object, nullable: bool) -> pa.Field:
    key = dtype if isinstance(dtype, type) else type(dtype)
    return pa.field(name, _WIDER[key], nullable=nullable)
