from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import MissingColumnError, NotAnH5adError
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import add_frame, write_counts


def _write(path: Path, **obsm: object) -> Path:
    write_counts(path)
    with h5py.File(path, "a") as file:
        for name, values in obsm.items():
            file[f"obsm/{name}"] = values
    return path


def test_numeric_arrays_of_two_axes_or_more_are_embeddings(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "a.h5ad",
        X_pca=np.arange(6, dtype=np.float32).reshape(3, 2),
        images=np.zeros((3, 2, 2), np.uint8),
        line=np.zeros(3),
        words=np.array([[b"a"]] * 3),
    )
    with h5py.File(path, "a") as file:
        add_frame(file["obsm"], "table", ["a", "b", "c"])
    with open_h5ad(path) as h5ad:
        assert h5ad.embeddings() == {"X_pca": (3, 2), "images": (3, 2, 2)}
        assert h5ad.read_embedding("X_pca").tolist() == [[0, 1], [2, 3], [4, 5]]
        assert h5ad.read_embedding("X_pca").dtype == np.float32
        assert h5ad.read_embedding("images").dtype == np.uint8


def test_rows_of_an_embedding_are_read_alone(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "a.h5ad", X_pca=np.arange(6.0).reshape(3, 2), images=np.arange(12).reshape(3, 2, 2)
    )
    with open_h5ad(path) as h5ad:
        assert h5ad.read_embedding("X_pca", 1, 2).tolist() == [[2, 3]]
        assert h5ad.read_embedding("images", 2).tolist() == [[[8, 9], [10, 11]]]
        assert h5ad.read_embedding("X_pca", 2, 9).tolist() == [[4, 5]]


def test_fields_of_a_compound_obsm_are_embeddings(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    records = np.zeros(3, [("X_pca", ">f4", (2,)), ("score", "f4")])
    records["X_pca"][1] = [5, 6]
    with h5py.File(path, "a") as file:
        file["obsm"] = records
    with open_h5ad(path) as h5ad:
        assert h5ad.embeddings() == {"X_pca": (3, 2)}
        assert h5ad.read_embedding("X_pca").tolist() == [[0, 0], [5, 6], [0, 0]]


def test_an_absent_embedding_is_refused_with_those_there_are(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5ad", X_pca=np.zeros((3, 2)))
    with (
        open_h5ad(path) as h5ad,
        pytest.raises(MissingColumnError, match=r"no embedding 'X_umap'. It has: X_pca\."),
    ):
        h5ad.read_embedding("X_umap")


def test_an_embedding_of_other_cells_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5ad", X_pca=np.zeros((5, 2)))
    with (
        open_h5ad(path) as h5ad,
        pytest.raises(NotAnH5adError, match="obsm/X_pca has 5 rows, but there are 3"),
    ):
        h5ad.read_embedding("X_pca")
