"""Files that are compressed as a whole with filters that HDF5 itself lacks."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from c2s_assets.core.errors import UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.toy import write_toy_h5ad

COMPRESSIONS: dict[str, dict[str, Any]] = {
    "bitshuffle": dict(hdf5plugin.Bitshuffle()),
    "bitshuffle and zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "blosc": dict(hdf5plugin.Blosc()),
    "blosc2": dict(hdf5plugin.Blosc2()),
    "bzip2": dict(hdf5plugin.BZip2()),
    "lz4": dict(hdf5plugin.LZ4()),
    "zstd": dict(hdf5plugin.Zstd()),
    "zstd behind shuffle": dict(hdf5plugin.Zstd(), shuffle=True),
}

DIVIDING = {plugin.filter_id for plugin in (hdf5plugin.Bitshuffle, hdf5plugin.Blosc, hdf5plugin.Blosc2)}


def compress_whole(source: Path, target: Path, **options: Any) -> Path:
    """Write a file again with every dataset that can have chunks in chunks under the given filters."""
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name: str, element: Any) -> None:
            if isinstance(element, h5py.Group):
                new.create_group(name).attrs.update(element.attrs)
                return
            # These divide by the size of a value, and a text of any length has none.
            is_left = element.dtype.kind == "O" and options["compression"] in DIVIDING
            how = {} if element.shape == () or 0 in element.shape or is_left else options
            chunks = tuple(min(size, 16) for size in element.shape) if how else None
            new.create_dataset(name, data=element[()], dtype=element.dtype, chunks=chunks, **how)
            new[name].attrs.update(element.attrs)

        old.visititems(copy)
    return target


def everything(path: Path) -> dict[str, Any]:
    """Read all columns, values, embeddings and uns of a file."""
    with open_h5ad(path) as h5ad:
        frames = {"obs": h5ad.obs, "var": h5ad.var, "raw": h5ad.raw_var}
        found: dict[str, Any] = {
            f"{part}/{name}": frame.read(name).to_list()
            for part, frame in frames.items()
            if frame is not None
            for name in frame.names
        }
        found |= {part: frame.index().to_list() for part, frame in frames.items() if frame is not None}
        found |= {name: h5ad.matrix(name).rows(0, h5ad.n_obs).toarray().tolist() for name in h5ad.matrices}
        found |= {name: h5ad.read_embedding(name).tolist() for name in h5ad.embeddings()}
        return found | {"uns": h5ad.uns(max_values=100)}


@pytest.mark.parametrize("options", COMPRESSIONS.values(), ids=COMPRESSIONS.keys())
@pytest.mark.parametrize("encoding", ["csr", "dense"])
def test_a_file_compressed_as_a_whole_is_read_like_any_other(
    tmp_path: Path, options: dict[str, Any], encoding: Any
) -> None:
    uns = {"numbers": np.arange(40), "words": np.array(["a", "b"] * 20, dtype=object)}
    plain = write_toy_h5ad(tmp_path / "plain.h5ad", encoding=encoding, uns=uns)
    packed = compress_whole(plain, tmp_path / "packed.h5ad", **options)
    assert everything(packed) == everything(plain)


@pytest.mark.parametrize("code", sorted(DIVIDING))
def test_a_filter_that_would_divide_by_nothing_is_refused(tmp_path: Path, code: int) -> None:
    """On a text of any length, whose size it takes for 0, its library ends the process."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        text = h5py.h5t.py_create(h5py.string_dtype(), logical=True)
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((4,))
        properties.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (0, 0))
        dataset = h5py.h5d.create(file.id, b"x", text, h5py.h5s.create_simple((4,)), properties)
        dataset.write_direct_chunk((0,), bytes(24))
        with pytest.raises(UnsupportedEncodingError, match=r"x is compressed with b.*, whose parameters"):
            Array(file["x"], "x").read()


_READ = """
import sys
from pathlib import Path
from c2s_assets.storage.h5ad.source import open_h5ad
with open_h5ad(Path(sys.argv[1])) as h5ad:
    print(h5ad.obs.read("donor_id")[1], "hdf5plugin" in sys.modules)
"""


@pytest.mark.parametrize("name", ["plain", "packed"])
def test_the_filters_are_loaded_by_a_file_that_needs_them_only(tmp_path: Path, name: str) -> None:
    """In a process of its own: the tests themselves have loaded them."""
    write_toy_h5ad(tmp_path / "plain.h5ad")
    compress_whole(tmp_path / "plain.h5ad", tmp_path / "packed.h5ad", **hdf5plugin.Zstd())
    read = subprocess.run(
        [sys.executable, "-c", _READ, str(tmp_path / f"{name}.h5ad")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert read.stdout.split() == ["donor_1", str(name == "packed")]
