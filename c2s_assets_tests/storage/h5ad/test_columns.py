from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest

from c2s_assets.core.errors import NotAnH5adError, SourceError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.columns import open_column
from c2s_assets_tests.storage.h5ad.files import add_categorical, add_masked


@pytest.fixture
def obs(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file.create_group("obs")


def _strings(*values: str | bytes) -> np.ndarray:
    return np.array(values, dtype=h5py.string_dtype())


def _dataset(values: Any) -> Callable[[h5py.Group], None]:
    def write(obs: h5py.Group) -> None:
        obs["c"] = values

    return write


def _enum(names: dict[str, int], numbers: list[int]) -> Callable[[h5py.Group], None]:
    def write(obs: h5py.Group) -> None:
        dtype = h5py.enum_dtype(names, basetype="i1")
        obs.create_dataset("c", data=np.array(numbers, np.int8), dtype=dtype)

    return write


def _categorical(codes: list[int], categories: Any) -> Callable[[h5py.Group], None]:
    return lambda obs: add_categorical(obs, "c", codes, categories)


def _masked(encoding: str, values: Any) -> Callable[[h5py.Group], None]:
    return lambda obs: add_masked(obs, "c", encoding, values, [False, True])


def _categories_of_nullable_strings(obs: h5py.Group) -> None:
    group = obs.create_group("c")
    group["codes"] = np.array([1, 0], np.int8)
    add_masked(group, "categories", "nullable-string-array", _strings("a", "b"), [False, False])


def _referenced_categories(obs: h5py.Group) -> None:
    obs["__categories/c"] = _strings("a", "b")
    obs["c"] = np.array([1, -1], np.int8)
    obs["c"].attrs["categories"] = obs["__categories/c"].ref


READABLE = {
    "int8 stays int8": (_dataset(np.array([1, -2], np.int8)), [1, -2], pl.Int8, "array"),
    "uint64 beyond int64": (_dataset(np.array([2**63, 0], np.uint64)), [2**63, 0], pl.UInt64, "array"),
    "big-endian integers": (_dataset(np.array([1, 2], ">i4")), [1, 2], pl.Int32, "array"),
    "float32 with NaN": (_dataset(np.array([0.5, np.nan], np.float32)), [0.5, None], pl.Float32, "array"),
    "big-endian floats": (_dataset(np.array([0.5, np.nan], ">f8")), [0.5, None], pl.Float64, "array"),
    "float16 widens": (_dataset(np.array([0.5, 2], np.float16)), [0.5, 2.0], pl.Float32, "array"),
    "infinity stays": (_dataset(np.array([np.inf, 1.0])), [np.inf, 1.0], pl.Float64, "array"),
    "booleans as an HDF5 enum": (_dataset(np.array([True, False])), [True, False], pl.Boolean, "array"),
    "booleans of another tool": (_enum({"False": 0, "True": 1}, [1, 0]), [True, False], pl.Boolean, "enum"),
    "logicals of R": (
        _enum({"FALSE": 0, "TRUE": 1, "NA": 2}, [1, 2]),
        [True, None],
        pl.Boolean,
        "enum",
    ),
    "labels as an HDF5 enum": (
        _enum({"B cell": 0, "T cell": 5}, [5, 0]),
        ["T cell", "B cell"],
        pl.String,
        "enum",
    ),
    "strings": (_dataset(_strings("é", "")), ["é", ""], pl.String, "string-array"),
    "the text nan is text": (_dataset(_strings("nan", "b")), ["nan", "b"], pl.String, "string-array"),
    "fixed-length bytes": (_dataset(np.array(["é".encode(), b"bc"])), ["é", "bc"], pl.String, "string-array"),
    "categorical of strings": (
        _categorical([1, -1], _strings("a", "b")),
        ["b", None],
        pl.String,
        "categorical",
    ),
    "categorical of integers": (_categorical([0, -1], np.array([7])), [7, None], pl.Int64, "categorical"),
    "categorical of floats": (
        _categorical([1, 0], np.array([0.5, 2])),
        [2.0, 0.5],
        pl.Float64,
        "categorical",
    ),
    "categorical of booleans": (
        _categorical([1, 0], np.array([False, True])),
        [True, False],
        pl.Boolean,
        "categorical",
    ),
    "categorical without any value": (
        _categorical([-1, -1], np.array([], h5py.string_dtype())),
        [None, None],
        pl.String,
        "categorical",
    ),
    "categories of nullable strings": (_categories_of_nullable_strings, ["b", "a"], pl.String, "categorical"),
    "categories behind a reference": (_referenced_categories, ["b", None], pl.String, "categorical (0.7)"),
    "nullable integers": (
        _masked("nullable-integer", np.array([5, 1], np.int32)),
        [5, None],
        pl.Int32,
        "nullable-integer",
    ),
    "nullable booleans": (
        _masked("nullable-boolean", np.array([True, True])),
        [True, None],
        pl.Boolean,
        "nullable-boolean",
    ),
    "nullable strings": (
        _masked("nullable-string-array", _strings("a", "")),
        ["a", None],
        pl.String,
        "nullable-string-array",
    ),
}


@pytest.mark.parametrize(("write", "values", "dtype", "encoding"), READABLE.values(), ids=READABLE.keys())
def test_a_column_decodes_to_its_values(
    obs: h5py.Group, write: Callable[[h5py.Group], None], values: list, dtype: pl.DataType, encoding: str
) -> None:
    write(obs)
    column = open_column(obs["c"], place="obs/c")
    assert column.read().to_list() == values
    assert column.read().dtype == dtype
    assert column.encoding == encoding
    assert column.n_rows == 2
    assert column.read(1, 2).to_list() == values[1:]


def test_a_categorical_knows_its_number_of_categories(obs: h5py.Group) -> None:
    add_categorical(obs, "c", [0, 0], _strings("a", "unused"))
    assert open_column(obs["c"], place="obs/c").n_categories == 2


UNREADABLE = {
    "two dimensions": (_dataset(np.zeros((2, 2))), "has shape \\(2, 2\\)"),
    "scalar": (_dataset(5), "has shape \\(\\)"),
    "null": (_dataset(h5py.Empty("f4")), "has no values"),
    "complex numbers": (_dataset(np.array([1j])), "type complex128"),
    "records": (_dataset(np.zeros(2, [("a", "i4")])), "compound\\(a: int32\\)"),
    "codes that are no integers": (
        lambda obs: obs.update({"c/codes": np.array([0.0]), "c/categories": np.array([1])}),
        "codes of type float64",
    ),
}


@pytest.mark.parametrize(("write", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unknown_encoding_is_refused(
    obs: h5py.Group, write: Callable[[h5py.Group], Any], said: str
) -> None:
    write(obs)
    with pytest.raises(UnsupportedEncodingError, match=f"obs/c.*{said}"):
        open_column(obs["c"], place="obs/c")


def test_a_group_of_an_unknown_kind_is_refused_with_its_encoding(obs: h5py.Group) -> None:
    obs.create_group("c").attrs["encoding-type"] = "awkward-array"
    with pytest.raises(UnsupportedEncodingError, match="obs/c is a group with encoding 'awkward-array'"):
        open_column(obs["c"], place="obs/c")


@pytest.mark.parametrize("code", [2, -2], ids=["beyond the categories", "below -1"])
def test_a_code_without_category_is_refused(obs: h5py.Group, code: int) -> None:
    add_categorical(obs, "c", [0, code], _strings("a", "b"))
    with pytest.raises(
        SourceError, match=f"obs/c/codes has code {code} at row 1, but there are 2 categories"
    ):
        open_column(obs["c"], place="obs/c").read()


def test_text_that_is_not_utf8_is_refused_with_its_row(obs: h5py.Group) -> None:
    obs["c"] = _strings(b"ok", b"caf\xe9")
    with pytest.raises(SourceError, match=r"obs/c has b'caf\\xe9' at row 1, which is not UTF-8"):
        open_column(obs["c"], place="obs/c").read()


def test_a_mask_of_another_length_is_refused(obs: h5py.Group) -> None:
    add_masked(obs, "c", "nullable-integer", np.array([1, 2, 3]), [False, True])
    with pytest.raises(NotAnH5adError, match="obs/c has 3 values but a mask of 2"):
        open_column(obs["c"], place="obs/c")


def test_categories_behind_a_reference_may_not_leave_the_file(obs: h5py.Group) -> None:
    """The dataset has no name, so walking the links cannot find it."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_external(b"/etc/passwd", 0, 8)
    space = h5py.h5s.create_simple((8,))
    anonymous = h5py.Dataset(h5py.h5d.create(obs.file.id, None, h5py.h5t.STD_I8LE, space, properties))
    obs["c"] = np.array([0], np.int8)
    obs["c"].attrs["categories"] = anonymous.ref
    with pytest.raises(UnsafeFileError, match="obs/c: categories keeps its values in another file"):
        open_column(obs["c"], place="obs/c")


def test_a_reference_to_nothing_is_refused(obs: h5py.Group) -> None:
    obs["c"] = np.array([0], np.int8)
    obs["c"].attrs.create("categories", h5py.Reference(), dtype=h5py.ref_dtype)
    with pytest.raises(NotAnH5adError, match="obs/c: categories cannot be read"):
        open_column(obs["c"], place="obs/c")


def test_a_number_that_its_type_does_not_name_is_refused(obs: h5py.Group) -> None:
    _enum({"B cell": 0, "T cell": 5}, [0, 3])(obs)
    with pytest.raises(SourceError, match=r"obs/c has 3 at row 1, .* it names B cell, T cell\."):
        open_column(obs["c"], place="obs/c").read()
