"""The compiled kernels that rank a cell's symbols and write them as text.

They run outside Python's global lock and trust their input: indices must lie within the arrays they
point into, as the h5ad reader has checked. Importing this module costs half a second (numba), so only
who ranks does.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.hashes import mix

# Digits of the value's 32 bits, least significant first: (shift, mask).
_LOW, _MIDDLE, _HIGH = 0, 11, 22
_DIGIT_MASK = 2047
_N_DIGITS = 2048
# Buckets for the tie key: 11 bits are one or two features a bucket for a usual cell of 1,400.
_MOST_BUCKET_BITS = 16

_mix = njit(nogil=True)(mix)


@njit(cache=True, nogil=True)
def rank_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[np.float32],
    codes: NDArray[np.int32],
    is_shared: NDArray[np.bool_],
    feature_keys: NDArray[np.uint64],
    cell_keys: NDArray[np.uint64],
    is_mixed: bool,
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
) -> int:
    """Rank the symbols of each row: by value from the highest, then by tie key from the lowest.

    Parameters
    ----------
    indptr, indices, values
        A row-compressed block, ``(n_obs + 1,)`` from 0 and ``(n_stored,)``.
    codes
        Symbol of each feature, ``(n_vars,)``; negative: none, the feature is passed over.
    is_shared
        Whether several features have the symbol, ``(n_symbols,)``; it is listed once, at its first place.
    feature_keys, cell_keys
        ``(n_vars,)`` and ``(n_obs,)``. The tie key is that of the feature or, if `is_mixed`, both
        combined and scrambled as `core.hashes.mix` does.
    ranked
        Filled with codes: those of row ``i`` from ``indptr[i]`` on, shape ``(n_stored,)``.
    n_ranked
        Filled with their number, shape ``(n_obs,)``.

    Returns
    -------
    Position of the first value below zero, or -1.
    """
    n_obs = indptr.size - 1
    longest = 0
    for row in range(n_obs):
        longest = max(longest, indptr[row + 1] - indptr[row])
    keys, keys_sorted = np.empty(longest, np.uint64), np.empty(longest, np.uint64)
    bits, bits_sorted = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
    names, names_sorted = np.empty(longest, np.int32), np.empty(longest, np.int32)
    buckets = np.empty((1 << _MOST_BUCKET_BITS) + 1, np.int64)
    seen_in = np.full(is_shared.size, -1, np.int64)
    all_bits = values.view(np.uint32)

    for row in range(n_obs):
        n = 0
        for position in range(indptr[row], indptr[row + 1]):
            value = values[position]
            if value < 0:
                return position
            feature = indices[position]
            if value > 0 and codes[feature] >= 0:
                key = feature_keys[feature]
                if is_mixed:
                    key = _mix(key ^ cell_keys[row])
                keys[n] = key
                # Floats above zero order as their bits do; inverted, the highest comes first.
                bits[n] = ~all_bits[position]
                names[n] = codes[feature]
                n += 1

        _sort_by_key(keys, bits, names, keys_sorted, bits_sorted, names_sorted, n, buckets)
        _sort_by_value(bits_sorted, names_sorted, bits, names, n, buckets)

        start = indptr[row]
        n_listed = 0
        for place in range(n):
            name = names_sorted[place]
            if is_shared[name]:
                if seen_in[name] == row:
                    continue
                seen_in[name] = row
            ranked[start + n_listed] = name
            n_listed += 1
        n_ranked[row] = n_listed
    return -1


@njit(cache=True, nogil=True)
def measure_text(
    starts: NDArray[np.int64],
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
    is_listed: NDArray[np.bool_],
    word_bounds: NDArray[np.int64],
    top_n: int,
    bounds: NDArray[np.int64],
) -> None:
    """Fill `bounds`, ``(n_obs + 1,)``, with where the text of each row begins and ends, in bytes.

    A text is the first `top_n` ranked symbols that are listed, with a space between two.
    """
    bounds[0] = 0
    for row in range(n_ranked.size):
        n_bytes, n_words = 0, 0
        for place in range(n_ranked[row]):
            name = ranked[starts[row] + place]
            if n_words == top_n:
                break
            if is_listed[name]:
                n_bytes += word_bounds[name + 1] - word_bounds[name] + 1
                n_words += 1
        bounds[row + 1] = bounds[row] + max(n_bytes - 1, 0)


@njit(cache=True, nogil=True)
def write_text(
    starts: NDArray[np.int64],
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
    is_listed: NDArray[np.bool_],
    word_bounds: NDArray[np.int64],
    words: NDArray[np.uint8],
    top_n: int,
    bounds: NDArray[np.int64],
    text: NDArray[np.uint8],
) -> None:
    """Fill `text`, ``(bounds[-1],)``, with the UTF-8 of the texts that `measure_text` has measured."""
    for row in range(n_ranked.size):
        at, n_words = bounds[row], 0
        for place in range(n_ranked[row]):
            name = ranked[starts[row] + place]
            if n_words == top_n:
                break
            if is_listed[name]:
                if n_words > 0:
                    text[at] = 32
                    at += 1
                for letter in range(word_bounds[name], word_bounds[name + 1]):
                    text[at] = words[letter]
                    at += 1
                n_words += 1


@njit(cache=True, nogil=True)
def _sort_by_key(
    keys: NDArray[np.uint64],
    bits: NDArray[np.uint32],
    names: NDArray[np.int32],
    keys_out: NDArray[np.uint64],
    bits_out: NDArray[np.uint32],
    names_out: NDArray[np.int32],
    n: int,
    buckets: NDArray[np.int64],
) -> None:
    """Sort by key: into buckets by the leading bits, which are uniform, then by insertion."""
    n_bits = 8
    while n_bits < _MOST_BUCKET_BITS and (1 << n_bits) < n:
        n_bits += 1
    shift = np.uint64(64 - n_bits)
    n_buckets = 1 << n_bits
    buckets[: n_buckets + 1] = 0
    for i in range(n):
        buckets[np.int64(keys[i] >> shift) + 1] += 1
    for place in range(n_buckets):
        buckets[place + 1] += buckets[place]
    for i in range(n):
        bucket = np.int64(keys[i] >> shift)
        place = buckets[bucket]
        buckets[bucket] += 1
        keys_out[place], bits_out[place], names_out[place] = keys[i], bits[i], names[i]
    for i in range(1, n):
        key, bit, name = keys_out[i], bits_out[i], names_out[i]
        place = i
        while place > 0 and keys_out[place - 1] > key:
            keys_out[place] = keys_out[place - 1]
            bits_out[place] = bits_out[place - 1]
            names_out[place] = names_out[place - 1]
            place -= 1
        keys_out[place], bits_out[place], names_out[place] = key, bit, name


@njit(cache=True, nogil=True)
def _sort_by_value(
    bits: NDArray[np.uint32],
    names: NDArray[np.int32],
    bits_spare: NDArray[np.uint32],
    names_spare: NDArray[np.int32],
    n: int,
    buckets: NDArray[np.int64],
) -> None:
    """Sort by the bits of the value, keeping the order of equals: radix sort by digits of 11 bits.

    A digit that all values share needs no pass; small counts have only one that differs.
    """
    for shift in (_LOW, _MIDDLE, _HIGH):
        buckets[: _N_DIGITS + 1] = 0
        for i in range(n):
            buckets[((bits[i] >> np.uint32(shift)) & _DIGIT_MASK) + 1] += 1
        is_same = n == 0 or buckets[((bits[0] >> np.uint32(shift)) & _DIGIT_MASK) + 1] == n
        if is_same:
            continue
        for digit in range(_N_DIGITS):
            buckets[digit + 1] += buckets[digit]
        for i in range(n):
            digit = (bits[i] >> np.uint32(shift)) & _DIGIT_MASK
            place = buckets[digit]
            buckets[digit] += 1
            bits_spare[place], names_spare[place] = bits[i], names[i]
        bits[:n] = bits_spare[:n]
        names[:n] = names_spare[:n]
