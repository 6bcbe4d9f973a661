"""What is read past HDF5 must be what HDF5 reads."""

import gc
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.errors import NotAnH5adError
from c2s_assets.storage.h5ad import chunks
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.chunks import ChunkedValues, KeptChunks
from c2s_assets.storage.h5ad.stored import open_stored

FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "shuffle": {"shuffle": True},
    "gzip": {"compression": "gzip"},
    "gzip behind shuffle": {"compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
    "lzf behind shuffle": {"compression": "lzf", "shuffle": True},
    "zstd": dict(hdf5plugin.Zstd()),
    "lz4": dict(hdf5plugin.LZ4()),
    "lz4 in blocks": dict(hdf5plugin.LZ4(nbytes=64)),
    "blosc lz4": dict(hdf5plugin.Blosc(cname="lz4")),
    "blosc zstd": dict(hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.BITSHUFFLE)),
    "blosc blosclz": dict(hdf5plugin.Blosc(cname="blosclz")),
    "blosc zlib": dict(hdf5plugin.Blosc(cname="zlib", shuffle=hdf5plugin.Blosc.NOSHUFFLE)),
}
DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def _write(path: Path, values: Any, *, userblock: int = 0, **storage: Any) -> Path:
    with h5py.File(path, "w", userblock_size=userblock) as file:
        file.create_dataset("x", data=values, **storage)
    return path


