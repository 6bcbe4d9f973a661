"""Small files that claim, or inflate to, far more than they hold: one function per class.

Each has a size that a test can afford, and one at which the class was first found to take all memory. Every
file is an honest dataset but for one part, so that it is that part which is judged.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TEXT = h5py.string_dtype()
GZIP: Mapping[str, Any] = {"compression": "gzip", "compression_opts": 1}
MILLION = 10**6


@dataclass(frozen=True)
class Bomb:
    """One class: `write` makes the file, `small` and `large` are its sizes."""

    write: Callable[[Path, int], None]
    small: int
    large: int


def write_bomb(path: Path, name: str, *, is_large: bool = False) -> Path:
    """Write the file of a class."""
    bomb = BOMBS[name]
    bomb.write(path, bomb.large if is_large else bomb.small)
    return path


def _base(file: h5py.File, *, n_obs: int = 60, n_vars: int = 40) -> None:
    """Write an honest dataset: ids, four donors with ages, symbols, and counts of one gene per cell."""
    obs, var = _frame(file, "obs"), _frame(file, "var")
    _ids(obs, "cell", n_obs)
    donors = np.arange(n_obs) % 4
    _categorical(obs, "donor_id", donors, [f"donor_{donor}" for donor in range(4)])
    stages = [f"{age}-year-old stage" for age in (20, 35, 50, 65)]
    _categorical(obs, "development_stage", donors, stages)
    _ids(var, "GENE", n_vars)
    _csr(file, "X", np.arange(n_obs + 1), np.arange(n_obs) % n_vars, n_vars=n_vars)


def _frame(parent: h5py.Group, name: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    group.attrs.create("column-order", np.array([], "S1").astype(TEXT), dtype=TEXT)
    return group


def _ids(frame: h5py.Group, prefix: str, n_rows: int) -> None:
    ids = np.char.add(prefix, np.arange(1, n_rows + 1).astype("S8").astype(str)).astype("S")
    frame.create_dataset("_index", data=ids, chunks=True, **GZIP)


def _categorical(frame: h5py.Group, name: str, codes: Any, categories: list[str]) -> None:
    group = frame.create_group(name)
    group.attrs["encoding-type"] = "categorical"
    group.create_dataset("codes", data=np.asarray(codes, np.int8), chunks=True, **GZIP)
    group.create_dataset("categories", data=np.array(categories, object), dtype=TEXT)


def _csr(file: h5py.File, name: str, indptr: Any, indices: Any, *, n_vars: int) -> None:
    group = file.create_group(name)
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
    group.attrs["shape"] = np.array([len(indptr) - 1, n_vars])
    group.create_dataset("indptr", data=np.asarray(indptr, np.int64), chunks=True, **GZIP)
    group.create_dataset("indices", data=np.asarray(indices, np.int32), chunks=True, **GZIP)
    group.create_dataset("data", data=np.ones(len(indices), np.float32), chunks=True, **GZIP)


def _written(change: Callable[[h5py.File, int], None], **base: int) -> Callable[[Path, int], None]:
    """Make an honest file, then change it."""

    def write(path: Path, size: int) -> None:
        with h5py.File(path, "w", libver="latest") as file:
            _base(file, **base)
            change(file, size)

    return write


def _sized(change: Callable[[h5py.File, int], None]) -> Callable[[Path, int], None]:
    """Make an honest file of as many cells as the size says, then change it."""

    def write(path: Path, size: int) -> None:
        with h5py.File(path, "w", libver="latest") as file:
            _base(file, n_obs=size)
            change(file, size)

    return write


def _replace_index(part: str, **storage: Any) -> Callable[[h5py.File, int], None]:
    def change(file: h5py.File, size: int) -> None:
        del file[part]["_index"]
        file[part].create_dataset("_index", (size,), **storage)
        _unwritten_matrix(file, obs=size if part == "obs" else 60, var=size if part == "var" else 40)

    return change


def _unwritten_matrix(file: h5py.File, *, obs: int, var: int) -> None:
    del file["X"]
    file.create_dataset("X", (obs, var), "f4", chunks=(min(obs, 64), min(var, 2**16)))


def _index_of_zeros(file: h5py.File, size: int) -> None:
    del file["obs/_index"]
    _filled(file["obs"], "_index", size, np.int32(0))
    _unwritten_matrix(file, obs=size, var=40)


def _index_of_no_texts(file: h5py.File, size: int) -> None:
    del file["obs/_index"]
    index = file["obs"].create_dataset("_index", (size,), TEXT, chunks=(MILLION,), **GZIP)
    for start in range(0, size, MILLION):
        index[start] = "cell"
    _unwritten_matrix(file, obs=size, var=40)


def _filled(group: h5py.Group, name: str, size: int, value: Any) -> None:
    """Write one value everywhere, a chunk of which is a thousandth of its size; each chunk is packed once."""
    n_chunk = min(size, 2**22)
    dataset = group.create_dataset(name, (size,), value.dtype, chunks=(n_chunk,), **GZIP)
    dataset[:n_chunk] = np.full(n_chunk, value)
    mask, packed = dataset.id.read_direct_chunk((0,))
    for start in range(n_chunk, size, n_chunk):
        dataset.id.write_direct_chunk((start,), packed, mask)


def _long_category(file: h5py.File, size: int) -> None:
    _categorical(file["obs"], "note", np.zeros(size), ["x" * MILLION])


def _middling_category(file: h5py.File, size: int) -> None:
    _categorical(file["obs"], "note", np.zeros(size), ["x" * 60_000])


def _long_title(file: h5py.File, _: int) -> None:
    for name in ("title", "citation", "organism", "licence"):
        file[f"uns/{name}"] = "10.1000/" + "x" * 900_000


def share_text(path: Path, place: str, text: bytes) -> None:
    """Let all texts of a contiguous dataset, which has one per row, be the one object of the heap."""
    with h5py.File(path, "a") as file:
        file[place][0] = text
        offset, n_rows = file[place].id.get_offset(), file[place].shape[0]
    with path.open("r+b") as raw:
        raw.seek(offset)
        reference = raw.read(16)
        raw.seek(offset)
        raw.write(reference * n_rows)


def _shared_texts(place: str, text_bytes: int) -> Callable[[Path, int], None]:
    def write(path: Path, size: int) -> None:
        with h5py.File(path, "w") as file:
            _base(file, n_obs=size if place.startswith("obs") else 60)
            if place in file:
                del file[place]
            file.create_dataset(place, (size,), TEXT)[:] = "x"
        share_text(path, place, b"x" * text_bytes)

    return write


def _uns_groups(file: h5py.File, size: int) -> None:
    for number in range(size):
        file.create_group(f"uns/{number}")


def _uns_deep(file: h5py.File, size: int) -> None:
    group = file.create_group("uns")
    for _ in range(size):
        group = group.create_group("d")


def _uns_arrays(file: h5py.File, size: int) -> None:
    for number in range(size):
        file.create_dataset(f"uns/{number}", (10_000,), "f8", chunks=(10_000,), **GZIP)


def _uns_frames(file: h5py.File, size: int) -> None:
    for number in range(size):
        frame = _frame(file, f"uns/{number}")
        frame.create_dataset("_index", (10_000,), "i4", chunks=(10_000,))
        for column in range(10):
            frame.create_dataset(f"c{column}", (10_000,), "f8", chunks=(10_000,), **GZIP)


def _many_columns(part: str) -> Callable[[h5py.File, int], None]:
    def change(file: h5py.File, size: int) -> None:
        n_rows = file[part]["_index"].shape[0]
        for number in range(size):
            file[part].create_dataset(f"column{number}", (n_rows,), "f8")

    return change


def _column_order(file: h5py.File, size: int) -> None:
    del file["obs"].attrs["column-order"]
    file["obs"].attrs["column-order"] = np.arange(size).astype("S8")


def _many_layers(file: h5py.File, size: int) -> None:
    for number in range(size):
        file.create_dataset(f"layers/l{number}", (60, 40), "f4", chunks=(60, 40))


def _obsm_axes(file: h5py.File, size: int) -> None:
    file.create_dataset("obsm/X_wide", (20_000, size), "f8", chunks=(20_000, 1))


def _obsm_many(file: h5py.File, size: int) -> None:
    for number in range(size):
        file.create_dataset(f"obsm/X_{number}", (60, 2), "f4")


def _dense_ones(file: h5py.File, size: int) -> None:
    _wide(file, "X", n_obs=600, n_vars=size)


def _wide(file: h5py.File, name: str, *, n_obs: int, n_vars: int) -> None:
    """Write a dense matrix of ones, packed once."""
    _resize(file, n_obs=n_obs, n_vars=n_vars)
    dataset = file.create_dataset(name, (n_obs, n_vars), "f4", chunks=(1, n_vars), **GZIP)
    dataset[0] = np.ones(n_vars, np.float32)
    mask, packed = dataset.id.read_direct_chunk((0, 0))
    for row in range(1, n_obs):
        dataset.id.write_direct_chunk((row, 0), packed, mask)


def _resize(file: h5py.File, *, n_obs: int, n_vars: int) -> None:
    file.clear()
    _base(file, n_obs=n_obs, n_vars=n_vars)
    del file["X"]


def _csr_ones(file: h5py.File, size: int) -> None:
    _sparse_ones(file, "csr", n_major=600, n_minor=size)


def _csc_ones(file: h5py.File, size: int) -> None:
    _sparse_ones(file, "csc", n_major=size // 600, n_minor=600)


def _sparse_ones(file: h5py.File, encoding: str, *, n_major: int, n_minor: int) -> None:
    is_csr = encoding == "csr"
    _resize(file, n_obs=n_major if is_csr else n_minor, n_vars=n_minor if is_csr else n_major)
    group = file.create_group("X")
    group.attrs["encoding-type"] = f"{encoding}_matrix"
    group.attrs["shape"] = np.array([n_major, n_minor] if is_csr else [n_minor, n_major])
    group["indptr"] = np.arange(n_major + 1) * n_minor
    n_rows = max(1, 2**20 // n_minor)  # of a chunk
    one_chunk = np.tile(np.arange(n_minor, dtype=np.int32), n_rows)
    for name, values in (("indices", one_chunk), ("data", np.ones(len(one_chunk), np.float32))):
        shape = (n_major * n_minor,)
        dataset = group.create_dataset(name, shape, values.dtype, chunks=values.shape, **GZIP, shuffle=True)
        dataset[: len(values)] = values[: shape[0]]
        mask, packed = dataset.id.read_direct_chunk((0,))
        for start in range(len(values), shape[0], len(values)):
            dataset.id.write_direct_chunk((start,), packed, mask)


def _first_cells_full(file: h5py.File, size: int) -> None:
    """One cell in a thousand lists every feature, the first ones."""
    _resize(file, n_obs=10_000, n_vars=size)
    full = 100
    indptr = np.minimum(np.arange(10_001), full) * size
    _csr(file, "X", indptr, np.tile(np.arange(size, dtype=np.int32), full), n_vars=size)


def _large_chunks(place: str, *, shape: tuple[int, ...] = (60,)) -> Callable[[h5py.File, int], None]:
    """Store a few values in a chunk of `size` bytes, which a file may whose arrays can grow."""

    def change(file: h5py.File, size: int) -> None:
        for number in range(10):
            _in_one_chunk(file, f"{place}{number}", shape, "f8", n_bytes=size)

    return change


def _columns_of_one_chunk(file: h5py.File, size: int) -> None:
    """Store ten columns of `size` values in chunks of 256 MB, of which a block of cells needs a part."""
    for number in range(10):
        _in_one_chunk(file, f"obs/column{number}", (size,), "f8", n_bytes=2**28)


def _large_chunks_of_x(file: h5py.File, size: int) -> None:
    del file["X"]
    group = file.create_group("X")
    group.attrs.update({"encoding-type": "csr_matrix", "shape": np.array([60, 40])})
    for name, n_values in (("indptr", 61), ("indices", 0), ("data", 0)):
        _in_one_chunk(file, f"X/{name}", (n_values,), "i8", n_bytes=size)


def _in_one_chunk(file: h5py.File, place: str, shape: tuple[int, ...], dtype: str, *, n_bytes: int) -> None:
    chunks = (n_bytes // 8 // prod(shape[1:]), *shape[1:])
    dataset = file.create_dataset(place, shape, dtype, chunks=chunks, maxshape=(None, *shape[1:]), **GZIP)
    if shape[0]:
        dataset.id.write_direct_chunk((0,) * len(shape), _packed_zeros(prod(chunks) * 8))


@lru_cache
def _packed_zeros(n_bytes: int) -> bytes:
    packer = zlib.compressobj(1)
    pieces = [packer.compress(bytes(min(2**24, n_bytes - at))) for at in range(0, n_bytes, 2**24)]
    return b"".join(pieces) + packer.flush()


def _many_chunks(file: h5py.File, size: int) -> None:
    """Chunks of one value, of a column and of the bounds of the matrix."""
    file["obs"].create_dataset("n", data=np.arange(size), chunks=(1,))


def _large_attribute(file: h5py.File, size: int) -> None:
    for place in ("obs", "obs/donor_id", "X", "/"):
        file[place].attrs["encoding-version"] = np.zeros(size // 4, np.int32)
    file.create_group("uns").attrs["encoding-type"] = "x" * size


def _raw_and_x(file: h5py.File, size: int) -> None:
    del file["X"]
    file.create_dataset("X", (60, 40), "f4", chunks=(60, 40))
    raw_var = _frame(file.require_group("raw"), "var")
    _ids(raw_var, "GENE", size)
    file.create_dataset("raw/X", (60, size), "f4", chunks=(1, size))


def _unwritten_both(file: h5py.File, size: int) -> None:
    del file["X"]
    file.create_dataset("X", (size, 40), "f8", chunks=(1024, 40))
    _ids(_frame(file.require_group("raw"), "var"), "GENE", 100_000)
    file.create_dataset("raw/X", (size, 100_000), "f4", chunks=(64, 10_000))


def _many_categories(file: h5py.File, size: int) -> None:
    group = file.create_group("obs/note")
    group.attrs["encoding-type"] = "categorical"
    group["codes"] = np.zeros(60, np.int8)
    categories = group.create_dataset("categories", (size,), TEXT, chunks=(MILLION,), **GZIP)
    for start in range(0, size, MILLION):
        categories[start] = "category"


def _long_fixed_texts(file: h5py.File, size: int) -> None:
    n_chunk = 256
    dtype = np.dtype("S60000")
    dataset = file["obs"].create_dataset("note", (size,), dtype, chunks=(n_chunk,), **GZIP)
    dataset[:n_chunk] = np.full(n_chunk, b"x" * 60_000, dtype)
    mask, packed = dataset.id.read_direct_chunk((0,))
    for start in range(n_chunk, size, n_chunk):
        dataset.id.write_direct_chunk((start,), packed, mask)


def _long_symbols(file: h5py.File, size: int) -> None:
    symbols = np.array([f"{number}{'A' * size}" for number in range(40)], object)
    # Of a type that is named: of one that h5py finds out, HDF5 2.0 writes a file that it cannot read.
    file["var"].create_dataset("feature_name", data=symbols, dtype=TEXT)


BOMBS: Mapping[str, Bomb] = {
    "index unwritten": Bomb(
        _written(_replace_index("obs", dtype="i1", chunks=(65_536,))), 200 * MILLION, 200 * MILLION
    ),
    "features unwritten": Bomb(
        _written(_replace_index("var", dtype="i1", chunks=(65_536,))), 10 * MILLION, 10 * MILLION
    ),
    "index of texts unwritten": Bomb(
        _written(_replace_index("obs", dtype=TEXT, chunks=(65_536,))), 30 * MILLION, 30 * MILLION
    ),
    "index of zeros": Bomb(_written(_index_of_zeros), 40 * MILLION, 40 * MILLION),
    "index of no texts": Bomb(_written(_index_of_no_texts), 5 * MILLION, 40 * MILLION),
    "category of 1 MB": Bomb(_sized(_long_category), 10_000, MILLION),
    "category of 60 kB": Bomb(_sized(_middling_category), 10_000, MILLION),
    "title of 900 kB": Bomb(_sized(_long_title), 10_000, 200_000),
    "one text for all cells": Bomb(_shared_texts("obs/note", MILLION), 10_000, MILLION),
    "one text of 60 kB for all cells": Bomb(_shared_texts("obs/note", 60_000), 10_000, MILLION),
    "one id for all cells": Bomb(_shared_texts("obs/_index", 60_000), 10_000, 200_000),
    "one text all over uns": Bomb(_shared_texts("uns/note", MILLION), 9_000, 9_000),
    "groups in uns": Bomb(_written(_uns_groups), 21_000, 90_000),
    "nested uns": Bomb(_written(_uns_deep), 1_000, 1_000),
    "arrays in uns": Bomb(_written(_uns_arrays), 100, 15_000),
    "data frames in uns": Bomb(_written(_uns_frames), 10, 1_500),
    "columns of obs": Bomb(_written(_many_columns("obs")), 3_000, 30_000),
    "columns of obs within the limit": Bomb(
        _sized(lambda file, _: _many_columns("obs")(file, 1_900)), 100, 50_000
    ),
    "columns of var": Bomb(_written(_many_columns("var")), 3_000, 30_000),
    "names in column-order": Bomb(_written(_column_order), MILLION, MILLION),
    "layers": Bomb(_written(_many_layers), 1_000, 19_000),
    "axes of obsm": Bomb(_written(_obsm_axes, n_obs=20_000), 4_096, 4_096),
    "arrays of obsm": Bomb(_written(_obsm_many), 1_000, 15_000),
    "dense ones": Bomb(_written(_dense_ones), 100_000, MILLION),
    "CSR ones": Bomb(_written(_csr_ones), 100_000, MILLION),
    "CSC ones": Bomb(_written(_csc_ones), 10 * MILLION, 600 * MILLION),
    "first cells full": Bomb(_written(_first_cells_full), 50_000, MILLION),
    "large chunks of obs": Bomb(_written(_large_chunks("obs/column")), 2**26, 2**28),
    "larger chunks of obs": Bomb(_written(_large_chunks("obs/column")), 2**28 + 8, 2**32 - 8),
    "columns of one chunk": Bomb(_sized(_columns_of_one_chunk), 70_000, MILLION),
    "large chunks of obsm": Bomb(_written(_large_chunks("obsm/X_", shape=(60, 2))), 2**24, 2**28),
    "large chunks of X": Bomb(_written(_large_chunks_of_x), 2**26, 2**28),
    "chunks of one value": Bomb(_sized(_many_chunks), 50_000, MILLION),
    "large attributes": Bomb(_written(_large_attribute), 2**24, 2**26),
    "features of raw": Bomb(_written(_raw_and_x), MILLION, MILLION),
    "X and raw unwritten": Bomb(_sized(_unwritten_both), 20_000, 200_000),
    "categories": Bomb(_written(_many_categories), 10 * MILLION, 100 * MILLION),
    "fixed texts": Bomb(_sized(_long_fixed_texts), 5_120, 102_400),
    "symbols of 60 kB": Bomb(_written(_long_symbols), 60_000, 60_000),
}
