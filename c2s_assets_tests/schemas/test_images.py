"""Tests of how images are declared."""

import json

import pyarrow as pa

from c2s_assets.schemas.images import stored_columns, with_features

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema(
    {"patch": IMAGE, "name": pa.string(), "share": pa.float32(), "index": pa.list_(pa.int32())},
    metadata={"c2s": "kept"},
)


def test_features_are_said_beside_what_a_schema_says_already() -> None:
    says = with_features(SCHEMA).metadata
    assert says[b"c2s"] == b"kept"
    assert json.loads(says[b"huggingface"])["info"]["features"] == {
        "patch": {"_type": "Image"},
        "name": {"dtype": "string", "_type": "Value"},
        "share": {"dtype": "float32", "_type": "Value"},
        "index": {"feature": {"dtype": "int32", "_type": "Value"}, "_type": "List"},
    }


def test_parquet_stores_parts_of_a_field() -> None:
    assert [name for field in SCHEMA for name in stored_columns(field)] == [
        "patch.bytes",
        "patch.path",
        "name",
        "share",
        "index.list.element",
    ]
