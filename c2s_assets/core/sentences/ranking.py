"""The compiled kernels that rank a cell's symbols and write them as text.

They run outside Python's global lock and trust their input: indices must lie within the arrays they
point into, as the h5ad reader has checked. Importing this module costs half a second (numba), so only
who ranks does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.hashes import mix

# Up to here `rank_counts` takes a row in one pass for each count that could occur: 16 microseconds at most.
MAX_COUNT = 2**14 - 1
_COUNT_BITS = 14
# Digits of the value's 32 bits, least significant first: (shift, mask).
_LOW, _MIDDLE, _HIGH = 0, 11, 22
_DIGIT_MASK = 2047
_N_DIGITS = 2048
# Buckets for the tie key: 11 bits are one or two features a bucket for a usual cell of 1,400.
_MOST_BUCKET_BITS = 16

_mix = njit(nogil=True)(mix)


@njit(cache=True, nogil=True)
def rank_rows(
    rows: Csr,
    *,
    codes: NDArray[np.int32],
    is_shared: NDArray[np.bool_],
    feature_keys: NDArray[np.uint64],
    cell_keys: NDArray[np.uint64],
    is_mixed: bool,
    top_n: int,
    is_above_ties: bool,
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
    n_named: NDArray[np.int32],
    n_above_ties: NDArray[np.int32],
) -> int:
    """Rank the symbols of each row: by value from the highest, then by tie key from the lowest.

    Parameters
    ----------
    rows
        A block whose rows begin at 0.
    codes
        Symbol of each feature, ``(n_vars,)``; negative: none, the feature is passed over.
    is_shared
        Whether several features have the symbol, ``(n_symbols,)``; it is listed once, at its first place.
    feature_keys, cell_keys
        ``(n_vars,)`` and ``(n_obs,)``. The tie key is that of the feature or, if `is_mixed`, both
        combined and scrambled as `core.hashes.mix` does.
    top_n, is_above_ties
        How many symbols a sentence names at most; or, if `is_above_ties`, all above the lowest tie block.
    ranked
        Filled with codes: those of row ``i`` from ``indptr[i]`` on, shape ``(n_stored,)``.
    n_ranked, n_named, n_above_ties
        Filled with how many there are, how many of them the sentence names, and how many of those stand
        above its lowest tie block, see `_count_above_ties`; shape ``(n_obs,)``.

    Returns
    -------
    Position of the first value below zero, or -1.
    """
    indptr, indices, values = rows
    n_obs = indptr.size - 1
    longest = _longest_row(indptr)
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

        n_ranked[row] = _list_once(
            names_sorted, bits_sorted, np.uint64(n), is_shared, seen_in, row, ranked, np.uint64(indptr[row])
        )
        n_named[row], n_above_ties[row] = _cut(bits_sorted, 0, n_ranked[row], top_n, is_above_ties)
    return -1


@njit(cache=True, nogil=True)
def are_counts(values: NDArray[np.float32]) -> bool:
    """Whether all values are whole and from 0 to `MAX_COUNT`."""
    wrong = 0
    for value in values:
        is_count = 0 <= value <= MAX_COUNT and value == np.float32(np.int32(value))
        wrong += not is_count
    return wrong == 0


@njit(cache=True, nogil=True)
def rank_counts(
    rows: Csr,
    *,
    codes: NDArray[np.int32],
    is_shared: NDArray[np.bool_],
    feature_keys: NDArray[np.uint64],
    cell_keys: NDArray[np.uint64],
    is_mixed: bool,
    top_n: int,
    is_above_ties: bool,
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
    n_named: NDArray[np.int32],
    n_above_ties: NDArray[np.int32],
) -> None:
    """Do what `rank_rows` does, for values that `are_counts`, in half the time.

    How often each count occurs says where its features begin among those of the row, and the tie key, which
    is uniform, about where among them: each is put near its place at once, and insertion does the rest.
    On 28.6 M counts 8 ns a value; `rank_rows` takes 18. Indices are unsigned, because numba looks for
    negative ones otherwise, which costs as much again.
    """
    indptr, indices, values = rows
    n_obs = indptr.size - 1
    longest = _longest_row(indptr)
    n_feature_bits = 1
    while (1 << n_feature_bits) < codes.size:
        n_feature_bits += 1
    feature_bits, one = np.uint64(n_feature_bits), np.uint64(1)
    feature_mask = (one << feature_bits) - one

    found, entries = np.empty(longest, np.uint64), np.empty(longest, np.uint64)
    names = np.empty(longest, np.int32)
    places, bounds = np.empty(longest, np.uint32), np.empty(longest + 1, np.uint32)
    n_of_count, start_of_count = np.zeros(MAX_COUNT + 1, np.uint32), np.zeros(MAX_COUNT + 1, np.uint32)
    seen_in = np.full(is_shared.size, -1, np.int64)

    for row in range(n_obs):
        begin, end = np.uint64(indptr[row]), np.uint64(indptr[row + 1])
        n, highest = np.uint64(0), np.uint64(0)
        for position in range(begin, end):
            feature, count = np.uint64(indices[position]), np.uint64(np.int32(values[position]))
            is_ranked = (count > 0) & (codes[feature] >= 0)
            found[n] = (count << feature_bits) | feature
            n += np.uint64(is_ranked)
            n_of_count[count] += np.uint32(is_ranked)
            highest = max(highest, count)
        _start_counts(n_of_count, start_of_count, highest)
        cell_key = cell_keys[row] if is_mixed else np.uint64(0)
        _find_places(
            found,
            n,
            feature_bits,
            feature_keys,
            cell_key,
            is_mixed,
            n_of_count,
            start_of_count,
            entries,
            places,
            bounds,
        )
        n_of_count[: highest + one] = 0

        in_order = found  # is free again
        for i in range(n):
            place = np.uint64(places[i])
            in_order[bounds[place]] = entries[i]
            bounds[place] += np.uint32(1)
        _insert_in_order(in_order, n)
        n_alike = 0
        for i in range(one, n):
            n_alike += in_order[i] >> feature_bits == in_order[i - one] >> feature_bits
        if n_alike > 0:
            _order_by_whole_key(in_order, n, feature_bits, feature_keys, cell_key, is_mixed)

        for i in range(n):
            names[i] = codes[in_order[i] & feature_mask]
        n_ranked[row] = _list_once(names, in_order, n, is_shared, seen_in, row, ranked, begin)
        n_named[row], n_above_ties[row] = _cut(
            in_order, 64 - _COUNT_BITS, n_ranked[row], top_n, is_above_ties
        )


@njit(cache=True, nogil=True)
def measure_text(
    *,
    starts: NDArray[np.int64],
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
    is_listed: NDArray[np.bool_],
    spans: NDArray[np.uint64],
    top_n: int,
    bounds: NDArray[np.int64],
) -> None:
    """Fill `bounds`, ``(n_obs + 1,)``, with where the text of each row begins and ends, in bytes.

    A text is the first `top_n` ranked symbols that are listed, with a space between two; the size of a word
    counts the space. For `spans` see `write_text`.
    """
    bounds[0] = 0
    for row in range(n_ranked.size):
        n_bytes, n_words = np.int64(0), 0
        for place in range(n_ranked[row]):
            name = ranked[starts[row] + place]
            if n_words == top_n:
                break
            if is_listed[name]:
                n_bytes += np.int64(spans[name, 1])
                n_words += 1
        bounds[row + 1] = bounds[row] + max(n_bytes - 1, 0)


@njit(cache=True, nogil=True)
def write_text(
    *,
    starts: NDArray[np.int64],
    ranked: NDArray[np.int32],
    n_ranked: NDArray[np.int32],
    is_listed: NDArray[np.bool_],
    spans: NDArray[np.uint64],
    words: NDArray[np.uint64],
    top_n: int,
    bounds: NDArray[np.int64],
    text: NDArray[np.uint8],
) -> None:
    """Fill `text` with the UTF-8 of the texts that `measure_text` has measured.

    Words are copied by 8 bytes and at least 16, and what follows a word is overwritten by the next: 2.2 ns a
    word, by single bytes 12. `text` is 16 bytes longer than ``bounds[-1]``, and those mean nothing.

    Parameters
    ----------
    spans
        Of each code, where its word begins in `words` and how many bytes it has, ``(n_symbols, 2)``.
    words
        Words with a space behind each, every one padded to a multiple of 16 bytes.
    """
    eight = np.uint64(8)
    for row in range(n_ranked.size):
        at, n_words = np.uint64(bounds[row]), 0
        begin = np.uint64(starts[row])
        for place in range(begin, begin + np.uint64(n_ranked[row])):
            name = np.uint64(ranked[place])
            if n_words == top_n:
                break
            if is_listed[name]:
                source, size = spans[name, 0], spans[name, 1]
                _store_eight(text, at, words[source])
                _store_eight(text, at + eight, words[source + np.uint64(1)])
                for step in range(np.uint64(2), (size + np.uint64(7)) // eight):
                    _store_eight(text, at + eight * step, words[source + step])
                at += size
                n_words += 1


def _generate_store(_: Any, text: Any, at: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])  # type: ignore[no-untyped-call]
        target = builder.gep(array.data, [arguments[1]])
        pointer = context.get_value_type(word).as_pointer()
        builder.store(arguments[2], builder.bitcast(target, pointer), align=1)
        return context.get_dummy_value()

    return types.void(text, at, word), generate


# Stores a uint64 at any byte of an array of bytes; a view of NumPy would have to be aligned.
_store_eight: Any = intrinsic(_generate_store)


@njit(cache=True, nogil=True)
def _longest_row(indptr: NDArray[np.int64]) -> int:
    longest = 0
    for row in range(indptr.size - 1):
        longest = max(longest, indptr[row + 1] - indptr[row])
    return longest


@njit(cache=True, nogil=True)
def _list_once(
    names: NDArray[np.int32],
    levels: NDArray[Any],
    n: np.uint64,
    is_shared: NDArray[np.bool_],
    seen_in: NDArray[np.int64],
    row: int,
    ranked: NDArray[np.int32],
    begin: np.uint64,
) -> np.uint64:
    """Copy the names of a row to `ranked` from `begin` on, each once; return how many.

    `levels` keeps those of the names that are listed, at its beginning; `seen_in` moves on.
    """
    n_listed = np.uint64(0)
    for i in range(n):
        name = np.uint64(names[i])
        if is_shared[name]:
            if seen_in[name] == row:
                continue
            seen_in[name] = row
        ranked[begin + n_listed] = names[i]
        levels[n_listed] = levels[i]
        n_listed += np.uint64(1)
    return n_listed


@njit(cache=True, nogil=True)
def _cut(levels: NDArray[Any], shift: int, n_listed: int, top_n: int, is_above_ties: bool) -> tuple[int, int]:
    """Tell how many of the listed symbols a sentence names, and how many of those are above its ties."""
    n_named = _count_above_ties(levels, shift, n_listed, n_listed) if is_above_ties else min(top_n, n_listed)
    return n_named, _count_above_ties(levels, shift, n_listed, n_named)


@njit(cache=True, nogil=True)
def _count_above_ties(levels: NDArray[Any], shift: int, n_listed: int, n_named: int) -> int:
    """Count the symbols whose value is above the lowest of those named.

    Where no other symbol of the cell, named or not, has that lowest value, it is no tie, and all are counted.

    Parameters
    ----------
    levels
        Ascending as the symbols are listed; from the bit `shift` on they are the value, inverted.
    """
    if n_named == 0:
        return 0
    lowest = levels[n_named - 1] >> np.uint64(shift)
    first, last = 0, n_named - 1  # of the symbols that have the lowest value
    while first < last:
        middle = (first + last) // 2
        if levels[middle] >> np.uint64(shift) < lowest:
            first = middle + 1
        else:
            last = middle
    is_alone = first == n_named - 1
    if is_alone and n_named < n_listed:
        is_alone = levels[n_named] >> np.uint64(shift) != lowest
    return n_named if is_alone else first


@njit(cache=True, nogil=True)
def _start_counts(
    n_of_count: NDArray[np.uint32], start_of_count: NDArray[np.uint32], highest: np.uint64
) -> None:
    """Tell where the features of each count begin, the highest count first."""
    start = np.uint32(0)
    for below in range(highest):
        count = highest - np.uint64(below)
        start_of_count[count] = start
        start += n_of_count[count]


@njit(cache=True, nogil=True)
def _find_places(
    found: NDArray[np.uint64],
    n: np.uint64,
    feature_bits: np.uint64,
    feature_keys: NDArray[np.uint64],
    cell_key: np.uint64,
    is_mixed: bool,
    n_of_count: NDArray[np.uint32],
    start_of_count: NDArray[np.uint32],
    entries: NDArray[np.uint64],
    places: NDArray[np.uint32],
    bounds: NDArray[np.uint32],
) -> None:
    """Fill `entries`, `places` (about where each belongs) and `bounds` (where those of a place begin).

    An entry is the count from the highest, the leading bits of the key, and the feature, in one number: in
    order, the lowest comes first.
    """
    half, one = np.uint64(32), np.uint64(1)
    count_shift = np.uint64(64 - _COUNT_BITS)
    key_shift = np.uint64(_COUNT_BITS) + feature_bits
    feature_mask = (one << feature_bits) - one
    bounds[: n + one] = 0
    for i in range(n):
        count, feature = found[i] >> feature_bits, found[i] & feature_mask
        key = feature_keys[feature]
        if is_mixed:
            key = _mix(key ^ cell_key)
        place = np.uint64(start_of_count[count]) + ((key >> half) * np.uint64(n_of_count[count]) >> half)
        bounds[place + one] += np.uint32(1)
        places[i] = place
        entries[i] = (
            ((np.uint64(MAX_COUNT) - count) << count_shift) | (key >> key_shift << feature_bits) | feature
        )
    start = np.uint32(0)
    for i in range(n):
        start += bounds[i]
        bounds[i] = start


@njit(cache=True, nogil=True)
def _insert_in_order(entries: NDArray[np.uint64], n: np.uint64) -> None:
    one = np.uint64(1)
    for i in range(one, n):
        entry, place = entries[i], np.uint64(i)
        while place > 0 and entries[place - one] > entry:
            entries[place] = entries[place - one]
            place -= one
        entries[place] = entry


@njit(cache=True, nogil=True)
def _order_by_whole_key(
    entries: NDArray[np.uint64],
    n: np.uint64,
    feature_bits: np.uint64,
    feature_keys: NDArray[np.uint64],
    cell_key: np.uint64,
    is_mixed: bool,
) -> None:
    """Order entries that agree in the leading bits of their keys by all bits; equal keys keep their order.

    With 29,400 features an entry holds 35 bits of a key: in one cell of 35,000 two of 1,400 agree.
    """
    one = np.uint64(1)
    feature_mask = (one << feature_bits) - one
    for i in range(one, n):
        entry, place = entries[i], np.uint64(i)
        while place > 0 and entries[place - one] >> feature_bits == entry >> feature_bits:
            before = feature_keys[entries[place - one] & feature_mask]
            key = feature_keys[entry & feature_mask]
            if is_mixed:
                before, key = _mix(before ^ cell_key), _mix(key ^ cell_key)
            if before <= key:
                break
            entries[place] = entries[place - one]
            place -= one
        entries[place] = entry


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
