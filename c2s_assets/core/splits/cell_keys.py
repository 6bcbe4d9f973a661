"""Cells as 64-bit keys that end with their side, so that 100 million of them are compared in 800 MB."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.hashes import mix

# The low bits of a key are the number of the side, the others a hash: of 100 million cells two would share
# it by chance once in 900 times, and who reports a pair looks at the names.
_SIDE_BITS = np.uint64(2)
_SIDE = np.uint64(3)
_WORD = 8
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], dtype=np.uint64)
_KEYS_PER_STRETCH = 2**20


def cell_keys(
    dataset_hashes: NDArray[np.uint64], cells: pa.Array, sides: NDArray[np.uint8]
) -> NDArray[np.uint64]:
    """Make the key of each cell of its dataset, its id and its side, shape ``(n_cells,)``.

    Parameters
    ----------
    dataset_hashes
        From `hash_texts`, one per cell.
    cells
        Ids, as text.
    sides
        Numbers of their sides, 0 to 3.
    """
    hashes = mix(mix(dataset_hashes) ^ hash_texts(cells))
    return (hashes & ~_SIDE) | sides


def hash_texts(texts: pa.Array) -> NDArray[np.uint64]:
    """Hash each text to 64 bits, shape ``(n_texts,)``, eight bytes of all at a time; null is empty."""
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    if len(texts) == 0:
        return np.zeros(0, np.uint64)
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    starts, lengths = ends[:-1] - ends[0], np.diff(ends)
    letters = np.zeros(ends[-1] - ends[0] + _WORD, np.uint8)
    if data is not None:
        letters[:-_WORD] = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    words = np.ndarray(len(letters) - _WORD + 1, np.dtype("<u8"), letters, strides=(1,))
    keys = mix(lengths.astype(np.uint64) + np.uint64(1))
    for position in range(0, int(lengths.max()), _WORD):
        longer = np.flatnonzero(lengths > position)
        n_bytes = np.minimum(lengths[longer] - position, _WORD)
        keys[longer] = mix(keys[longer] ^ (words[starts[longer] + position] & _FIRST_BYTES[n_bytes]))
    return keys


def hashes_found_twice(keys: NDArray[np.uint64], *, most: int) -> tuple[NDArray[np.uint64], int]:
    """Find the hashes that several keys have, without their sides.

    Parameters
    ----------
    keys
        Are sorted in place: a copy of them would be the most that this takes of memory.

    Returns
    -------
    The first `most` of them, ascending, and how many there are.
    """
    keys.sort()
    first, n_all = np.zeros(0, np.uint64), 0
    for start in range(0, len(keys), _KEYS_PER_STRETCH):
        hashes = hashes_of(keys[max(start - 1, 0) : start + _KEYS_PER_STRETCH + 1])
        # Where the second key of a run stands: runs go on into the next stretch.
        is_second = hashes[1:] == hashes[:-1]
        is_second[1:] &= ~is_second[:-1]
        found = hashes[1:][is_second][1 if start and is_second[0] else 0 :]
        first = np.concatenate([first, found[: most - len(first)]])
        n_all += len(found)
    return first, n_all


def hashes_of(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Take the sides off keys."""
    return keys >> _SIDE_BITS
