import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from c2s_assets.core.errors import SourceError, UnsafeFileError
from c2s_assets.storage.h5ad import uns as uns_module
from c2s_assets.storage.h5ad.columns import open_column
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.h5ad.uns import read_uns
from c2s_assets_tests.storage.h5ad.files import SHARED_DATA


@pytest.fixture
def uns(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file.create_group("uns")


VALUES = {
    "string": ("title", "title"),
    "string with accents": ("é", "é"),
    "integer": (np.int64(3), 3),
    "float": (np.float32(0.5), 0.5),
    "boolean": (np.bool_(True), True),
    "NaN": (np.nan, None),
    "infinity": (np.inf, "Infinity"),
    "minus infinity": (-np.inf, "-Infinity"),
    "complex number": (1 + 2j, {"real": 1.0, "imag": 2.0}),
    "long double": (np.longdouble("0.5"), 0.5),
    "long double beyond a double": (np.longdouble("1e4000"), "1e+4000"),
    "infinite long double": (np.longdouble("inf"), "Infinity"),
    "list of long doubles": (np.array([1, np.nan], np.longdouble), [1.0, None]),
    "long complex number": (np.clongdouble(1 + 2j), {"real": 1.0, "imag": 2.0}),
    "records of long doubles": (
        np.array([(1, 2)], [("n", "i4"), ("x", np.longdouble)]),
        {"n": [1], "x": [2.0]},
    ),
    "null": (h5py.Empty("f4"), None),
    "bytes that are not UTF-8": (np.bytes_(b"caf\xe9"), {"base64": "Y2Fm6Q=="}),
    "list of numbers": (np.array([1.0, np.nan, np.inf]), [1.0, None, "Infinity"]),
    "empty list": (np.array([]), []),
    "nested list": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "list of strings": (np.array(["a", "b"], dtype=h5py.string_dtype()), ["a", "b"]),
    "records": (np.array([(1, b"x"), (2, b"y")], [("n", "i4"), ("s", "S1")]), {"n": [1, 2], "s": ["x", "y"]}),
    "one record": (np.array((1, [2, 3]), [("n", "i4"), ("v", "i4", (2,))]), {"n": 1, "v": [2, 3]}),
    "more values than asked for": (
        np.arange(20.0),
        {"summary": {"shape": [20], "dtype": "float64", "first": [float(i) for i in range(10)]}},
    ),
    "more records than asked for": (
        np.zeros(11, [("n", "i4")]),
        {"summary": {"shape": [11], "dtype": "compound(n: int32)", "first": {"n": [0] * 10}}},
    ),
}


@pytest.mark.parametrize(("stored", "json_value"), VALUES.values(), ids=VALUES.keys())
def test_a_value_becomes_what_json_can_hold(uns: h5py.Group, stored: Any, json_value: Any) -> None:
    uns["x"] = stored
    read = read_uns(uns, max_values=10)
    assert read == {"x": json_value}
    assert json.loads(json.dumps(read, allow_nan=False)) == read


def test_groups_become_nested_dictionaries(uns: h5py.Group) -> None:
    uns["a/b/c"] = 1
    uns.create_group("empty")
    assert read_uns(uns, max_values=10) == {"a": {"b": {"c": 1}}, "empty": {}}


def test_what_anndata_writes_is_read(tmp_path: Path) -> None:
    columns = {"n": [1, 2], "x": [np.inf, np.nan], "c": pd.Categorical(["u", None])}
    table = pd.DataFrame(columns, index=["r1", "r2"])
    uns = {
        "table": table,
        "category": pd.Categorical(["a", "b", "a"]),
        "sparse": csr_matrix(np.array([[0, 1.0], [2.0, 0]])),
        "nullable": pd.array([1, None], dtype="Int64"),
        "none": None,
    }
    path = tmp_path / "a.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ad.AnnData(X=np.eye(2, dtype=np.float32), uns=uns).write_h5ad(path)
    with open_h5ad(path) as h5ad:
        assert h5ad.uns(max_values=10) == {
            "table": {
                "_index": ["r1", "r2"],
                "n": [1, 2],
                "x": ["Infinity", None],
                "c": ["u", None],
            },
            "category": ["a", "b", "a"],
            "sparse": {
                "format": "csr",
                "shape": [2, 2],
                "data": [1.0, 2.0],
                "indices": [1, 0],
                "indptr": [0, 1, 2],
            },
            "nullable": [1, None],
            "none": None,
        }


def test_a_long_categorical_is_summarised(uns: h5py.Group) -> None:
    group = uns.create_group("c")
    group.attrs["encoding-type"] = "categorical"
    group["codes"] = np.zeros(11, np.int8)
    group["categories"] = np.array(["a"], dtype=h5py.string_dtype())
    summary = read_uns(uns, max_values=10)["c"]["summary"]
    assert summary == {"shape": [11], "dtype": "categorical", "first": ["a"] * 10}


def test_a_long_string_is_summarised(uns: h5py.Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uns_module, "MAX_TEXT_BYTES", 200)
    uns["log"] = "x" * 201
    summary = read_uns(uns, max_values=10)["log"]["summary"]
    assert summary == {"shape": [], "dtype": "string", "n_bytes": 201, "first": "x" * 100}


def _reference(uns: h5py.Group) -> None:
    uns.attrs["a"] = 1
    uns.create_dataset("x", data=uns.ref, dtype=h5py.ref_dtype)


def _bad_codes(uns: h5py.Group) -> None:
    group = uns.create_group("x")
    group.attrs["encoding-type"] = "categorical"
    group["codes"] = np.array([5], np.int8)
    group["categories"] = np.array([1])


def _table_without_index(uns: h5py.Group) -> None:
    uns.create_group("x").attrs["encoding-type"] = "dataframe"


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_reference, "uns/x has type reference or nested"),
        (_bad_codes, "code 5 at row 0"),
        (_table_without_index, "no attribute '_index'"),
        (lambda uns: uns.update({"x": np.dtype("f4")}), "uns/x is a named type"),
    ],
    ids=["reference", "code without category", "table without index", "named type"],
)
def test_what_cannot_be_read_is_reported_in_its_place(
    uns: h5py.Group, write: Callable[[h5py.Group], None], reason: str
) -> None:
    write(uns)
    assert reason in read_uns(uns, max_values=10)["x"]["unreadable"]


