"""Datasets on disk as the library `datasets` of Hugging Face saves and loads them, written without it.

One is a folder: an Arrow stream with the rows, `dataset_info.json` with the types of the columns, and
`state.json`, which names the file. `datasets.load_from_disk` maps it into memory.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow as pa

from c2s_assets.core.hashes import short_id
from c2s_assets.storage.lake.digest import file_digest

_ROWS = "data-00000-of-00001.arrow"


def write_arrow_dataset(folder: Path, blocks: Iterable[pl.DataFrame], *, schema: pa.Schema) -> int:
    """Write rows block by block into a folder that is new; return how many there are."""
    folder.mkdir()
    n_rows = 0
    with pa.OSFile(str(folder / _ROWS), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for block in blocks:
            stream.write_table(block.to_arrow().select(schema.names).cast(schema))
            n_rows += block.height
    features = {field.name: _feature(field.type) for field in schema}
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    # By what a cached result is found again: it has to differ where the rows do.
    fingerprint = short_id({"features": features, "rows": file_digest(folder / _ROWS)})
    state: dict[str, object] = {
        "_data_files": [{"filename": _ROWS}],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    for name, content in (("dataset_info.json", info), ("state.json", state)):
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    return n_rows


def _feature(kind: pa.DataType) -> dict[str, object]:
    """Describe a type as `datasets` does."""
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    name = {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}
