"""However columns and embeddings are stored, the same values give the same tables, byte for byte."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.cells.metadata import describe_cells
from c2s_assets.core.cells.survey import survey_cells
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.tables import CellMetadata
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.sources.profile import profile_h5ad
from c2s_assets.storage.tables.parquet import write_blocks
from c2s_assets.storage.tables.projections import ProjectionFolder
from c2s_assets_tests.storage.h5ad.files import add_categorical, add_frame, add_masked, add_sparse

N_OBS = 5
R_NA = -(2**31)
TEXT = h5py.string_dtype()
COUNTS = np.eye(N_OBS, 4, dtype=np.float32)
COORDINATES = np.arange(2.0 * N_OBS).reshape(N_OBS, 2)
COMPRESSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "gzip": {"compression": "gzip"},
    "lzf": {"compression": "lzf"},
    "zstd": dict(hdf5plugin.Zstd()),
    "lz4": dict(hdf5plugin.LZ4()),
    "bzip2": dict(hdf5plugin.BZip2()),
}
Values = list[Any]
Put = Callable[[str, Any], h5py.Dataset]


def _levels(values: Values) -> tuple[list[Any], list[int]]:
    """Sort the distinct values, and give the position of each value among them, -1 where it is missing."""
    levels = sorted({value for value in values if value is not None})
    return levels, [-1 if value is None else levels.index(value) for value in values]


def _filled(values: Values, filler: Any) -> Values:
    return [filler if value is None else value for value in values]


def _array_of(values: Values) -> np.ndarray:
    return np.array(values, dtype=TEXT if isinstance(values[0], str) else None)


def _plain(_obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    put(name, _array_of(values)).attrs["encoding-type"] = "array"


def _modern(obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    levels, codes = _levels(values)
    group = add_categorical(obs, name, codes, _array_of(levels))
    del group["codes"]
    put(f"{name}/codes", np.array(codes, np.int8))


def _of_anndata_in_r(obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    levels, codes = _levels(values)
    group = add_categorical(obs, name, codes, _array_of(levels))
    del group["codes"]
    put(f"{name}/codes", np.array(_filled([None if c < 0 else c for c in codes], R_NA), np.int32))


def _referenced(obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    levels, codes = _levels(values)
    obs[f"__categories/{name}"] = _array_of(levels)
    put(name, np.array(codes, np.int8)).attrs["categories"] = obs[f"__categories/{name}"].ref


def _seuratdisk(obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    levels, codes = _levels(values)
    obs[f"__categories/{name}"] = _array_of(levels)
    put(name, np.array([R_NA if code < 0 else code for code in codes], np.int32))


def _nullable(obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    filler = next(value for value in values if value is not None)
    encoding = {str: "nullable-string-array", bool: "nullable-boolean", int: "nullable-integer"}[type(filler)]
    filled = _array_of(_filled(values, filler))
    filled = filled.astype(np.int32) if encoding == "nullable-integer" else filled
    group = add_masked(obs, name, encoding, filled, [value is None for value in values])
    del group["values"]
    put(f"{name}/values", filled)


def _integers(_obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    put(name, np.array(values, np.int32)).attrs["encoding-type"] = "array"


def _integers_of_r(_obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    put(name, np.array(_filled(values, R_NA), np.int32))


def _logicals_of_r(_obs: h5py.Group, name: str, values: Values, put: Put) -> None:
    logical = h5py.enum_dtype({"FALSE": 0, "TRUE": 1, "NA": 2}, basetype="i1")
    put(name, np.array(_filled(values, 2), np.int8).astype(logical))


TEXTS = [_modern, _of_anndata_in_r, _referenced, _seuratdisk, _nullable]
INTEGERS = [_nullable, _integers_of_r]
FLAGS = [_modern, _nullable, _logicals_of_r]


@st.composite
def _layouts(draw: st.DrawFn, columns: dict[str, Values]) -> dict[str, Any]:
    return {
        "text": draw(st.sampled_from(TEXTS + [_plain] * (None not in columns["text"]))),
        "integer": draw(st.sampled_from(INTEGERS + [_integers] * (None not in columns["integer"]))),
        "flag": draw(st.sampled_from(FLAGS + [_plain] * (None not in columns["flag"]))),
        "compression": COMPRESSIONS[draw(st.sampled_from(sorted(COMPRESSIONS)))],
        "embedding": draw(st.sampled_from(["array", "dataframe"])),
        "rows": draw(st.integers(1, 6)),
    }


PLAIN = {
    "text": _nullable,
    "integer": _nullable,
    "flag": _nullable,
    "compression": {},
    "embedding": "array",
    "rows": 100,
}


def _columns_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Values]:
    """Draw a column of which not everything is missing."""
    return st.lists(st.none() | values, min_size=N_OBS, max_size=N_OBS).filter(any)


@given(
    data=st.data(),
    columns=st.fixed_dictionaries(
        {
            "text": _columns_of(st.sampled_from(["D1", "D2", "donor é"])),
            "integer": _columns_of(st.integers(-5, 2**31 - 1)),
            "flag": _columns_of(st.booleans()),
        }
    ),
)
@settings(max_examples=40, derandomize=True, deadline=None)
def test_columns_and_embeddings_give_the_same_tables_however_they_are_stored(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, columns: dict[str, Values]
) -> None:
    folder = tmp_path_factory.mktemp("columns")
    layout = data.draw(_layouts(columns))
    expected, found = (
        _tables(folder / name, columns, how) for name, how in (("plain", PLAIN), ("drawn", layout))
    )
    assert found == expected


def test_a_table_of_records_gives_the_same_tables(tmp_path: Path) -> None:
    """AnnData 0.6: obs is one dataset, and categories stand in uns."""
    columns = {
        "text": ["D1", None, "D2", "D1", "D1"],
        "integer": [1, 2, 3, 4, 5],
        "flag": [True] * 4 + [False],
    }
    expected = _tables(tmp_path / "plain", columns, PLAIN)
    path = _write(tmp_path / "records" / "a.h5ad", columns, PLAIN)
    levels, codes = _levels(columns["text"])
    types = [("index", "S6"), ("text", "i1"), ("integer", "i4"), ("flag", "?")]
    ids = [f"cell_{row}".encode() for row in range(N_OBS)]
    rows = list(zip(ids, codes, columns["integer"], columns["flag"], strict=True))
    with h5py.File(path, "a") as file:
        del file["obs"]
        file["obs"] = np.array(rows, types)
        file["uns/text_categories"] = _array_of(levels)
    assert _export(tmp_path / "records", path, rows=2) == expected


def _tables(folder: Path, columns: dict[str, Values], layout: dict[str, Any]) -> dict[str, bytes]:
    return _export(folder, _write(folder / "a.h5ad", columns, layout), rows=layout["rows"])


def _export(folder: Path, path: Path, *, rows: int) -> dict[str, bytes]:
    """Write the cells and the projection; their bytes by file."""
    with open_h5ad(path) as h5ad:
        profile = profile_h5ad(
            h5ad, dataset_id="a", source_sha256="0" * 64, entry=DatasetEntry(), rows_per_block=rows
        )
        assert [column.name for column in profile.obs_columns if column.not_read] == []
        names = sorted(column.name for column in profile.obs_columns)
        blocks = list(h5ad.obs.blocks(names, rows=rows))
        survey = survey_cells(names, h5ad.obs.read, entry=DatasetEntry())
        cells = [
            describe_cells(ids, obs, survey=survey, dataset_id="a", entry=DatasetEntry())
            for ids, obs in blocks
        ]
        write_blocks(folder / "cells.parquet", cells, model=CellMetadata, footer={})
        written = pl.concat(cells).select("cell_id", "donor_uid")
        ProjectionFolder(folder / "projections", written, profile).export(h5ad)
    files = [folder / "cells.parquet", *(folder / "projections").iterdir()]
    return {file.name: file.read_bytes() for file in files}


def _write(path: Path, columns: dict[str, Values], layout: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"cell_{row}" for row in range(N_OBS)]
    with h5py.File(path, "w") as file:
        obs = add_frame(file, "obs", ids)
        add_frame(file, "var", [f"GENE{row}" for row in range(4)])
        add_sparse(file, "X", COUNTS)

        def put(name: str, values: Any) -> h5py.Dataset:
            return obs.create_dataset(
                name, data=values, dtype=values.dtype, chunks=(2,), **layout["compression"]
            )

        for name, values in columns.items():
            layout[name](obs, name, values, put)
        if layout["embedding"] == "array":
            file["obsm/X_umap"] = COORDINATES
        else:
            frame = add_frame(file.create_group("obsm"), "X_umap", ids, column_order=("x", "y"))
            frame["x"], frame["y"] = COORDINATES.T
    return path
