import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array, vstack

from c2s_assets.core.errors import InvalidMatrixError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad import canonical
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets.storage.h5ad.matrix import MatrixReader
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import COUNTS, add_parts, add_sparse, new_h5ad

ENCODINGS = ["csr", "csc", "dense"]


def _write(path: Path, dense: np.ndarray, encoding: str, **options: Any) -> Path:
    with new_h5ad(path, n_obs=dense.shape[0], n_vars=dense.shape[1]) as file:
        if encoding == "dense":
            options.pop("index_dtype", None)
            dtype = options.pop("dtype", np.float32)
            file.create_dataset("X", data=dense.astype(dtype), **options)
        else:
            add_sparse(file, "X", dense, encoding=encoding, **options)
    return path


def _join(blocks: Iterator[tuple[int, csr_array]]) -> csr_array:
    """Put the blocks together after checking that they follow on each other."""
    pieces = []
    n_rows = 0
    for start, block in blocks:
        assert start == n_rows
        n_rows += block.shape[0]
        pieces.append(block)
    return csr_array(vstack(pieces, format="csr"))


def _parts(matrix: csr_array) -> tuple[list, list, list]:
    return matrix.data.tolist(), matrix.indices.tolist(), matrix.indptr.tolist()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_blocks_cover_all_rows_in_order(tmp_path: Path, encoding: str, rows: int) -> None:
    with open_h5ad(_write(tmp_path / "a.h5ad", COUNTS, encoding)) as h5ad:
        blocks = list(h5ad.matrix("X").blocks(rows=rows))
        assert [block.shape[0] for _, block in blocks] == {1: [1, 1, 1], 2: [2, 1]}.get(rows, [3])
        joined = _join(iter(blocks))
        assert _parts(joined) == ([1, 2, 3, 4], [0, 2, 1, 3], [0, 2, 2, 4])
        for _, block in blocks:
            assert (block.dtype, block.indices.dtype, block.indptr.dtype) == (np.float32, np.int32, np.int32)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_range_of_rows_is_read(tmp_path: Path, encoding: str) -> None:
    with open_h5ad(_write(tmp_path / "a.h5ad", COUNTS, encoding)) as h5ad:
        matrix = h5ad.matrix("X")
        assert matrix.rows(1, 3).toarray().tolist() == COUNTS[1:].tolist()
        assert matrix.rows(2, 2).shape == (0, 4)
        for start, stop in [(-1, 2), (2, 1), (0, 4)]:
            with pytest.raises(ValueError, match="not within"):
                matrix.rows(start, stop)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_block_without_rows_is_the_callers_mistake(tmp_path: Path, encoding: str) -> None:
    with (
        open_h5ad(_write(tmp_path / "a.h5ad", COUNTS, encoding)) as h5ad,
        pytest.raises(ValueError, match="at least one row"),
    ):
        next(h5ad.matrix("X").blocks(rows=0))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_block_is_cut_where_it_would_hold_too_many_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    dense = np.random.default_rng(0).poisson(1, (50, 8)).astype(np.float32)
    monkeypatch.setattr(canonical, "MAX_BLOCK_VALUES", 20)
    with open_h5ad(_write(tmp_path / "a.h5ad", dense, encoding)) as h5ad:
        blocks = list(h5ad.matrix("X").blocks(rows=1000))
        assert len(blocks) > 10
        assert max(block.nnz for _, block in blocks) <= 20
        assert _join(iter(blocks)).toarray().tolist() == dense.tolist()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_negative_values_are_handed_out(tmp_path: Path, encoding: str) -> None:
    with open_h5ad(_write(tmp_path / "a.h5ad", -COUNTS, encoding)) as h5ad:
        assert h5ad.matrix("X").rows(0, 3).toarray().tolist() == (-COUNTS).tolist()


def test_boolean_values_become_ones(tmp_path: Path) -> None:
    with open_h5ad(_write(tmp_path / "a.h5ad", COUNTS, "csr", dtype=bool)) as h5ad:
        assert h5ad.matrix("X").rows(0, 1).toarray().tolist() == [[1, 0, 1, 0]]


def test_big_endian_values_are_read(tmp_path: Path) -> None:
    with open_h5ad(_write(tmp_path / "a.h5ad", COUNTS, "dense", dtype=np.dtype(">f4"))) as h5ad:
        assert h5ad.matrix("X").rows(0, 3).toarray().tolist() == COUNTS.tolist()


