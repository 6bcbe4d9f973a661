"""Which datasets have cells in common: a search of the whole lake by a few hashes of each cell."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.leaks.spec import MOST_ALIKE
from c2s_assets.storage.leaks.sources import FingerprintTable

# Hashes in memory at once, by their leading bits: 270 MB, and as much for sorting and comparing them.
_HASHES_AT_ONCE = 2**25


def datasets_in_common(tables: Sequence[FingerprintTable]) -> list[tuple[int, int]]:
    """Find the pairs of datasets, by their places, that share a hash; one with itself if it has it twice.

    A hash that more than `MOST_ALIKE` cells of a dataset have says nothing of that dataset.
    """
    n_hashes = 2 * sum(table.n_cells for table in tables)
    n_bits = max(n_hashes // _HASHES_AT_ONCE, 0).bit_length()
    codes: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for part in range(2**n_bits):
        keys = np.concatenate([np.zeros(0, np.uint64), *_keys(tables, part=part, n_bits=n_bits)])
        keys.sort()
        codes.append(_pairs(keys, n_tables=len(tables)))
    return [divmod(code, len(tables)) for code in np.unique(np.concatenate(codes)).tolist()]


def _keys(tables: Sequence[FingerprintTable], *, part: int, n_bits: int) -> Iterator[NDArray[np.uint64]]:
    """Read the hashes that begin with the bits `part`, each with the place of its dataset in its last bits.

    A few bits of a hash are lost by that: of 40 million hashes in 2,200 datasets two agree in the others by
    chance in every second search, and a pair of datasets more is compared for nothing.
    """
    mask = _place_mask(len(tables))
    for place, table in enumerate(tables):
        hashes = table.search_hashes()
        if n_bits:
            hashes = hashes[hashes >> np.uint64(64 - n_bits) == part]
        yield (hashes & ~mask) | np.uint64(place)


def _pairs(keys: NDArray[np.uint64], *, n_tables: int) -> NDArray[np.int64]:
    """Find the pairs of datasets that share a hash, as one number each, in sorted keys."""
    mask = _place_mask(n_tables)
    hashes = keys & ~mask
    is_next_same = np.append(hashes[1:] == hashes[:-1], False) if keys.size else np.zeros(0, np.bool_)
    keys = keys[is_next_same | np.roll(is_next_same, 1)]
    keys, n_cells = np.unique(keys, return_counts=True)
    keys, n_cells = keys[n_cells <= MOST_ALIKE], n_cells[n_cells <= MOST_ALIKE]
    hashes, places = keys & ~mask, (keys & mask).astype(np.int64)
    found = [np.unique(places[n_cells > 1]) * (n_tables + 1)]
    for distance in range(1, keys.size):
        is_same = hashes[distance:] == hashes[:-distance]
        if not is_same.any():
            break
        found.append(np.unique((places[:-distance] * n_tables + places[distance:])[is_same]))
    return np.concatenate(found)


def _place_mask(n_tables: int) -> np.uint64:
    return np.uint64(2 ** max(n_tables - 1, 1).bit_length() - 1)
