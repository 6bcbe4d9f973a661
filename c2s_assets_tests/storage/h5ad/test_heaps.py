from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad import heaps
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import write_counts


def _remove_the_size_of_an_object(path: Path, *, of: bytes, header: bytes = bytes(16)) -> None:
    """Overwrite the header before a string so that HDF5 2.0 would stay at it, or one after it, for ever."""
    content = bytearray(path.read_bytes())
    at = content.index(of, content.index(b"GCOL")) - 16
    content[at : at + len(header)] = header
    path.write_bytes(content)


@pytest.mark.parametrize("of", [b"_index\0", b"cell1\0"], ids=["an attribute", "a dataset"])
def test_a_heap_that_hdf5_would_read_for_ever_is_refused(tmp_path: Path, of: bytes) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    _remove_the_size_of_an_object(path, of=of)
    with pytest.raises(NotAnH5adError, match="has an object without size at byte"), open_h5ad(path):
        pass


@pytest.mark.parametrize(
    "header", [b"\x01" + bytes(7) + b"\xf0" + b"\xff" * 7, b"\xff" * 16 + bytes(16)], ids=["to zero", "on"]
)
def test_a_size_that_wraps_around_is_followed_as_hdf5_does(tmp_path: Path, header: bytes) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    _remove_the_size_of_an_object(path, of=b"_index\0", header=header)
    with pytest.raises(NotAnH5adError, match="has an object without size at byte"), open_h5ad(path):
        pass


@pytest.mark.parametrize("piece", [100, 4 * 2**20])
def test_a_heap_is_found_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(heaps, "_PIECE_BYTES", piece)
    monkeypatch.setattr(heaps, "_MIN_BULK_BYTES", 1_000)
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        for n in range(5):
            file[f"uns/contiguous{n}"] = np.arange(1_000)
            file.create_dataset(f"uns/chunked{n}", data=np.arange(1_000), chunks=(100,))
            file[f"uns/texts{n}"] = [f"{n} {'x' * 100} {row}" for row in range(50)]
    with open_h5ad(path) as h5ad:
        assert len(h5ad.uns(max_values=1_000)["texts4"]) == 50
    _remove_the_size_of_an_object(path, of=b"4 xxx")
    with pytest.raises(NotAnH5adError, match="has an object without size at byte"), open_h5ad(path):
        pass


def test_a_text_that_looks_like_a_heap_is_read(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file["uns/bytes"] = np.frombuffer(b"GCOL\x01\0\0\0" + b"\xff" * 8 + b"GCOL\x01", np.uint8)
        file["uns/end"] = np.frombuffer(b"GCOL\x01\0\0\0", np.uint8)
    with open_h5ad(path) as h5ad:
        assert len(h5ad.uns(max_values=100)["bytes"]) == 21
