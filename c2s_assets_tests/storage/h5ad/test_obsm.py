"""What obsm may hold besides embeddings."""

import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array

from c2s_assets.core.errors import SourceError
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import add_frame, write_counts

DENSE = np.array([[0, 2.5], [0, 0], [1, 0]], np.float32)


def _with_anndata(path: Path, **obsm: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata = ad.AnnData(X=np.eye(3, dtype=np.float32), obs=pd.DataFrame(index=["a", "b", "c"]))
        for name, values in obsm.items():
            adata.obsm[name] = values
        adata.write_h5ad(path)
    return path


def _add(path: Path, **obsm: Any) -> Path:
    with h5py.File(write_counts(path), "a") as file:
        for name, values in obsm.items():
            file[f"obsm/{name}"] = values
    return path


def _columns(path: Path) -> dict[str, dict[str, list]]:
    with open_h5ad(path) as h5ad:
        return {
            name: {column: opened.read().to_list() for column, opened in table.columns.items()}
            for name, table in h5ad.further_obsm.tables.items()
        }


def test_dataframes_are_tables_of_their_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"CD3": [0.5, np.nan, 2], "n": [1, 2, 3], "lane": pd.Categorical(["x", "y", None])},
        index=["a", "b", "c"],
    )
    path = _with_anndata(tmp_path / "a.h5ad", protein=frame, X_umap=np.zeros((3, 2)))
    assert _columns(path) == {"protein": {"CD3": [0.5, None, 2], "n": [1, 2, 3], "lane": ["x", "y", None]}}
    with open_h5ad(path) as h5ad:
        assert h5ad.embeddings() == {"X_umap": (3, 2)}
        blocks = list(h5ad.further_obsm.tables["protein"].blocks(rows=2, n_obs=3))
    assert [(start, block["n"].to_list()) for start, block in blocks] == [(0, [1, 2]), (2, [3])]


def test_lists_of_one_value_per_cell_are_tables_of_one_column(tmp_path: Path) -> None:
    path = _add(
        tmp_path / "a.h5ad",
        line=np.array([0.5, np.nan, 1]),
        words=np.array(["x", "y", "z"], dtype=h5py.string_dtype()),
        flags=np.array([True, False, True]),
        records=np.array([(1, b"p"), (2, b"q"), (3, b"r")], [("n", "i4"), ("s", "S1")]),
    )
    assert _columns(path) == {
        "flags": {"flags": [True, False, True]},
        "line": {"line": [0.5, None, 1]},
        "records": {"n": [1, 2, 3], "s": ["p", "q", "r"]},
        "words": {"words": ["x", "y", "z"]},
    }


def test_fields_of_a_compound_obsm_are_embeddings_or_columns(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file["obsm"] = np.zeros(3, [("X_pca", "f4", (2,)), ("score", "f4")])
    assert _columns(path) == {"score": {"score": [0, 0, 0]}}


@pytest.mark.parametrize("encode", [csr_array, csc_array])
def test_sparse_matrices_are_read_by_row(tmp_path: Path, encode: Any) -> None:
    path = _with_anndata(tmp_path / "a.h5ad", sp=encode(DENSE))
    with open_h5ad(path) as h5ad:
        assert h5ad.obsm_matrix("sp").rows(0, 3).toarray().tolist() == DENSE.tolist()
        assert h5ad.further_obsm.problems == {}


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    path = _add(
        tmp_path / "a.h5ad",
        short=np.zeros(2),
        words=np.array([[b"a"]] * 3),
        complex=np.zeros(3, complex),
        scalar=5.0,
        null=h5py.Empty("f4"),
        hashes=np.full(3, 2**63, np.uint64),
    )
    with h5py.File(path, "a") as file:
        obsm = file["obsm"]
        obsm.create_group("lists").attrs["encoding-type"] = "awkward-array"
        frame = add_frame(obsm, "frame", ["a", "b", "c"])
        frame["fine"], frame["z"] = np.arange(3), np.zeros(3, complex)
        add_frame(obsm, "empty", ["a", "b", "c"])
        add_frame(obsm, "long", list("abcd"))["x"] = np.arange(4)
        obsm.create_group("sparse").attrs["encoding-type"] = "csr_matrix"
    with open_h5ad(path) as h5ad:
        problems = dict(h5ad.further_obsm.problems)
    said = {
        "complex": "has type complex128",
        "empty": "has 0 columns; from 1 to 4,096 become a table",
        "frame/z": "obsm/frame/z has type complex128",
        "hashes": "9223372036854775808 at row 0",
        "lists": "is a group with encoding 'awkward-array'",
        "long/x": "has 4 rows, but there are 3 cells",
        "null": "has no values",
        "scalar": "has shape ()",
        "short": "has 2 rows, but there are 3 cells",
        "sparse": "the shape attribute is missing",
        "words": "has shape (3, 1)",
    }
    assert {name: why for name, why in problems.items() if said[name] not in why} == {}
    assert sorted(problems) == sorted(said)
    assert _columns(path) == {"frame": {"fine": [0, 1, 2]}}


def test_a_damaged_sparse_matrix_is_an_error_of_ours_when_it_is_read(tmp_path: Path) -> None:
    path = _with_anndata(tmp_path / "a.h5ad", sp=csr_array(DENSE))
    with h5py.File(path, "a") as file:
        file["obsm/sp/indices"][0] = 7
    with open_h5ad(path) as h5ad, pytest.raises(SourceError, match="obsm/sp: cell 0 lists feature 7"):
        h5ad.obsm_matrix("sp").rows(0, 3)
