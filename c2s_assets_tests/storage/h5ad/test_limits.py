from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.sparse import vstack

from c2s_assets.core.errors import InvalidIdsError, SourceError, UnsafeFileError
from c2s_assets.core.settings import LimitSettings
from c2s_assets.storage.h5ad import canonical, frames
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets.storage.h5ad.rehearsal import rehearse
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.bombs import share_text
from c2s_assets_tests.storage.h5ad.files import (
    add_categorical,
    add_frame,
    add_sparse,
    new_h5ad,
    write_counts,
)

TEXT = h5py.string_dtype()


def test_the_settings_have_the_names_of_the_limits() -> None:
    assert list(LimitSettings.model_fields) == [field.name for field in fields(Limits)]
    assert Limits(**LimitSettings().raised()) == Limits()


@pytest.mark.parametrize(
    ("shape", "dtype", "storage"),
    [
        ((10**12,), ">i4", {"chunks": (1024,)}),
        ((2**31,), TEXT, {"chunks": (1024,), "compression": "gzip"}),
        ((3, 10**9), [("x", "f4"), ("y", "S8")], {"chunks": (1, 10_000)}),
    ],
    ids=["other byte order", "text", "records"],
)
def test_values_that_were_never_written_are_refused_before_they_are_read_block_by_block(
    tmp_path: Path, shape: tuple[int, ...], dtype: Any, storage: dict[str, Any]
) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("obs/column", shape, dtype, **storage)
    with open_h5ad(path) as h5ad, pytest.raises(UnsafeFileError, match=r"obs/column claims .* are stored"):
        rehearse(h5ad)


@pytest.mark.parametrize("part", ["obs", "var"])
@pytest.mark.parametrize(
    ("dtype", "storage"),
    [
        ("i1", {"chunks": (65_536,)}),
        ("i4", {}),
        ("S8", {"chunks": (65_536,), "compression": "gzip"}),
        (TEXT, {"chunks": (65_536,)}),
    ],
    ids=["bytes in chunks", "contiguous numbers", "compressed text", "text"],
)
def test_an_index_that_was_never_written_is_refused(
    tmp_path: Path, part: str, dtype: Any, storage: dict[str, Any]
) -> None:
    path = _with_index(
        tmp_path, part, lambda group: group.create_dataset("_index", (10**6,), dtype, **storage)
    )
    with pytest.raises(InvalidIdsError, match=rf"{part}/_index has 1,000,000 rows, but .* not written"):
        _open(path)


def test_an_index_that_is_written_in_part_is_refused(tmp_path: Path) -> None:
    def write(group: h5py.Group) -> None:
        group.create_dataset("_index", (1000,), "i4", chunks=(100,))[:200] = np.arange(200)

    with pytest.raises(InvalidIdsError, match="not written"):
        _open(_with_index(tmp_path, "obs", write))


def test_names_of_too_small_a_type_cannot_all_differ(tmp_path: Path) -> None:
    def write(group: h5py.Group) -> None:
        group.create_dataset("_index", data=np.zeros(10**6, np.int8), chunks=(10**5,), compression="gzip")

    with pytest.raises(InvalidIdsError, match="1,000,000 names of type int8, which cannot all differ"):
        _open(_with_index(tmp_path, "obs", write))


@pytest.mark.parametrize("part", ["obs", "var"])
def test_more_texts_than_the_file_can_hold_are_refused(tmp_path: Path, part: str) -> None:
    """Written, but as zeros: gzip makes a few bytes of a million texts that are nowhere."""

    def write(group: h5py.Group) -> None:
        index = group.create_dataset("_index", (10**6,), TEXT, chunks=(10**6,), compression="gzip")
        index[0] = "cell"

    with pytest.raises(UnsafeFileError, match=r"claims 1,000,000 names, but a file of [\d,]+ bytes cannot"):
        _open(_with_index(tmp_path, part, write))


def test_more_cells_than_the_file_has_bytes_are_refused(tmp_path: Path) -> None:
    def write(group: h5py.Group) -> None:
        group.create_dataset("_index", data=np.zeros(10**6, np.int32), chunks=(10**6,), compression="gzip")

    with pytest.raises(UnsafeFileError, match=r"claims 1,000,000 cells, but the file has only [\d,]+ bytes"):
        _open(_with_index(tmp_path, "obs", write))