def _numbers(shape: tuple[int, ...], dtype: str, *, noisy: bool, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if noisy:
        # Bytes that no compression makes smaller, so that some filters store them as they are.
        return np.frombuffer(rng.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)
    return rng.poisson(1, shape).astype(dtype)


@st.composite
def _datasets(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any], tuple[int, int]]:
    """Draw numbers, a way to store them, and a range of rows."""
    shape = tuple(draw(st.lists(st.integers(1, 150), min_size=1, max_size=2)))
    values = _numbers(
        shape, draw(st.sampled_from(DTYPES)), noisy=draw(st.booleans()), seed=draw(st.integers(0, 99))
    )
    storage = FILTERS[draw(st.sampled_from(sorted(FILTERS)))]
    if storage or draw(st.booleans()):
        storage = storage | {"chunks": tuple(draw(st.integers(max(1, n // 9), n)) for n in shape)}
    start = draw(st.integers(0, shape[0] - 1))
    return values, storage, (start, draw(st.integers(start + 1, shape[0])))


@given(_datasets(), st.sampled_from([0, 512]))
@settings(max_examples=250, derandomize=True, deadline=None)
def test_what_is_read_past_hdf5_is_what_hdf5_reads(
    tmp_path_factory: pytest.TempPathFactory, stored: tuple, userblock: int
) -> None:
    values, storage, (start, stop) = stored
    path = tmp_path_factory.getbasetemp() / "past_hdf5.h5"
    with h5py.File(_write(path, values, userblock=userblock, **storage)) as file:
        past_hdf5 = open_stored(file["x"], place="x")
        assert past_hdf5 is not None
        read = past_hdf5.read(start, stop)
        assert (read.dtype, read.shape) == (values.dtype, (stop - start, *values.shape[1:]))
        assert read.tobytes() == file["x"][start:stop].tobytes() == values[start:stop].tobytes()
        assert past_hdf5.read(0, len(values)).tobytes() == values.tobytes()


@given(st.sets(st.integers(0, 5)), st.integers(0, 10), st.integers(1, 11), st.sampled_from([None, "gzip"]))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_chunks_that_were_never_written_hold_the_fill_value(
    tmp_path_factory: pytest.TempPathFactory, written: set[int], start: int, n: int, compression: str | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "holes.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "x", (11, 3), "i4", chunks=(4, 2), fillvalue=-7, compression=compression
        )
        for chunk in written:
            down, across = divmod(chunk, 2)
            dataset[down * 4 : down * 4 + 4, across * 2 : across * 2 + 2] = chunk
    with h5py.File(path) as file:
        read = open_stored(file["x"], place="x").read(start, min(start + n, 11))
        assert read.tolist() == file["x"][start : start + n].tolist()


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_every_kind_of_chunk_index_is_read(tmp_path: Path, version: str) -> None:
    """B-trees in old files; in new ones single chunks, arrays that grow or not, and implicit indices."""
    values = np.arange(30, dtype="f4").reshape(10, 3)
    with h5py.File(tmp_path / "a.h5", "w", libver=version) as file:
        for compression in (None, "gzip"):
            for maxshape in (None, (None, 3), (None, None)):
                for chunk in ((10, 3), (4, 2)):
                    name = f"{compression}{maxshape}{chunk}"
                    file.create_dataset(
                        name, data=values, chunks=chunk, maxshape=maxshape, compression=compression
                    )
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((4, 2))
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((10, 3))
        h5py.h5d.create(file.id, b"implicit", h5py.h5t.NATIVE_FLOAT, space, properties)
        file["implicit"][...] = values
    with h5py.File(tmp_path / "a.h5") as file:
        assert len(file) == 13
        for name, dataset in file.items():
            assert open_stored(dataset, place=name).read(3, 10).tolist() == values[3:].tolist(), name


@pytest.mark.parametrize(
    ("values", "storage"),
    [
        (np.arange(4, dtype=">i4"), {"chunks": (2,), "compression": "gzip"}),
        (np.array([True, False]), {"chunks": (1,)}),
        (np.array([b"a", b"b"]), {}),
        (np.zeros((2, 2, 2)), {}),
        (np.zeros((0, 2)), {}),
        (np.float32(1), {}),
        (np.arange(4), {"chunks": (2,), "fletcher32": True}),
        (np.arange(4), {"chunks": (2,), "compression": "gzip", "scaleoffset": 0, "shuffle": True}),
        (np.arange(4), {"chunks": (2,)} | dict(hdf5plugin.Bitshuffle())),
    ],
    ids=[
        "big-endian",
        "boolean",
        "text",
        "three axes",
        "no values",
        "scalar",
        "fletcher32",
        "scaleoffset",
        "bitshuffle",
    ],
)
def test_what_is_unusual_is_left_to_hdf5(tmp_path: Path, values: Any, storage: dict) -> None:
    with h5py.File(_write(tmp_path / "a.h5", values, **storage)) as file:
        assert open_stored(file["x"], place="x") is None
        assert Array(file["x"], "x").read().tolist() == np.asarray(values).tolist()


def test_integers_of_fewer_bits_are_left_to_hdf5(tmp_path: Path) -> None:
    narrow = h5py.h5t.STD_I32LE.copy()
    narrow.set_precision(24)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5py.h5d.create(file.id, b"x", narrow, h5py.h5s.create_simple((3,)))
        file["x"][...] = [1, 2, -3]
    with h5py.File(tmp_path / "a.h5") as file:
        assert open_stored(file["x"], place="x") is None
        assert Array(file["x"], "x").read().tolist() == [1, 2, -3]


def test_a_file_that_is_being_written_is_left_to_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("x", data=np.arange(4))
        assert open_stored(dataset, place="x") is None


def test_values_that_were_never_written_are_left_to_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (3,), "f4", fillvalue=2)
    with h5py.File(tmp_path / "a.h5") as file:
        assert open_stored(file["x"], place="x") is None
        assert Array(file["x"], "x").read().tolist() == [2, 2, 2]


def test_a_range_beyond_the_end_is_cut_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5", np.arange(5), chunks=(2,))
    with h5py.File(path) as file:
        array = Array(file["x"], "x")
        assert array.read(3, 99).tolist() == [3, 4]
        assert array.read(2, 2).tolist() == []
        assert array.read(99).tolist() == []
        assert array.read_first(3).tolist() == [0, 1, 2]


def test_a_chunk_that_several_reads_share_is_inflated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a.h5", np.arange(100), chunks=(50,), compression="gzip")
    with h5py.File(path) as file:
        values = open_stored(file["x"], place="x")
        assert isinstance(values, ChunkedValues)
        offsets = []
        read = values._disk.read
        monkeypatch.setattr(values._disk, "read", lambda *at: offsets.append(at) or read(*at))
        joined = np.concatenate([values.read(start, start + 5) for start in range(0, 100, 5)])
        assert joined.tolist() == list(range(100))
        assert len(offsets) == 2


def test_chunks_of_many_columns_are_kept_only_as_far_as_their_bytes_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptChunks(2 * 800)
    monkeypatch.setattr(chunks, "_KEPT", kept)
    path = _write(tmp_path / "a.h5", np.arange(100), chunks=(100,), compression="gzip")
    with h5py.File(path) as file:
        columns = [open_stored(file["x"], place="x") for _ in range(4)]
        for start in range(0, 100, 50):
            assert [column.read(start, start + 50).sum() for column in columns] == [
                sum(range(start, start + 50))
            ] * 4
            held = [kept.find(column, 0) is not None for column in columns]
            assert held == ([True, True, False, False] if start == 0 else [False] * 4)


def test_a_reader_that_is_gone_leaves_its_room_to_others() -> None:
    kept, chunk = KeptChunks(8), np.zeros(1)
    gone, reader = _Reader(), _Reader()
    kept.keep(gone, 0, chunk)
    kept.keep(reader, 0, chunk)
    assert kept.find(reader, 0) is None
    del gone
    kept.keep(reader, 0, chunk)
    assert kept.find(reader, 0) is chunk


class _Reader:
    """Whoever keeps a chunk."""


def test_large_chunks_are_not_all_inflated_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_MAX_INFLATING_BYTES", 100)
    monkeypatch.setattr(chunks, "_threads", lambda _: pytest.fail("more than one thread"))
    path = _write(tmp_path / "a.h5", np.arange(100), chunks=(20,), compression="gzip")
    with h5py.File(path) as file:
        assert open_stored(file["x"], place="x").read(0, 100).tolist() == list(range(100))


def test_values_are_read_after_the_file_is_closed(tmp_path: Path) -> None:
    """A thread that reads ahead may still run then, and must not get the bytes of a file opened since."""
    path = _write(tmp_path / "a.h5", np.arange(100), chunks=(20,), compression="gzip")
    with h5py.File(path) as file:
        values = open_stored(file["x"], place="x")
    other = _write(tmp_path / "b.h5", np.zeros(100), chunks=(20,), compression="gzip")
    with h5py.File(other):
        assert values.read(0, 100).tolist() == list(range(100))


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5", np.arange(100), chunks=(20,), compression="gzip")
    descriptors = Path("/dev/fd")
    gc.collect()
    n_before = len(list(descriptors.iterdir()))
    for _ in range(20):
        with h5py.File(path) as file:
            open_stored(file["x"], place="x").read(0, 100)
    assert len(list(descriptors.iterdir())) <= n_before


def _lie_about_first_chunk(path: Path, **said: int) -> Path:
    """Change what the B-tree says of the first chunk: its size, filter mask or offset in the dataset."""
    with h5py.File(path) as file:
        info = file["x"].id.get_chunk_info(0)
    entry = np.array([(info.size, info.filter_mask, 0, 0, info.byte_offset)], _ENTRY)
    true = entry.tobytes()
    for field, value in said.items():
        entry[field] = value
    content = path.read_bytes()
    assert content.count(true) == 1
    path.write_bytes(content.replace(true, entry.tobytes()))
    return path


# A key and a child of the version 1 B-tree that holds the chunks of a list.
_ENTRY = np.dtype([("size", "<u4"), ("mask", "<u4"), ("at", "<u8"), ("element", "<u8"), ("address", "<u8")])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"address": 2**40},
            "of 160 bytes of values is said to take .* bytes at 1,099,511,627,776 of a file",
        ),
        (
            {"address": 2**64 - 64},
            "of 160 bytes of values is said to take .* at 18,446,744,073,709,551,552 of",
        ),
        ({"size": 2**31}, "of 160 bytes of values is said to take 2,147,483,648 bytes"),
        ({"size": 6_000}, "of 160 bytes of values is said to take 6,000 bytes"),
        ({"size": 3}, "x: the chunk at byte .* cannot be inflated"),
        ({"mask": 1}, "x: the chunk at byte .* cannot be inflated .it holds .* bytes, not 160"),
        ({"at": 3}, "x cannot be read .*bad coordinate offset"),
        ({"at": 20}, "x: a chunk is stored twice"),
    ],
    ids=[
        "outside the file",
        "where the sum wraps around",
        "longer than the file",
        "longer than its values",
        "cut short",
        "not compressed",
        "off the grid",
        "twice",
    ],
)
def test_an_index_that_lies_is_refused(tmp_path: Path, said: dict, message: str) -> None:
    noise = np.random.default_rng(0).integers(0, 2**62, 1_000)
    path = _write(tmp_path / "a.h5", noise, chunks=(20,), compression="gzip")
    with (
        h5py.File(_lie_about_first_chunk(path, **said)) as file,
        pytest.raises(NotAnH5adError, match=message),
    ):
        Array(file["x"], "x").read()