def test_a_group_of_an_unknown_kind_is_reported_with_its_parts(uns: h5py.Group) -> None:
    uns["x/offsets"] = np.array([0, 1])
    uns["x"].attrs["encoding-type"] = "awkward-array"
    read = read_uns(uns, max_values=10)["x"]
    assert "'awkward-array'" in read["unreadable"]
    assert read["parts"] == {"offsets": [0, 1]}


def test_a_soft_link_cycle_ends_in_an_error(uns: h5py.Group) -> None:
    uns["a/x"] = 1
    uns["b/to_a"] = h5py.SoftLink("/uns/a")
    uns["a/to_b"] = h5py.SoftLink("/uns/b")
    with pytest.raises(UnsafeFileError, match="nested deeper than 32 levels"):
        read_uns(uns, max_values=10)


def test_too_many_values_are_refused(uns: h5py.Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uns_module, "MAX_VALUES", 15)
    uns["a"] = np.arange(8)
    uns["b"] = np.arange(8)
    with pytest.raises(UnsafeFileError, match="uns/b: uns holds more than 15 values"):
        read_uns(uns, max_values=10)


def test_the_images_of_a_visium_file_are_summarised() -> None:
    path = SHARED_DATA / "visium_mouse_brain_49spots.h5ad"
    if not path.exists():
        pytest.skip("the shared data is not here")
    with open_h5ad(path) as h5ad:
        library = h5ad.uns(max_values=1000)["spatial"]["V1_Adult_Mouse_Brain"]
    assert library["images"]["hires"]["summary"]["shape"] == [100, 100, 3]
    assert library["scalefactors"]["spot_diameter_fullres"] == pytest.approx(89.4447604)


