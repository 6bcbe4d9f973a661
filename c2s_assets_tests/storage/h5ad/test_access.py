from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad import access
from c2s_assets.storage.h5ad.access import (
    Array,
    open_member,
    read_attribute,
    read_name_list_attribute,
    read_shape_attribute,
    read_text_attribute,
)


@pytest.fixture
def file(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        yield file


def test_a_range_of_the_first_axis_is_read(file: h5py.File) -> None:
    array = Array(file.create_dataset("x", data=np.arange(6).reshape(3, 2)), "x")
    assert array.read(1, 3).tolist() == [[2, 3], [4, 5]]
    assert array.read().shape == (3, 2)


def test_one_field_of_a_compound_dataset_is_read(file: h5py.File) -> None:
    records = np.array([(1, [1.0, 2.0]), (2, [3.0, 4.0])], dtype=[("n", "i4"), ("xy", "f4", (2,))])
    dataset = file.create_dataset("x", data=records)
    assert Array(dataset, "x", field="n").read(1, 2).tolist() == [2]
    assert Array(dataset, "x", field="xy").shape == (2, 2)
    assert Array(dataset, "x", field="xy").read().tolist() == [[1, 2], [3, 4]]
    assert Array(dataset, "x").dtype_name == "compound(n: int32, xy: float32[2])"


def test_the_first_values_are_read_along_the_last_axis(file: h5py.File) -> None:
    array = Array(file.create_dataset("x", data=np.arange(6).reshape(2, 3)), "x")
    assert array.read_first(2).tolist() == [0, 1]
    assert array.read_first(10).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, None),
        ({"chunks": (2,)}, None),
        ({"compression": "gzip", "shuffle": True}, "gzip"),
        ({"compression": "lzf"}, "lzf"),
    ],
    ids=["contiguous", "chunked", "gzip behind shuffle", "lzf"],
)
def test_the_compression_is_named(file: h5py.File, options: dict, name: str | None) -> None:
    assert Array(file.create_dataset("x", data=np.arange(4), **options), "x").compression == name


@pytest.mark.parametrize(
    ("code", "name"), [(32013, "zfp"), (4_711, "HDF5 filter 4711")], ids=["known by name", "unknown"]
)
def test_a_filter_that_is_not_read_is_named_with_the_way_out(file: h5py.File, code: int, name: str) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    properties.set_filter(code, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT32, space, properties)
    with pytest.raises(UnsupportedEncodingError, match=f"x is compressed with {name}, .*compression='gzip'"):
        Array(file["x"], "x").read()


def test_a_chunk_that_inflates_to_too_much_is_refused(file: h5py.File) -> None:
    dataset = file.create_dataset("x", (2**31,), "u1", chunks=(2**31,), compression="gzip")
    with pytest.raises(UnsafeFileError, match="chunks of 2,147,483,648 bytes"):
        Array(dataset, "x").read(0, 1)


def test_values_that_were_never_stored_are_refused_before_they_are_allocated(file: h5py.File) -> None:
    dataset = file.create_dataset("x", (10**12,), "f8", chunks=(1000,))
    with pytest.raises(UnsafeFileError, match="claims 8,000,000,000,000 bytes of values, but only 0 bytes"):
        Array(dataset, "x").read()
    assert Array(dataset, "x").read(0, 2).tolist() == [0, 0]


def test_an_enormous_attribute_is_refused(file: h5py.File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_ATTRIBUTE_BYTES", 100_000)
    file.attrs["huge"] = np.zeros(200_000, np.uint8)
    with pytest.raises(UnsafeFileError, match="'huge' has 200,000 bytes"):
        read_attribute(file, "huge", place="obs")


def test_an_attribute_that_should_be_text_and_is_not_is_refused(file: h5py.File) -> None:
    file.attrs["encoding-type"] = [1, 2]
    with pytest.raises(NotAnH5adError, match="'encoding-type' is array"):
        read_text_attribute(file, "encoding-type", place="X")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (np.array(["b", "a"], dtype=h5py.string_dtype()), ["b", "a"]),
        (np.array([b"b", b"a"]), ["b", "a"]),
        (np.array([], dtype=np.float64), []),
        (h5py.Empty("f4"), []),
    ],
    ids=["strings", "fixed-length bytes", "empty list as anndata 0.7 wrote it", "null"],
)
def test_a_list_of_names_is_read(file: h5py.File, value: object, names: list[str]) -> None:
    file.attrs["column-order"] = value
    assert read_name_list_attribute(file, "column-order", place="obs") == names


def test_a_list_of_names_that_holds_numbers_is_refused(file: h5py.File) -> None:
    file.attrs["column-order"] = [1, 2]
    with pytest.raises(NotAnH5adError, match="not a list of names"):
        read_name_list_attribute(file, "column-order", place="obs")


@pytest.mark.parametrize(
    "value", [[1], [1.0, 2.0], [-1, 2], "3x4", [[1, 2]]], ids=["one", "floats", "negative", "text", "2-D"]
)
def test_a_shape_that_is_not_two_sizes_is_none(file: h5py.File, value: object) -> None:
    file.attrs["shape"] = value
    assert read_shape_attribute(file, "shape", place="X") is None


def test_a_member_that_is_not_there_is_none(file: h5py.File) -> None:
    assert open_member(file, "absent", place="") is None


def test_a_list_of_variable_length_is_never_read(file: h5py.File) -> None:
    """HDF5 crashes on damaged ones, so that h5py must not be asked for their values."""
    lists = h5py.vlen_dtype(np.int32)
    dataset = file.create_dataset("x", (1,), dtype=[("n", "i4"), ("list", lists)])
    with pytest.raises(UnsupportedEncodingError, match="x has type compound"):
        Array(dataset, "x").read()
    h5py.h5a.create(file.id, b"odd", h5py.h5t.py_create(lists), h5py.h5s.create(h5py.h5s.SCALAR))
    with pytest.raises(UnsupportedEncodingError, match="'odd' is neither number, text nor reference"):
        read_attribute(file, "odd", place="obs")


def test_a_float_that_numpy_cannot_hold_is_refused(file: h5py.File) -> None:
    """h5py raises ValueError for it, where it raises TypeError for other types; a damaged byte makes one."""
    odd = h5py.h5t.IEEE_F64LE.copy()
    odd.set_ebias(2**40)
    h5py.h5d.create(file.id, b"x", odd, h5py.h5s.create_simple((3,)))
    with pytest.raises(UnsupportedEncodingError, match="x has an HDF5 type that numpy does not know"):
        Array(file["x"], "x").read()