def _damage(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.mark.parametrize("filters", sorted(set(FILTERS) - {"none", "shuffle"}))
def test_a_damaged_chunk_gives_values_or_the_place(tmp_path: Path, filters: str) -> None:
    """Not every damage can be seen, but none may crash, hang or give another number of values."""
    values = np.random.default_rng(0).poisson(1, 3_000).astype("f4")
    path = _write(tmp_path / "a.h5", values, chunks=(1_000,), **FILTERS[filters])
    with h5py.File(path) as file:
        info = file["x"].id.get_chunk_info(1)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    n_refused = 0
    for _ in range(100):
        path.write_bytes(whole)
        _damage(path, info.byte_offset + int(rng.integers(info.size - 4)), rng.bytes(int(rng.integers(1, 5))))
        refusal = _read_or_refuse(path)
        assert refusal is None or f"x: the chunk at byte {info.byte_offset:,} of" in refusal
        n_refused += refusal is not None
    assert n_refused > 10


def _read_or_refuse(path: Path) -> str | None:
    with h5py.File(path) as file:
        try:
            values = Array(file["x"], "x").read()
        except NotAnH5adError as error:
            return str(error)
    assert values.shape == (3_000,)
    return None


def _longer(values: np.ndarray, path: Path, filters: dict) -> bytes:
    """Compress values that are too many for the chunk."""
    with h5py.File(_write(path, values, chunks=values.shape, **filters)) as file:
        return bytes(file["x"].id.read_direct_chunk((0,))[1])


@pytest.mark.parametrize("filters", sorted(name for name in FILTERS if name not in {"none", "shuffle"}))
@pytest.mark.parametrize("n_inside", [99, 101, 10**6], ids=["too few", "too many", "a bomb"])
def test_a_chunk_of_another_size_is_refused(tmp_path: Path, filters: str, n_inside: int) -> None:
    inside = _longer(np.zeros(n_inside, "f4"), tmp_path / "b.h5", FILTERS[filters])[:4_000]
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("x", (100,), "f4", chunks=(100,), **FILTERS[filters])
        dataset.id.write_direct_chunk((0,), inside)
    with h5py.File(path) as file, pytest.raises(NotAnH5adError, match=r"x: the chunk at byte .* cannot be"):
        Array(file["x"], "x").read()


@pytest.mark.parametrize("storage", [{}, {"chunks": (100,)}], ids=["contiguous", "chunked"])
def test_a_file_that_becomes_shorter_is_refused(tmp_path: Path, storage: dict) -> None:
    path = _write(tmp_path / "a.h5", np.arange(1_000), **storage)
    with h5py.File(path) as file:
        values = open_stored(file["x"], place="x")
        with path.open("r+b") as raw:
            raw.truncate(4_096)
        with pytest.raises(NotAnH5adError, match="x"):
            values.read(0, 1_000)


def test_an_error_of_a_thread_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "a.h5", np.arange(1_000), chunks=(10,), compression="gzip")
    with h5py.File(path) as file:
        values = open_stored(file["x"], place="x")
        monkeypatch.setattr(values, "_chunk", lambda position: [][position])
        with pytest.raises(IndexError):
            values.read(0, 1_000)
