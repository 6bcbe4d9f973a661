"""Images in tables, as the library datasets of Hugging Face knows them."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa

# Under which key of a schema it looks for what columns are; without it, it shows their bytes.
_KEY = b"huggingface"
NAMED_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FIELDS = {"bytes": pl.Binary(), "path": pl.String()}
# What `datasets` calls types of Arrow that are called otherwise there.
_CALLED = {"float": "float32"}

# What a column of images is declared with: `column(..., **IMAGE)`.
IMAGE: dict[str, Any] = {"dtype_kwargs": {"fields": _FIELDS}}


def image_of(data: pl.Expr, path: pl.Expr) -> pl.Expr:
    """Put an encoded image and the name of its file together."""
    return pl.struct(data.alias("bytes"), path.alias("path"))


def with_features(schema: pa.Schema) -> pa.Schema:
    """Say in a schema what its columns are for `datasets`, so that it decodes images.

    It takes that for true only of columns that may be null, though none of ours is.
    """
    features = {field.name: _feature(field.type) for field in schema}
    says = json.dumps({"info": {"features": features}})
    fields = [field.with_nullable(True) if pa.types.is_struct(field.type) else field for field in schema]
    return pa.schema(fields, metadata={**(schema.metadata or {}), _KEY: says})


def stored_columns(field: pa.Field) -> Iterator[str]:
    """Name the columns that Parquet stores a field in."""
    if pa.types.is_list(field.type):
        yield f"{field.name}.list.element"
    elif pa.types.is_struct(field.type):
        yield from (f"{field.name}.{inner.name}" for inner in field.type)
    else:
        yield str(field.name)


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": _CALLED.get(str(kind), str(kind)), "_type": "Value"}