def test_a_layer_of_zeros_that_was_never_written_is_fine(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("layers/zeros", (3, 4), "f4", chunks=(3, 4))
    with open_h5ad(path) as h5ad:
        assert h5ad.matrix("layers/zeros").rows(0, 3).nnz == 0


def _columns(file: h5py.File) -> None:
    for number in range(20):
        file[f"obs/column {number}"] = np.zeros(3)


@pytest.mark.parametrize(
    ("limit", "value", "write", "found"),
    [
        ("cells", 2, lambda _: None, "obs claims 3 cells; at most 2"),
        ("features", 3, lambda _: None, "var claims 4 features; at most 3"),
        ("columns", 12, _columns, "obs has 21 columns; at most 12"),
        (
            "columns",
            12,
            lambda file: file["obs"].attrs.create("column-order", [f"{i}" for i in range(13)], dtype=TEXT),
            "'column-order' names 13 columns; at most 12",
        ),
        (
            "layers",
            2,
            lambda file: [file.create_dataset(f"layers/{i}", (3, 4), "f4") for i in range(3)],
            "there are 3 layers; at most 2",
        ),
        ("elements", 15, _columns, "elements or more; at most 15"),
        (
            "chunk_bytes",
            2**20,
            lambda file: file.create_dataset("obsm/X", (3, 2), "f8", chunks=(2**20, 2), maxshape=(None, 2)),
            "/obsm/X has chunks of 16,777,216 bytes; at most 1,048,576",
        ),
    ],
    ids=["cells", "features", "columns", "column-order", "layers", "elements", "chunks"],
)
def test_what_exceeds_a_limit_is_refused_and_can_be_raised(
    tmp_path: Path, limit: str, value: int, write: Callable[[h5py.File], object], found: str
) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        write(file)
    with pytest.raises(UnsafeFileError, match=found) as refused:
        _open(path, Limits(**{limit: value}))
    assert f"limits: {{{limit}: " in str(refused.value)
    _open(path)


def test_large_chunks_that_are_never_read_are_fine(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("obsp/distances", (3,), "f8", chunks=(2**20,), maxshape=(None,))
    _open(path, Limits(chunk_bytes=2**20))


def test_a_name_with_braces_does_not_break_the_message(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("obs/{x}{}", (3,), "f8", chunks=(2**20,), maxshape=(None,))
    with pytest.raises(SourceError, match=r"/obs/\{x\}\{\} has chunks"):
        _open(path, Limits(chunk_bytes=2**20))


def test_texts_that_are_all_one_object_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path, n_obs=2000) as file:
        add_sparse(file, "X", np.ones((2000, 4), np.float32))
        file.create_dataset("obs/note", (2000,), TEXT)[:] = "x"
    share_text(path, "obs/note", b"x" * 50_000)
    with open_h5ad(path) as h5ad, pytest.raises(UnsafeFileError, match="100,000,000 bytes of text"):
        h5ad.obs.read("note")


def test_the_lengths_of_texts_are_known_without_reading_them(tmp_path: Path) -> None:
    texts = np.array(["", "a", "äb", "x" * 1000], object)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("contiguous", data=texts, dtype=TEXT)
        file.create_dataset("chunks", data=texts, dtype=TEXT, chunks=(3,), compression="gzip")
        file.create_dataset("unwritten", (4,), dtype=TEXT, chunks=(3,))
        file.create_dataset("fixed", data=np.array([b"a", b"abc"]))
    with h5py.File(tmp_path / "a.h5", "r", driver="sec2") as file:
        sizes = {name: Array(file[name], name).text_bytes(0, len(file[name])) for name in file}
    found = {name: None if n_bytes is None else n_bytes.tolist() for name, n_bytes in sizes.items()}
    assert found == {
        "contiguous": [0, 1, 3, 1000],
        "chunks": [0, 1, 3, 1000],
        "unwritten": [0, 0, 0, 0],
        "fixed": [3, 3],
    }


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        (Limits(text_bytes=9), "obs/note/categories has a text of 10 bytes; at most 9"),
        (Limits(text_bytes=4), "has a text of 5 bytes; at most 4"),
        (Limits(categories=2), "obs/note has 4 categories; at most 2"),
        (Limits(cell_bytes=5), "obs has 10 bytes per row in the mean; at most 5"),
    ],
    ids=["a category", "an id", "categories", "cells"],
)
def test_obs_is_measured_before_it_is_decoded(tmp_path: Path, limits: Limits, found: str) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        add_categorical(file["obs"], "note", [0, 0, 0], np.array(["ten bytes!", *"abc"], TEXT))
    with open_h5ad(path, limits=limits) as h5ad, pytest.raises(UnsafeFileError, match=found):
        list(h5ad.obs.blocks(["note"], rows=3))


def test_blocks_of_long_texts_have_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        add_categorical(file["obs"], "note", [0, 1, 0], np.array(["ten bytes!", "b"], TEXT))
    monkeypatch.setattr(frames, "_BLOCK_BYTES", 20)
    with open_h5ad(path) as h5ad:
        blocks = [obs["note"].to_list() for _, obs in h5ad.obs.blocks(["note"], rows=100)]
    assert blocks == [["ten bytes!", "b"], ["ten bytes!"]]


def test_uns_is_measured_before_it_is_read(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file["uns/texts"] = np.array(["x" * 100] * 9, TEXT)
        file["uns/numbers"] = np.zeros(100)
    with (
        open_h5ad(path, limits=Limits(uns_bytes=1000)) as h5ad,
        pytest.raises(UnsafeFileError, match="with uns/texts, uns holds 1,700 bytes; at most 1,000"),
    ):
        h5ad.uns(max_values=1000)


def test_a_matrix_of_zeros_that_is_far_larger_than_the_file_is_described_and_not_streamed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path, n_obs=20_000) as file:
        del file["var"]
        add_frame(file, "var", [f"gene{number}" for number in range(60_000)])
        file.create_dataset("X", (20_000, 60_000), "f8", chunks=(64, 60_000))
    with open_h5ad(path) as h5ad:
        assert h5ad.matrices["X"].n_stored == 1_200_000_000
        with pytest.raises(
            UnsafeFileError, match=r"claims 9,600,000,000 bytes .* times as many; at most 2,000"
        ):
            h5ad.matrix("X")


def test_full_rows_come_in_smaller_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5ad"
    dense = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 0], [1, 1, 1, 1]], np.float32)
    with new_h5ad(path, n_obs=5) as file:
        file["X"] = dense
    monkeypatch.setattr(canonical, "MAX_BLOCK_VALUES", 4)
    with open_h5ad(path) as h5ad:
        blocks = list(h5ad.matrix("X").blocks(rows=5))
    assert [start for start, _ in blocks] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(vstack([block for _, block in blocks]).toarray(), dense)


def _with_index(folder: Path, part: str, write: Callable[[h5py.Group], object]) -> Path:
    path = write_counts(folder / "a.h5ad")
    with h5py.File(path, "a") as file:
        del file[part]["_index"]
        write(file[part])
    return path


def _open(path: Path, limits: Limits | None = None) -> None:
    with open_h5ad(path, limits=limits or Limits()):
        pass
