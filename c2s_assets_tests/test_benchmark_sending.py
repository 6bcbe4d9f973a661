"""The model of chunks counts what is new, and finds the rest again wherever it has moved to."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.sending import chunks_of, count_sent


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder of two files of 2 MB."""
    folder = tmp_path / "old"
    for name in ("blood", "lung"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.parquet").write_bytes(np.random.default_rng(len(name)).bytes(2_000_000))
    return folder


def changed(old: Path, content: bytes) -> Path:
    """Copy the folder, with another content of the first file."""
    folder = old.with_name("new")
    for name in ("blood", "lung"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.parquet").write_bytes((old / name / "a.parquet").read_bytes())
    (folder / "blood" / "a.parquet").write_bytes(content)
    return folder


def test_files_that_are_the_same_are_not_sent(old: Path) -> None:
    sent = count_sent(old, changed(old, (old / "blood" / "a.parquet").read_bytes()))
    assert (sent.n_files, sent.file_bytes, sent.chunk_bytes) == (0, 0, 0)


def test_of_a_file_with_something_in_the_middle_the_chunks_around_it_are_sent(old: Path) -> None:
    content = (old / "blood" / "a.parquet").read_bytes()
    sent = count_sent(old, changed(old, content[:1_000_000] + b"five cells" + content[1_000_000:]))
    assert (sent.n_files, sent.file_bytes) == (1, 2_000_010)
    assert 8 * 2**10 < sent.chunk_bytes <= 3 * 128 * 2**10


def test_another_content_is_sent_whole(old: Path) -> None:
    sent = count_sent(old, changed(old, np.random.default_rng(9).bytes(2_000_000)))
    assert sent.chunk_bytes == sent.file_bytes == 2_000_000


def test_chunks_have_64_kib_in_the_mean_and_their_bounds(old: Path) -> None:
    sizes = list(chunks_of([old / "blood" / "a.parquet"]).values())
    assert sum(sizes) == 2_000_000
    assert max(sizes) <= 128 * 2**10
    assert sorted(sizes)[1] >= 8 * 2**10, "but for the last"
    assert 40_000 < np.mean(sizes) < 90_000
