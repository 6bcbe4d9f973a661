"""Keys of cells: the same for the same names, whatever array they come in, and told apart by side."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from c2s_assets.core.splits import cell_keys as keys_module
from c2s_assets.core.splits.cell_keys import cell_keys, hash_texts, hashes_found_twice, hashes_of

TEXTS = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "a" * 7,
    "a" * 8,
    "a" * 9,
    "a" * 16,
    "a" * 17,
    "aaaaaaaab",
    "a\0",
    "é",
    "\0",
]


def test_every_text_has_a_hash_of_its_own() -> None:
    assert len(set(hash_texts(pa.array(TEXTS)).tolist())) == len(TEXTS)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_a_text_has_the_same_hash_wherever_it_stands(kind: pa.DataType) -> None:
    alone = [int(hash_texts(pa.array([text], kind))[0]) for text in TEXTS]
    together = pa.array(["before", *TEXTS, None], kind)
    assert hash_texts(together[1:-1]).tolist() == alone
    assert hash_texts(pa.array([None, None], kind)).tolist() == [alone[0]] * 2
    assert hash_texts(together[:0]).tolist() == []


def test_a_cell_is_known_by_dataset_and_id_and_its_side_is_in_the_key() -> None:
    datasets = hash_texts(pa.array(["x", "y", "x", "x"]))
    keys = cell_keys(datasets, pa.array(["y", "x", "y", "z"]), np.array([0, 0, 2, 0], np.uint8))
    assert hashes_of(keys)[0] == hashes_of(keys)[2]
    assert len(set(hashes_of(keys).tolist())) == 3
    assert (keys & np.uint64(3)).tolist() == [0, 0, 2, 0]


@pytest.mark.parametrize("n_stretch", [1, 2, 3, 5, 1000])
def test_each_hash_that_is_there_twice_is_found_once(monkeypatch: pytest.MonkeyPatch, n_stretch: int) -> None:
    """Runs of equal hashes go over the ends of stretches."""
    monkeypatch.setattr(keys_module, "_KEYS_PER_STRETCH", n_stretch)
    keys = np.random.default_rng(0).integers(0, 60, 100).astype(np.uint64)
    expected = sorted(key for key, n in Counter((keys >> np.uint64(2)).tolist()).items() if n > 1)
    found, n_all = hashes_found_twice(keys, most=4)
    assert (found.tolist(), n_all) == (expected[:4], len(expected))
