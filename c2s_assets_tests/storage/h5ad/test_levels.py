"""Categories of which nothing but their name says whose they are: SeuratDisk, and AnnData 0.6."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest

from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import COUNTS, add_categorical, add_sparse, new_h5ad

R_NA = -(2**31)


def _texts(*values: str) -> np.ndarray:
    return np.array(values, dtype=h5py.string_dtype())


def _obs(path: Path, codes: Any, levels: Any) -> Path:
    """Write obs as SeuratDisk does: no encoding of a column, no reference to its levels."""
    with new_h5ad(path) as file:
        add_sparse(file, "X", COUNTS)
        file["obs/c"] = codes
        file["obs/__categories/c"] = levels
        file["obs"].attrs["column-order"] = _texts("c")
    return path


LEVELS = {
    "codes": (np.array([1, 0, 1], np.int32), ["b", "a", "b"]),
    "codes of one byte": (np.array([1, 0, 1], np.uint8), ["b", "a", "b"]),
    "NA of R": (np.array([1, R_NA, 0], np.int32), ["b", None, "a"]),
    "NA of R in 64 bits": (np.array([1, R_NA, 0], np.int64), ["b", None, "a"]),
    "NA of R in one byte": (np.array([1, -128, 0], np.int8), ["b", None, "a"]),
    "NA of AnnData": (np.array([1, -1, 0], np.int32), ["b", None, "a"]),
    "nothing but NA": (np.array([R_NA] * 3, np.int32), [None, None, None]),
    "numbers beyond the levels": (np.array([0, 1, 2], np.int32), [0, 1, 2]),
    "numbers below -1": (np.array([0, 1, -2], np.int32), [0, 1, -2]),
    "one number beyond, and NA": (np.array([0, 7, R_NA], np.int32), [0, 7, None]),
    "floats": (np.array([0.0, 1.0, 0.5]), [0.0, 1.0, 0.5]),
    "texts": (_texts("x", "y", "z"), ["x", "y", "z"]),
}


@pytest.mark.parametrize(("codes", "values"), LEVELS.values(), ids=LEVELS.keys())
def test_levels_beside_a_column_are_its_categories_where_every_code_fits(
    tmp_path: Path, codes: np.ndarray, values: list
) -> None:
    with open_h5ad(_obs(tmp_path / "a.h5ad", codes, _texts("a", "b"))) as h5ad:
        assert h5ad.obs.names == ["c"]
        assert h5ad.obs.read("c").to_list() == values
        (_, block), *_ = h5ad.obs.blocks(["c"], rows=2)
        assert block["c"].to_list() == values[:2]


def test_levels_may_be_numbers(tmp_path: Path) -> None:
    with open_h5ad(_obs(tmp_path / "a.h5ad", np.array([1, 0, -1]), np.array([0.5, 2.5]))) as h5ad:
        assert h5ad.obs.read("c").to_list() == [2.5, 0.5, None]


@pytest.mark.parametrize("levels", [np.zeros((2, 2)), np.array([1j, 2j])], ids=["a table", "complex"])
def test_levels_that_are_no_list_of_values_are_passed_over(tmp_path: Path, levels: np.ndarray) -> None:
    with open_h5ad(_obs(tmp_path / "a.h5ad", np.array([1, 0, 1]), levels)) as h5ad:
        assert h5ad.obs.read("c").to_list() == [1, 0, 1]


def test_var_and_raw_var_have_levels_too(tmp_path: Path) -> None:
    with new_h5ad(tmp_path / "a.h5ad") as file:
        add_sparse(file, "X", COUNTS)
        add_sparse(file, "raw/X", COUNTS)
        file.copy("var", "raw/var")
        for frame in ("var", "raw/var"):
            file[f"{frame}/kind"] = np.array([0, 1, R_NA, 1], np.int32)
            file[f"{frame}/__categories/kind"] = _texts("gene", "peak")
    with open_h5ad(tmp_path / "a.h5ad") as h5ad:
        for frame in (h5ad.var, h5ad.raw_var):
            assert frame is not None
            assert frame.names == ["kind"]
            assert frame.read("kind").to_list() == ["gene", "peak", None, "peak"]


def test_a_column_that_refers_to_its_categories_does_not_need_them_to_be_beside_it(tmp_path: Path) -> None:
    path = _obs(tmp_path / "a.h5ad", np.array([1, 0, 1], np.int8), _texts("a", "b"))
    with h5py.File(path, "a") as file:
        file["obs/__categories/other"] = _texts("x", "y")
        file["obs/c"].attrs["categories"] = file["obs/__categories/other"].ref
    with open_h5ad(path) as h5ad:
        assert h5ad.obs.read("c").to_list() == ["y", "x", "y"]


def test_the_group_of_levels_is_no_column_even_if_it_is_listed(tmp_path: Path) -> None:
    path = _obs(tmp_path / "a.h5ad", np.array([1, 0, 1]), _texts("a", "b"))
    with h5py.File(path, "a") as file:
        file["obs"].attrs["column-order"] = _texts("__categories", "c")
    with open_h5ad(path) as h5ad:
        assert (h5ad.obs.names, h5ad.obs.absent) == (["c"], [])


def test_na_of_r_is_null_among_integers_without_an_encoding(tmp_path: Path) -> None:
    """AnnData says how a column is encoded, and where it does the lowest number is a number."""
    with new_h5ad(tmp_path / "a.h5ad") as file:
        add_sparse(file, "X", COUNTS)
        for name in ("of_r", "of_anndata"):
            file[f"obs/{name}"] = np.array([1, R_NA, 3], np.int32)
        file["obs/of_anndata"].attrs["encoding-type"] = "array"
        file["obs/wide"] = np.array([1, R_NA, 3], np.int64)
    with open_h5ad(tmp_path / "a.h5ad") as h5ad:
        assert h5ad.obs.read("of_r").to_list() == [1, None, 3]
        assert h5ad.obs.read("of_r").dtype == pl.Int32
        assert h5ad.obs.read("of_anndata").to_list() == [1, R_NA, 3]
        assert h5ad.obs.read("wide").to_list() == [1, R_NA, 3]


def test_na_of_r_is_null_in_a_categorical_of_anndata(tmp_path: Path) -> None:
    with new_h5ad(tmp_path / "a.h5ad") as file:
        add_sparse(file, "X", COUNTS)
        group = add_categorical(file["obs"], "c", [0, 0, 0], _texts("a", "b"))
        del group["codes"]
        group["codes"] = np.array([1, R_NA, -1], np.int32)
    with open_h5ad(tmp_path / "a.h5ad") as h5ad:
        assert h5ad.obs.read("c").to_list() == ["b", None, None]


def _legacy(path: Path, **categories: Any) -> Path:
    """Write obs and var as AnnData 0.6 did; both have a column `batch`."""
    with h5py.File(path, "w") as file:
        add_sparse(file, "X", COUNTS)
        file["obs"] = np.array([(b"c0", 0), (b"c1", 1), (b"c2", -1)], [("index", "S2"), ("batch", "i1")])
        file["var"] = np.array(
            [(b"g0", 1), (b"g1", 0), (b"g2", 1), (b"g3", 0)], [("index", "S2"), ("batch", "i1")]
        )
        for name, values in categories.items():
            file[f"uns/{name}_categories"] = values
    return path


def test_obs_and_var_of_anndata_0_6_share_categories(tmp_path: Path) -> None:
    with open_h5ad(_legacy(tmp_path / "a.h5ad", batch=_texts("x", "y"))) as h5ad:
        assert h5ad.obs.read("batch").to_list() == ["x", "y", None]
        assert h5ad.var.read("batch").to_list() == ["y", "x", "y", "x"]


@pytest.mark.parametrize(
    ("category", "value"), [("x", "x"), (7, 7), (b"x", "x")], ids=["text", "number", "bytes"]
)
def test_the_only_category_of_anndata_0_6_is_a_scalar(tmp_path: Path, category: Any, value: Any) -> None:
    path = _legacy(tmp_path / "a.h5ad", batch=category)
    with h5py.File(path, "a") as file:
        del file["obs"]
        file["obs"] = np.array([(b"c0", 0), (b"c1", 0), (b"c2", -1)], [("index", "S2"), ("batch", "i1")])
    with open_h5ad(path) as h5ad:
        assert h5ad.obs.read("batch").to_list() == [value, value, None]
        assert h5ad.var.read("batch").to_list() == [1, 0, 1, 0]
