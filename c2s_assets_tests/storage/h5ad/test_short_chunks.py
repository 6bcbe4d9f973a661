import zlib
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from c2s_assets.core.errors import UnsafeFileError
from c2s_assets.storage.h5ad.short_chunks import refuse_short_chunks
from c2s_assets.storage.h5ad.survey import survey_h5ad
from c2s_assets_tests.storage.h5ad.files import write_counts

STORAGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "gzip": {"compression": "gzip"},
    "gzip shuffle": {"compression": "gzip", "shuffle": True},
    "gzip shuffle fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "fletcher32": {"fletcher32": True},
    "lzf": {"compression": "lzf"},
    "zstd": dict(hdf5plugin.Zstd()),
    "lz4": dict(hdf5plugin.LZ4()),
    "blosc": dict(hdf5plugin.Blosc()),
    "blosc2": dict(hdf5plugin.Blosc2()),
    "bitshuffle": dict(hdf5plugin.Bitshuffle()),
    "bitshuffle alone": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bzip2": dict(hdf5plugin.BZip2()),
}
UNFIT_FOR_VARIABLE_TEXT = [
    STORAGES[name] for name in ("gzip shuffle fletcher32", "fletcher32", "blosc", "blosc2")
]
VALUES = {
    "text": np.array([b"a word", b"", b"another"] * 40, dtype="S8"),
    "flags": np.arange(120) % 3 == 0,
    "table": (np.arange(120) % 5 == 0).reshape(30, 4),
    "variable text": np.array(["a word", "", "another"] * 40, dtype=h5py.string_dtype()),
    "records": np.array(
        [(b"a", "one", [b"x", b"y"], 1.5)] * 120,
        dtype=[("a", "S3"), ("b", h5py.string_dtype()), ("c", "S2", (2,)), ("d", "f4")],
    ),
}


@pytest.mark.parametrize("storage", STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_whole_chunks_are_let_through(tmp_path: Path, storage: dict[str, Any], values: Any) -> None:
    if values.dtype.kind == "O" and storage in UNFIT_FOR_VARIABLE_TEXT:
        pytest.skip("HDF5 does not write that")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=values, chunks=(16, 4)[: values.ndim], **storage)
        file["texts"] = ["of variable length"] * 5
    with h5py.File(tmp_path / "a.h5") as file:
        refuse_short_chunks(file["a"], place="a")
        refuse_short_chunks(file["texts"], place="texts")
        assert len(file["a"][()]) == len(values)


@pytest.mark.parametrize("storage", STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("n_chunk", [1, 3, 4, 17, 119])
def test_a_chunk_of_fewer_bytes_is_refused(tmp_path: Path, storage: dict[str, Any], n_chunk: int) -> None:
    """HDF5 2.0 gave words that lay in the memory of the process, seen with gzip and with shuffle alone."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        whole = file.create_dataset("whole", data=VALUES["text"][:n_chunk], chunks=(n_chunk,), **storage)
        _, packed = whole.id.read_direct_chunk((0,))
        short = file.create_dataset("a", (120,), "S8", chunks=(120,), **storage)
        short.id.write_direct_chunk((0,), packed)
    with (
        h5py.File(tmp_path / "a.h5") as file,
        pytest.raises(UnsafeFileError, match=r"a: the chunk at byte .* does not hold 960 bytes of values \("),
    ):
        refuse_short_chunks(file["a"], place="a")


@pytest.mark.parametrize("n_bytes", [1, 3, 4])
def test_a_chunk_shorter_than_its_checksum_is_refused(tmp_path: Path, n_bytes: int) -> None:
    """HDF5 2.0 ended the process at one byte, and failed to read four."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        short = file.create_dataset("a", (3,), "S8", chunks=(3,), fletcher32=True)
        short.id.write_direct_chunk((0,), bytes(n_bytes))
    with h5py.File(tmp_path / "a.h5") as file, pytest.raises(UnsafeFileError, match="does not hold 24 bytes"):
        refuse_short_chunks(file["a"], place="a")


def test_a_chunk_of_more_bytes_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", (3,), "S8", chunks=(3,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(10**6)))
    with h5py.File(tmp_path / "a.h5") as file, pytest.raises(UnsafeFileError, match="does not end after 24"):
        refuse_short_chunks(file["a"], place="a")


def test_a_filter_that_says_nothing_of_lengths_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=np.arange(100), chunks=(10,), scaleoffset=0)
    with (
        h5py.File(tmp_path / "a.h5") as file,
        pytest.raises(UnsafeFileError, match="is stored with scaleoffset"),
    ):
        refuse_short_chunks(file["a"], place="a")


WHERE: dict[str, tuple[tuple[int, ...], str]] = {
    "obs/note": ((3,), "S8"),
    "obs/flag": ((3,), "?"),
    "obsm/X_text": ((3, 2), "S8"),
    "uns/note": ((3,), "S8"),
    "uns/table": ((20_000, 2), "f4"),
    "layers/flags": ((3, 4), "?"),
}


@pytest.mark.parametrize("where", WHERE)
def test_the_survey_looks_wherever_hdf5_inflates(tmp_path: Path, where: str) -> None:
    path, (shape, dtype) = write_counts(tmp_path / "a.h5ad"), WHERE[where]
    with h5py.File(path, "r+") as file:
        dataset = file.create_dataset(where, shape, dtype, chunks=shape, compression="gzip")
        dataset.id.write_direct_chunk((0,) * len(shape), zlib.compress(b"x"))
    with pytest.raises(UnsafeFileError, match=f"{where}: the chunk at byte"):
        survey_h5ad(path)