def test_unsorted_features_and_explicit_zeros_come_out_canonical(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path, n_obs=2) as file:
        add_parts(
            file,
            "X",
            encoding="csr",
            shape=(2, 4),
            data=[2.0, 0.0, 1.0, -0.0],
            indices=[3, 1, 0, 2],
            indptr=[0, 3, 4],
        )
    with open_h5ad(path) as h5ad:
        assert _parts(h5ad.matrix("X").rows(0, 2)) == ([1, 2], [0, 3], [0, 2, 2])


def test_a_legacy_sparse_matrix_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        group = add_sparse(file, "X", COUNTS)
        for name in ("encoding-type", "shape"):
            del group.attrs[name]
        group.attrs["h5sparse_format"] = "csr"
        group.attrs["h5sparse_shape"] = [3, 4]
    with open_h5ad(path) as h5ad:
        assert h5ad.matrix("X").rows(0, 3).toarray().tolist() == COUNTS.tolist()


def test_the_headers_are_described(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5ad", COUNTS, "csr", index_dtype=np.int64, chunks=(2,), compression="gzip")
    with open_h5ad(path) as h5ad:
        info = h5ad.matrices["X"]
        assert (info.name, info.shape, info.encoding) == ("X", (3, 4), "csr")
        assert (info.dtype, info.index_dtype, info.n_stored) == ("float32", "int64", 4)
        assert (info.chunks, info.compression, info.problem) == ((2,), "gzip", None)
        assert info.size_bytes > 0


# Each takes the parts of a good 2 x 4 matrix: cell 0 has features 0 and 2, cell 1 has features 1 and 3.
GOOD = {
    "shape": (2, 4),
    "data": [1.0, 2.0, 3.0, 4.0],
    "indices": [0, 2, 1, 3],
    "indptr": [0, 2, 4],
}
BAD = {
    "index below zero": ({"indices": [0, 2, -1, 3]}, "X: cell 1 lists feature -1, but there are 4 features"),
    "index too large": ({"indices": [0, 2, 1, 4]}, "X: cell 1 lists feature 4, but there are 4 features"),
    "feature twice": ({"indices": [0, 2, 3, 3]}, "X: cell 1 lists feature 3 twice"),
    "feature twice, apart": (
        {"data": [1.0] * 4, "indices": [1, 0, 2, 1], "indptr": [0, 0, 4]},
        "X: cell 1 lists feature 1 twice",
    ),
    "feature twice, once as a zero": (
        {"data": [1.0, 2.0, 0.0, 4.0], "indices": [0, 2, 3, 3]},
        "X: cell 1 lists feature 3 twice",
    ),
    "NaN": ({"data": [1.0, 2.0, np.nan, 4.0]}, "X: cell 1 has value nan at feature 1"),
    "infinity": ({"data": [1.0, np.inf, 3.0, 4.0]}, "X: cell 0 has value inf at feature 2"),
    "beyond float32": ({"data": np.array([1e300, 1, 1, 1])}, r"X: cell 0 has value 1e\+300 at feature 0"),
    "indptr starts late": ({"indptr": [1, 2, 4]}, "X: indptr starts at 1"),
    "indptr ends early": ({"indptr": [0, 2, 3]}, "X: indptr ends at 3, but there are 4 values"),
    "indptr ends late": ({"indptr": [0, 2, 5]}, "X: indptr ends at 5, but there are 4 values"),
    "indptr falls": (
        {"shape": (3, 4), "indptr": [0, 3, 2, 4]},
        "X: indptr gives cell 1 the values from 3 to 2",
    ),
    "indptr leaves the values": (
        {"shape": (3, 4), "indptr": [0, 1000, 2, 4]},
        "X: indptr gives cell 0 the values from 0 to 1000",
    ),
    "indptr wraps around": (
        {"shape": (3, 4), "indptr": np.array([0, 2**63, 2, 4], np.uint64)},
        "X: indptr gives cell 0 the values from 0 to -",
    ),
    "indptr of another length": ({"indptr": [0, 4]}, r"X has 2 .* in indptr, not 3"),
    "indptr of floats": ({"indptr": [0.0, 2.0, 4.0]}, "X: indptr has type float64"),
    "data of another length": ({"data": [1.0, 2.0]}, "X has 2 values in data but 4 indices"),
    "data of two dimensions": ({"data": np.ones((4, 1))}, r"X: data is of shape \(4, 1\)"),
    "shape of other lengths": ({"shape": (5, 4)}, r"X has shape \(5, 4\), but there are 2 cells"),
    "shape of 10**12": ({"shape": (10**12, 4)}, r"X has shape \(1000000000000, 4\)"),
    "shape of one number": ({"shape": np.array([2])}, "X: the shape attribute is missing, or not two"),
    "shape of text": ({"shape": "2x4"}, "X: the shape attribute is missing, or not two"),
    "more values than entries": (
        {"data": [1.0] * 9, "indices": [0] * 9, "indptr": [0, 4, 9]},
        "X stores 9 values, more than its 2 x 4 entries",
    ),
    "row longer than there are features": (
        {"data": [1.0] * 6, "indices": [0, 1, 2, 3, 0, 1], "indptr": [0, 6, 6]},
        "X: indptr gives cell 0 the values from 0 to 6",
    ),
}


def _bad_csr(path: Path, change: dict) -> Path:
    parts = GOOD | change
    n_obs = 2 if not isinstance(parts["shape"], tuple) or parts["shape"][0] > 4 else parts["shape"][0]
    with new_h5ad(path, n_obs=n_obs) as file:
        add_parts(file, "X", encoding="csr", **parts)
    return path


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD.keys())
def test_a_csr_matrix_that_contradicts_itself_is_refused(tmp_path: Path, change: dict, said: str) -> None:
    with (
        open_h5ad(_bad_csr(tmp_path / "a.h5ad", change)) as h5ad,
        pytest.raises(InvalidMatrixError, match=said),
    ):
        list(h5ad.matrix("X").blocks(rows=10))


