from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import (
    C2SError,
    EmptyDatasetError,
    InvalidIdsError,
    MissingColumnError,
    NotAnH5adError,
    UnsafeFileError,
    UnsupportedEncodingError,
)
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import (
    COUNTS,
    add_frame,
    add_parts,
    add_sparse,
    new_h5ad,
    write_counts,
)


def _open(path: Path) -> int:
    with open_h5ad(path) as h5ad:
        return h5ad.n_obs


def test_a_complete_file_opens(tmp_path: Path) -> None:
    with open_h5ad(write_counts(tmp_path / "a.h5ad")) as h5ad:
        assert h5ad.n_obs == 3
        assert h5ad.obs.index().to_list() == ["cell0", "cell1", "cell2"]
        assert h5ad.var.n_rows == 4
        assert h5ad.raw_var is None
        assert list(h5ad.matrices) == ["X"]
        assert h5ad.embeddings() == {}
        assert h5ad.uns(max_values=10) == {}


def test_a_missing_file_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _open(tmp_path / "absent.h5ad")


def test_a_file_that_is_not_hdf5_is_refused_with_its_size(tmp_path: Path) -> None:
    path = tmp_path / "page.h5ad"
    path.write_text("<html>404</html>")
    with pytest.raises(NotAnH5adError, match=r"page\.h5ad \(16 bytes\)"):
        _open(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(NotAnH5adError, match="truncated"):
        _open(path)


@pytest.mark.parametrize("part", ["obs", "var"])
def test_a_file_without_a_dataframe_is_refused(tmp_path: Path, part: str) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        del file[part]
    with pytest.raises(NotAnH5adError, match=f"no {part}"):
        _open(path)


def test_a_file_without_any_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        file["X"] = h5py.Empty("f4")
        file.create_group("layers")
    with pytest.raises(NotAnH5adError, match=r"no X, no raw\.X and no layer"):
        _open(path)


def test_raw_without_var_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        add_sparse(file.create_group("raw"), "X", COUNTS)
    with pytest.raises(NotAnH5adError, match="raw has X but no var"):
        _open(path)


@pytest.mark.parametrize(
    ("n_obs", "n_vars", "said"), [(0, 4, "no cells"), (3, 0, "no features")], ids=["no cells", "no features"]
)
def test_an_empty_dataset_is_refused(tmp_path: Path, n_obs: int, n_vars: int, said: str) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path, n_obs=n_obs, n_vars=n_vars) as file:
        file["X"] = np.zeros((n_obs, n_vars), np.float32)
    with pytest.raises(EmptyDatasetError, match=said):
        _open(path)


def test_obs_without_index_is_refused(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        del file["obs/_index"]
    with pytest.raises(InvalidIdsError, match="obs has no usable index"):
        _open(path)


def test_cells_that_no_stored_byte_can_account_for_are_refused(tmp_path: Path) -> None:
    """A file of a few kilobytes may claim 10**12 cells in chunks that were never written."""
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        del file["obs/_index"]
        file.create_dataset("obs/_index", (10**12,), h5py.string_dtype(), chunks=(1000,), compression="gzip")
    with pytest.raises(UnsafeFileError, match="claims 8,000,000,000,000 bytes"):
        _open(path)


def test_raw_has_features_of_its_own(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        raw = file.create_group("raw")
        add_frame(raw, "var", ["a", "b"])
        add_sparse(raw, "X", COUNTS[:, :2])
    with open_h5ad(path) as h5ad:
        assert h5ad.raw_var is not None
        assert h5ad.raw_var.index().to_list() == ["a", "b"]
        assert h5ad.matrices["raw.X"].shape == (3, 2)
        assert h5ad.matrix("raw.X").rows(0, 1).toarray().tolist() == [[1, 0]]


def test_matrices_are_listed_by_name_even_if_unreadable(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        add_sparse(file, "layers/counts", COUNTS)
        file["layers/odd/awkward"] = 1
        file["layers/none"] = h5py.Empty("f4")
    with open_h5ad(path) as h5ad:
        assert list(h5ad.matrices) == ["X", "layers/counts", "layers/odd"]
        odd = h5ad.matrices["layers/odd"]
        assert odd.encoding == "unsupported"
        assert "layers/odd is a group" in (odd.problem or "")
        with pytest.raises(UnsupportedEncodingError, match="layers/odd"):
            h5ad.matrix("layers/odd")


def test_a_matrix_that_contradicts_itself_is_listed_with_its_problem_and_costs_no_other(
    tmp_path: Path,
) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        add_sparse(file, "layers/short", COUNTS[:2])
        add_sparse(file.create_group("raw"), "X", COUNTS)
    with open_h5ad(path) as h5ad:
        problems = {name: matrix.problem or "" for name, matrix in h5ad.matrices.items()}
        assert h5ad.matrix("X").rows(0, 3).shape == (3, 4)
        with pytest.raises(NotAnH5adError, match="raw has X but no var"):
            h5ad.matrix("raw.X")
    assert problems["X"] == ""
    assert problems["layers/short"].startswith("layers/short has shape (2, 4), but there are 3 cells in obs")
    assert problems["raw.X"].startswith("raw has X but no var")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([], "raw/var has no rows"),
        ([b"x"], "raw.X has shape (3, 4), but there are 3 cells in obs and 1 feat"),
    ],
    ids=["no features", "too few"],
)
def test_features_of_raw_that_do_not_fit_cost_raw_alone(
    tmp_path: Path, names: list[bytes], problem: str
) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        add_frame(file.create_group("raw"), "var", names)
        add_sparse(file["raw"], "X", COUNTS)
    with open_h5ad(path) as h5ad:
        assert (h5ad.matrices["raw.X"].problem or "").startswith(problem)


def test_an_absent_matrix_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with (
        open_h5ad(write_counts(tmp_path / "a.h5ad")) as h5ad,
        pytest.raises(MissingColumnError, match=r"no matrix 'raw\.X'. The file has: X\."),
    ):
        h5ad.matrix("raw.X")


def test_a_damaged_chunk_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        add_sparse(file, "X", COUNTS, chunks=(4,), compression="gzip")
        offset = file["X/data"].id.get_chunk_info(0).byte_offset
    damaged = bytearray(path.read_bytes())
    damaged[offset : offset + 8] = b"\xff" * 8
    path.write_bytes(damaged)
    said = f"X/data: the chunk at byte {offset:,} of the file cannot be inflated"
    with open_h5ad(path) as h5ad, pytest.raises(NotAnH5adError, match=said):
        h5ad.matrix("X").rows(0, 3)


def test_a_file_open_elsewhere_for_reading_opens(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with open_h5ad(path) as first, open_h5ad(path) as second:
        assert first.n_obs == second.n_obs


def test_a_damaged_byte_anywhere_gives_our_error_or_the_data(tmp_path: Path) -> None:
    """HDF5 raises many kinds of errors on damage; none of them may leave the package."""
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        add_parts(file, "X", encoding="csr", shape=(3, 4), data=[1.0], indices=[2], indptr=[0, 1, 1, 1])
    whole = path.read_bytes()
    positions = np.random.default_rng(0).choice(len(whole), size=150, replace=False)
    n_refused = 0
    for position in positions.tolist():
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        n_refused += not _reads_everything(path)
    assert n_refused > 0


def _reads_everything(path: Path) -> bool:
    try:
        with open_h5ad(path) as h5ad:
            h5ad.obs.index()
            h5ad.var.describe()
            h5ad.structure()
            h5ad.uns(max_values=10)
            for name in h5ad.matrices:
                list(h5ad.matrix(name).blocks(rows=2))
    except C2SError:
        return False
    return True
