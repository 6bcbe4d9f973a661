import warnings
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from c2s_assets.core.errors import InvalidIdsError, MissingColumnError, NotAnH5adError
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.frames import ColumnInfo, Frame, open_frame
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import (
    COUNTS,
    add_categorical,
    add_frame,
    add_masked,
    add_sparse,
    new_h5ad,
)


@pytest.fixture
def file(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def _frame(file: h5py.File) -> Frame:
    return open_frame(file["obs"], place="obs", legacy_categories={})


def test_columns_come_in_stored_order_and_unlisted_ones_after(file: h5py.File) -> None:
    obs = add_frame(file, "obs", ["a", "b"], column_order=("z", "y", "gone"))
    for name in ("z", "y", "unlisted2", "unlisted1"):
        obs[name] = np.array([1, 2])
    obs["__categories/z"] = np.array([1])
    frame = _frame(file)
    assert frame.names == ["z", "y", "unlisted1", "unlisted2"]
    assert frame.absent == ["gone"]
    assert frame.n_rows == 2


def test_a_name_with_a_slash_is_one_column(file: h5py.File) -> None:
    obs = add_frame(file, "obs", ["a", "b"], column_order=("CD4/CD8",))
    obs["CD4/CD8"] = np.array([1, 2])
    frame = _frame(file)
    assert frame.names == ["CD4/CD8"]
    assert frame.read("CD4/CD8").to_list() == [1, 2]


@pytest.mark.parametrize("name", ["/X", ".", "../X", ""])
def test_a_listed_name_that_is_a_path_elsewhere_is_not_followed(file: h5py.File, name: str) -> None:
    file["X"] = np.array([1, 2])
    add_frame(file, "obs", ["a", "b"], column_order=(name,))
    assert _frame(file).names == []
    assert _frame(file).absent == [name]


def test_every_column_is_described_also_the_unreadable(file: h5py.File) -> None:
    obs = add_frame(file, "obs", ["a", "b"], column_order=("donor", "age", "matrix", "short", "gone"))
    add_categorical(obs, "donor", [0, 0], np.array(["d"], dtype=h5py.string_dtype()))
    add_masked(obs, "age", "nullable-integer", np.array([1, 2], np.int16), [False, True])
    obs["matrix"] = np.zeros((2, 2))
    obs["short"] = np.array([1])
    donor, age, matrix, short, gone = _frame(file).describe()
    assert donor == ColumnInfo("donor", "categorical", "int8", 1, None)
    assert age == ColumnInfo("age", "nullable-integer", "int16", None, None)
    assert "shape (2, 2)" in (matrix.problem or "")
    assert "obs/short has 1 values, but the index '_index' has 2" in (short.problem or "")
    assert gone == ColumnInfo("gone", None, None, None, "listed in column-order, but not in the file")


def test_an_absent_column_is_refused_with_those_there_are(file: h5py.File) -> None:
    obs = add_frame(file, "obs", ["a"])
    obs["sex"] = np.array([1])
    obs["age"] = np.array([1])
    with pytest.raises(MissingColumnError, match=r"obs has no column 'donor_id'. It has: age, sex\."):
        _frame(file).read("donor_id")


def test_a_long_list_of_columns_is_cut_in_the_message(file: h5py.File) -> None:
    obs = add_frame(file, "obs", ["a"])
    for number in range(60):
        obs[f"c{number:02}"] = np.array([1])
    with pytest.raises(MissingColumnError, match="c49 and 10 more"):
        _frame(file).read("donor_id")


def test_a_column_of_another_length_is_refused(file: h5py.File) -> None:
    add_frame(file, "obs", ["a", "b"])["age"] = np.array([1, 2, 3])
    with pytest.raises(NotAnH5adError, match="obs/age has 3 values"):
        _frame(file).read("age")


def test_numbers_as_index_become_strings(file: h5py.File) -> None:
    obs = add_frame(file, "obs", [])
    del obs["_index"]
    obs["_index"] = np.array([10, 2])
    assert _frame(file).index().to_list() == ["10", "2"]


def test_an_index_may_be_categorical(file: h5py.File) -> None:
    obs = add_frame(file, "obs", [])
    del obs["_index"]
    add_categorical(obs, "_index", [1, 0], np.array(["a", "b"], dtype=h5py.string_dtype()))
    assert _frame(file).index().to_list() == ["b", "a"]


def test_a_missing_name_in_the_index_is_refused_with_its_row(file: h5py.File) -> None:
    obs = add_frame(file, "obs", [])
    del obs["_index"]
    names = np.array(["a", ""], dtype=h5py.string_dtype())
    add_masked(obs, "_index", "nullable-string-array", names, [False, True])
    with pytest.raises(InvalidIdsError, match=r"row 1 of the index '_index' is missing \(1 of 2 rows"):
        _frame(file).index()


def test_an_index_that_names_no_column_is_refused(file: h5py.File) -> None:
    add_frame(file, "obs", ["a"]).attrs["_index"] = "barcode"
    with pytest.raises(InvalidIdsError, match="obs has no column 'barcode'"):
        _frame(file).index()


def test_an_index_of_two_dimensions_is_refused(file: h5py.File) -> None:
    obs = add_frame(file, "obs", [])
    del obs["_index"]
    obs["_index"] = np.zeros((2, 2))
    with pytest.raises(InvalidIdsError, match=r"obs/_index has shape \(2, 2\)"):
        _ = _frame(file).n_rows


def test_a_frame_that_does_not_say_which_column_is_its_index_is_refused(file: h5py.File) -> None:
    del add_frame(file, "obs", ["a"]).attrs["_index"]
    with pytest.raises(InvalidIdsError, match="obs has no attribute '_index'"):
        _frame(file)


def test_a_frame_that_is_a_plain_array_is_refused(file: h5py.File) -> None:
    file["obs"] = np.array([1, 2])
    with pytest.raises(NotAnH5adError, match="obs is neither a group nor a table"):
        _frame(file)


def test_a_compound_frame_finds_its_categories_in_uns(file: h5py.File) -> None:
    file["obs"] = np.array(
        [(b"c0", 1, 5, 0.5), (b"c1", -1, 6, np.nan)],
        dtype=[("index", "S2"), ("louvain", "i1"), ("n_genes", "i8"), ("score", "f4")],
    )
    file["uns/louvain_categories"] = np.array([b"T", b"B"])
    categories = {"louvain": Array(file["uns/louvain_categories"], "uns/louvain_categories")}
    frame = open_frame(file["obs"], place="obs", legacy_categories=categories)
    assert frame.names == ["louvain", "n_genes", "score"]
    assert frame.index().to_list() == ["c0", "c1"]
    assert frame.read("louvain").to_list() == ["B", None]
    assert frame.read("n_genes").to_list() == [5, 6]
    assert frame.read("score").to_list() == [0.5, None]
    assert frame.describe()[0] == ColumnInfo("louvain", "categorical (0.6)", "int8", 2, None)


def test_what_anndata_writes_is_what_is_read(tmp_path: Path) -> None:
    obs = pd.DataFrame(
        {
            "text": ["q", "r"],
            "category": pd.Categorical(["u", None]),
            "number": [1.5, np.nan],
            "count": pd.array([1, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "plain_flag": [True, False],
        },
        index=["c1", "c2"],
    )
    path = tmp_path / "a.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ad.AnnData(X=np.eye(2, dtype=np.float32), obs=obs).write_h5ad(path)
    with open_h5ad(path) as h5ad:
        assert {name: h5ad.obs.read(name).to_list() for name in h5ad.obs.names} == {
            "text": ["q", "r"],
            "category": ["u", None],
            "number": [1.5, None],
            "count": [1, None],
            "flag": [True, None],
            "plain_flag": [True, False],
        }
        assert h5ad.obs.index().to_list() == ["c1", "c2"]


def test_a_column_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    with new_h5ad(tmp_path / "a.h5ad") as file:
        add_sparse(file, "X", COUNTS)
        obs = file["obs"]
        obs["fine"] = np.array([1, 2, 3])
        obs["fits"] = np.array([1, 2, 2**63 - 1], np.uint64)
        obs["hash"] = np.array([1, 2**63, 2], np.uint64)
        obs["latin"] = np.array([b"a", b"caf\xe9", b"b"], dtype=h5py.string_dtype())
        obs["short"] = np.array([1, 2])
        obs["z"] = np.array([1j, 2j, 3j])
        add_categorical(obs, "beyond", [0, 5, 0], np.array(["a"], dtype=h5py.string_dtype()))
        add_categorical(obs, "hashes", [0, 1, 0], np.array([2**63, 1], np.uint64))
    with open_h5ad(tmp_path / "a.h5ad") as h5ad:
        found = {column.name: (column.problem, values) for column, values in h5ad.obs.read_each()}
    assert list(found) == ["beyond", "fine", "fits", "hash", "hashes", "latin", "short", "z"]
    assert found["fine"][1].to_list() == [1, 2, 3]
    assert found["fits"][1].to_list() == [1, 2, 2**63 - 1]
    problems = {name: problem for name, (problem, values) in found.items() if values is None}
    assert {name: problem.split(".")[0] for name, problem in problems.items()} == {
        "beyond": "obs/beyond/codes has code 5 at row 1, but there are 1 categories",
        "hash": "obs/hash has 9223372036854775808 at row 1; the largest integer that a table holds is "
        "9223372036854775807",
        "hashes": "obs/hashes has 9223372036854775808 at row 0; the largest integer that a table holds is "
        "9223372036854775807",
        "latin": "obs/latin has b'caf\\xe9' at row 1, which is not UTF-8",
        "short": "obs/short has 2 values, but the index '_index' has 3",
        "z": "obs/z has type complex128",
    }