def test_a_missing_part_is_refused(tmp_path: Path) -> None:
    path = _bad_csr(tmp_path / "a.h5ad", {})
    with h5py.File(path, "a") as file:
        del file["X/indices"]
    with open_h5ad(path) as h5ad, pytest.raises(InvalidMatrixError, match="X: indices is missing"):
        h5ad.matrix("X")


def test_a_dense_matrix_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        file["X"] = np.zeros((3, 5))
    with open_h5ad(path) as h5ad, pytest.raises(InvalidMatrixError, match=r"X has shape \(3, 5\)"):
        h5ad.matrix("X")


def test_nan_in_a_dense_matrix_is_refused_with_its_place(tmp_path: Path) -> None:
    dense = np.zeros((3, 4))
    dense[2, 1] = np.nan
    with (
        open_h5ad(_write(tmp_path / "a.h5ad", dense, "dense")) as h5ad,
        pytest.raises(InvalidMatrixError, match="X: cell 2 has value nan at feature 1"),
    ):
        list(h5ad.matrix("X").blocks(rows=2))


def test_a_matrix_of_strings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        file["X"] = np.array([[b"a"] * 4] * 3)
    with open_h5ad(path) as h5ad, pytest.raises(UnsupportedEncodingError, match="X holds values of type S1"):
        h5ad.matrix("X")


def test_values_that_were_never_stored_are_refused_before_they_are_allocated(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path, n_obs=1, n_vars=10) as file:
        file.create_dataset("X", (1, 10), "f4", chunks=(1, 10))
    with h5py.File(path, "a") as file:
        del file["var"], file["X"]
        var = file.create_group("var")
        var.attrs["_index"] = "_index"
        # Zeros, of which gzip makes next to nothing, so that there are 100 M features in a small file.
        var.create_dataset("_index", data=np.zeros(10**8, np.int32), chunks=(10**7,), compression="gzip")
        file.create_dataset("X", (1, 10**8), "f4", chunks=(1, 10**6))
    limits = Limits(features=10**8)
    with open_h5ad(path, limits=limits) as h5ad, pytest.raises(UnsafeFileError, match="claims 400,000,000"):
        h5ad.matrix("X").rows(0, 1)


@pytest.mark.parametrize(
    ("rows", "reads"),
    [(1, [(0, 4), (4, 8), (8, 10)]), (3, [(0, 4), (4, 8), (8, 10)]), (9, [(0, 8), (8, 10)])],
)
def test_a_dense_matrix_is_read_along_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, reads: list[tuple[int, int]]
) -> None:
    dense = np.arange(60, dtype=np.float32).reshape(10, 6)
    found = []
    read = Array.read
    monkeypatch.setattr(Array, "read", lambda array, *rows: found.append(rows) or read(array, *rows))
    with open_h5ad(_write(tmp_path / "a.h5ad", dense, "dense", chunks=(4, 3))) as h5ad:
        matrix = h5ad.matrix("X")
        found.clear()
        blocks = list(matrix.blocks(rows=rows))
        assert found == reads
        assert max(block.shape[0] for _, block in blocks) <= rows
        assert _join(iter(blocks)).toarray().tolist() == dense.tolist()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_reader_that_is_abandoned_in_the_middle_lets_the_file_close(tmp_path: Path, encoding: str) -> None:
    with open_h5ad(_write(tmp_path / "a.h5ad", COUNTS, encoding)) as h5ad:
        blocks = h5ad.matrix("X").blocks(rows=1)
        next(blocks)
    blocks.close()