ENUMS = {
    "booleans of another tool": ({"False": 0, "True": 1}, [1, 0, 1], [True, False, True]),
    "logicals of R": ({"FALSE": 0, "TRUE": 1, "NA": 2}, [1, 0, 2], [True, False, None]),
    "labels": ({"B cell": 0, "T cell": 5}, [5, 0, 5], ["T cell", "B cell", "T cell"]),
}


@pytest.mark.parametrize(("names", "numbers", "values"), ENUMS.values(), ids=ENUMS.keys())
def test_numbers_with_names_are_what_they_mean(
    uns: h5py.Group, names: dict[str, int], numbers: list, values: list
) -> None:
    uns.create_dataset("x", data=np.array(numbers, np.int8), dtype=h5py.enum_dtype(names, basetype="i1"))
    assert read_uns(uns, max_values=10)["x"] == values


def _opaque(uns: h5py.Group) -> None:
    opaque = h5py.h5t.create(h5py.h5t.OPAQUE, 4)
    opaque.set_tag(b"thing")
    h5py.h5d.create(uns.id, b"x", opaque, h5py.h5s.create_simple((3,)))


def _time(uns: h5py.Group) -> None:
    h5py.h5d.create(uns.id, b"x", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((3,)))


def _bitfield(uns: h5py.Group) -> None:
    bits = h5py.h5d.create(uns.id, b"x", h5py.h5t.STD_B8LE, h5py.h5s.create_simple((3,)))
    bits.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2, 255], "u1"), mtype=h5py.h5t.STD_B8LE)


def _dates(uns: h5py.Group) -> None:
    dates = np.array(["2026-01-01"] * 3, "M8[s]")
    uns.create_dataset("x", data=dates.astype(h5py.opaque_dtype(dates.dtype)))


ODD_TYPES = {
    "opaque": _opaque,
    "time": _time,
    "bitfield": _bitfield,
    "dates": _dates,
    "lists": lambda uns: uns.create_dataset("x", (3,), dtype=h5py.vlen_dtype("i4")),
    "references": lambda uns: uns.create_dataset("x", (3,), dtype=h5py.ref_dtype),
    "regions": lambda uns: uns.create_dataset("x", (3,), dtype=h5py.regionref_dtype),
    "records of references": lambda uns: uns.create_dataset("x", (3,), dtype=[("r", h5py.ref_dtype)]),
    "records of lists": lambda uns: uns.create_dataset("x", (3,), dtype=[("r", h5py.vlen_dtype("i4"))]),
    "records of records": lambda uns: uns.create_dataset(
        "x", (3,), dtype=[("a", [("x", "i4"), ("y", "S3")])]
    ),
    "long doubles": lambda uns: uns.create_dataset("x", (3,), dtype=np.longdouble),
    "long complex numbers": lambda uns: uns.create_dataset("x", (3,), dtype=np.clongdouble),
}


@pytest.mark.parametrize("write", ODD_TYPES.values(), ids=ODD_TYPES.keys())
def test_every_type_of_hdf5_is_read_or_named(uns: h5py.Group, write: Callable[[h5py.Group], Any]) -> None:
    """In `uns`, and as a column, where what is not read must be an error of ours."""
    write(uns)
    read = read_uns(uns, max_values=10)["x"]
    assert json.loads(json.dumps(read, allow_nan=False)) == read
    assert read
    assert _as_column(uns["x"]) in (3, "named")


def _as_column(element: Any) -> int | str:
    try:
        return len(open_column(element, place="obs/x").read())
    except SourceError as error:
        return "named" if "obs/x" in str(error) else str(error)