@st.composite
def _stored_matrices(draw: st.DrawFn) -> tuple[np.ndarray, Callable[[h5py.File], None], int]:
    """Draw a small matrix of whole numbers, one of the many ways to store it, and a block size."""
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 6)))
    dense = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 3), fill=st.just(0)))
    zeros = draw(hnp.arrays(np.bool_, shape, fill=st.just(False)))
    encoding = draw(st.sampled_from(ENCODINGS))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.uint16]))
    index_dtype = draw(st.sampled_from([np.int32, np.int64]))
    storage: dict[str, Any] = {"compression": draw(st.sampled_from([None, "gzip", "lzf"]))}
    shuffle = draw(st.randoms(use_true_random=False))
    chunk = draw(st.integers(1, 5))

    def write(file: h5py.File) -> None:
        if encoding == "dense":
            chunks = (min(chunk, shape[0]), min(chunk, shape[1]))
            file.create_dataset("X", data=dense.astype(dtype), chunks=chunks, **storage)
            return
        parts = _store_by_hand(
            dense if encoding == "csr" else dense.T, zeros if encoding == "csr" else zeros.T, shuffle
        )
        if parts["data"]:
            storage["chunks"] = (chunk,)
        typed = {"data": np.array(parts["data"], dtype)}
        typed |= {part: np.array(parts[part], index_dtype) for part in ("indices", "indptr")}
        add_parts(file, "X", encoding=encoding, shape=shape, **typed, **storage)

    return dense, write, draw(st.integers(1, 8))


def _store_by_hand(dense: np.ndarray, zeros: np.ndarray, shuffle: Any) -> dict[str, list]:
    """Compress by rows, with explicit zeros where `zeros` says so, in any order within a row."""
    parts: dict[str, list] = {"data": [], "indices": [], "indptr": [0]}
    for values, is_stored in zip(dense, zeros | (dense != 0), strict=True):
        columns = np.flatnonzero(is_stored).tolist()
        shuffle.shuffle(columns)
        parts["indices"] += columns
        parts["data"] += values[columns].tolist()
        parts["indptr"].append(len(parts["indices"]))
    return parts


@given(_stored_matrices())
@settings(max_examples=150, derandomize=True, deadline=None)
def test_every_encoding_of_a_matrix_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, stored: tuple
) -> None:
    dense, write, rows = stored
    path = tmp_path_factory.getbasetemp() / "every_encoding.h5ad"
    with new_h5ad(path, n_obs=dense.shape[0], n_vars=dense.shape[1]) as file:
        write(file)
    expected = csr_array(dense.astype(np.float32))
    with open_h5ad(path) as h5ad:
        matrix = h5ad.matrix("X")
        blocks = list(matrix.blocks(rows=rows))
        assert max(block.shape[0] for _, block in blocks) <= rows
        assert _parts(_join(iter(blocks))) == _parts(expected)
        assert _parts(matrix.rows(0, dense.shape[0])) == _parts(expected)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_memory_is_bounded_by_the_block_not_by_the_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Twenty times as many cells take about the same memory, well below that of the values."""
    monkeypatch.setattr(canonical, "MAX_BLOCK_VALUES", 20_000)
    monkeypatch.setattr("c2s_assets.storage.h5ad.transpose.STREAM_VALUES", 20_000)
    few, many = (_peak_bytes(tmp_path / f"{n}.h5ad", n, encoding) for n in (1_000, 20_000))
    assert many < 1.5 * few
    assert many < 20_000 * 100 * 4 / 2


def _peak_bytes(path: Path, n_obs: int, encoding: str) -> int:
    dense = np.random.default_rng(0).poisson(1, (n_obs, 100)).astype(np.float32)
    _write(path, dense, encoding, chunks=(500, 10) if encoding == "dense" else (5_000,))
    n_values = np.count_nonzero(dense)
    del dense
    with open_h5ad(path) as h5ad:
        matrix = h5ad.matrix("X")
        tracemalloc.start()
        try:
            assert _count_values(matrix) == n_values
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def _count_values(matrix: MatrixReader) -> int:
    return sum(block.nnz for _, block in matrix.blocks(rows=100))
