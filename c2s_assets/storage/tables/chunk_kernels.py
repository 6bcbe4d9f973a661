"""The compiled loops of `storage.wide`: a sparse block becomes Parquet columns without ever being dense.

They trust their input: features must lie within the arrays they point into, as the h5ad reader has
checked. Importing this module costs half a second (numba), so only who writes does.

References
----------
https://parquet.apache.org/docs/file-format and its parquet.thrift. Headers are structs of Thrift's compact
protocol: the high half of a field's first byte is how far its number is from the one before, the low half
its type (5: int32, 6: int64, 9: list, 12: struct), and integers are zigzag and of variable length.
"""

# ruff: noqa: PLR0917 - those that are called by one another: there numba takes no keywords

import numpy as np
from numba import njit
from numpy.typing import NDArray

_Bytes = NDArray[np.uint8]
_Words = NDArray[np.uint32]
_Longs = NDArray[np.int64]

PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
DATA_PAGE, DICTIONARY_PAGE = 0, 2
FLOAT, ZSTD = 4, 6
# Longer than the headers of both pages of a chunk, and than what the footer says of a chunk but its name.
MAX_HEADER_BYTES = 128


@njit(cache=True, nogil=True)
def count_values(indices: NDArray[np.int32], n_values: _Longs) -> None:
    """Add to `n_values` how often each feature is in `indices`; `np.bincount` would copy them as int64."""
    for index in indices:
        n_values[index] += 1


@njit(cache=True, nogil=True)
def sort_into_columns(
    *,
    bounds: _Longs,
    indices: NDArray[np.int32],
    values: _Words,
    first_row: int,
    ends: _Longs,
    rows: NDArray[np.int32],
    words: _Words,
) -> None:
    """Add a CSR block to a CSC matrix that is being filled.

    Parameters
    ----------
    bounds, indices, values
        Of the block; `bounds` need not start at 0.
    first_row
        Row of the block's first cell in the CSC matrix.
    ends
        Where the next value of each feature goes; moves on.
    rows, words
        To fill: the row of each value, and the value's 32 bits.
    """
    for row in range(len(bounds) - 1):
        for i in range(bounds[row], bounds[row + 1]):
            at = ends[indices[i]]
            rows[at] = first_row + row
            words[at] = values[i]
            ends[indices[i]] = at + 1


@njit(cache=True, nogil=True)
def put_bodies(
    *,
    out: _Bytes,
    sizes: _Longs,
    n_listed: _Longs,
    bounds: _Longs,
    rows: NDArray[np.int32],
    words: _Words,
    n_rows: int,
) -> None:
    """Write the page bodies of some columns one behind the other.

    Of the forms that a column may have, the smallest is taken: its values as they are; or a dictionary of
    its distinct values, zero first, and behind it the numbers in it, as runs or packed into a few bits each.

    Parameters
    ----------
    out
        To fill: 4 `n_rows` bytes are enough for each column.
    sizes
        To fill, shape ``(n_columns, 2)``: bytes of the dictionary, 0 without one, and of the data.
    n_listed
        To fill: entries of the dictionary.
    bounds, rows, words
        A CSC matrix without zeros whose rows ascend; `words` are its float32 values as uint32.
    n_rows
        Cells, fewer than 2**24.
    """
    n_slots = 2
    while n_slots < 2 * n_rows:
        n_slots *= 2
    slots = np.empty(n_slots, np.int32)
    owners = np.full(n_slots, -1, np.int32)
    codes = np.empty(n_rows, np.int32)
    at = 0
    for column in range(len(n_listed)):
        mine = rows[bounds[column] : bounds[column + 1]]
        values = words[bounds[column] : bounds[column + 1]]
        n_distinct = _number_values(values, codes, slots, owners, column)
        n_bits = 1
        while n_distinct >> n_bits:
            n_bits += 1
        packed_size = _packed_size(n_rows, n_bits)
        runs_size = _runs_size(mine, codes, n_rows, n_bits)
        dictionary_size = 4 * (n_distinct + 1)
        start = at
        if dictionary_size + 1 + min(packed_size, runs_size) >= 4 * n_rows:
            at = _put_plain(out, at, mine, values, n_rows)
            sizes[column] = 0, at - start
            n_listed[column] = 0
            continue
        at = _put_dictionary(out, at, values, codes)
        out[at] = n_bits
        if runs_size <= packed_size:
            at = _put_runs(out, at + 1, mine, codes, n_rows, n_bits)
        else:
            at = _put_packed(out, at + 1, mine, codes, n_rows, n_bits)
        sizes[column] = dictionary_size, at - start - dictionary_size
        n_listed[column] = n_distinct + 1


@njit(cache=True, nogil=True)
def put_chunks(
    *,
    out: _Bytes,
    about: _Bytes,
    bodies: _Bytes,
    squeezed: _Bytes,
    sizes: _Longs,
    squeezed_sizes: _Longs,
    n_listed: _Longs,
    names: _Bytes,
    name_ends: _Longs,
    n_rows: int,
    offset: int,
) -> tuple[int, int, int]:
    """Write the chunks of some columns, which are their pages with headers, and what the footer says of them.

    Parameters
    ----------
    out, about
        To fill: the chunks, and the footer's list of them.
    bodies, squeezed
        Page bodies as `put_bodies` leaves them, and those of them that were compressed.
    sizes, squeezed_sizes
        Bytes of the dictionary and the data of each column in both; all 0 in the second if not compressed.
    n_listed
        Entries of each dictionary; 0 if the column has none.
    names, name_ends
        The columns' names, joined, and where each ends.
    offset
        Where in the file `out` will be.

    Returns
    -------
    Bytes used of `out` and of `about`, and how many `out` would have without compression.
    """
    at = n_about = n_plain = 0
    body = small = name = 0
    for column in range(len(n_listed)):
        is_squeezed = squeezed_sizes[column, 1] > 0
        start = at
        n_uncompressed = 0
        data_offset = offset + at
        for page in range(2):
            if page == 0 and n_listed[column] == 0:
                continue
            size = sizes[column, page]
            stored = squeezed_sizes[column, page] if is_squeezed else size
            header = at
            if page == 0:
                at = put_page_header(out, at, DICTIONARY_PAGE, size, stored, n_listed[column], PLAIN)
            else:
                data_offset = offset + at
                encoding = RLE_DICTIONARY if n_listed[column] else PLAIN
                at = put_page_header(out, at, DATA_PAGE, size, stored, n_rows, encoding)
            n_uncompressed += at - header + size
            if is_squeezed:
                out[at : at + stored] = squeezed[small : small + stored]
                small += stored
            else:
                out[at : at + stored] = bodies[body : body + stored]
            body += size
            at += stored
        n_about = put_chunk_header(
            about, n_about, FLOAT, n_listed[column] > 0, names[name : name_ends[column]],
            ZSTD if is_squeezed else 0, n_rows, n_uncompressed, at - start, data_offset, offset + start,
        )  # fmt: skip
        name = name_ends[column]
        n_plain += n_uncompressed
    return at, n_about, n_plain


@njit(cache=True, nogil=True)
def put_page_header(
    out: _Bytes, at: int, page: int, size: int, stored: int, n_values: int, encoding: int
) -> int:
    """Write the header of a page; return where it ends."""
    at = _put_number(out, at, 0x15, page)
    at = _put_number(out, at, 0x15, size)
    at = _put_number(out, at, 0x15, stored)
    out[at] = 0x2C if page == DATA_PAGE else 0x4C
    at = _put_number(out, at + 1, 0x15, n_values)
    at = _put_number(out, at, 0x15, encoding)
    if page == DATA_PAGE:  # the encodings of levels, of which a required column has none
        at = _put_number(out, at, 0x15, RLE)
        at = _put_number(out, at, 0x15, RLE)
    out[at] = 0
    out[at + 1] = 0
    return at + 2


@njit(cache=True, nogil=True)
def put_chunk_header(
    out: _Bytes,
    at: int,
    kind: int,
    has_dictionary: bool,
    name: _Bytes,
    codec: int,
    n_rows: int,
    size: int,
    stored: int,
    data: int,
    dictionary: int,
) -> int:
    """Write what the footer says of a column chunk; return where it ends."""
    at = _put_number(out, at, 0x26, 0)  # where such metadata is besides: nowhere
    out[at] = 0x1C
    at = _put_number(out, at + 1, 0x15, kind)
    out[at] = 0x19
    out[at + 1] = 0x25 if has_dictionary else 0x15
    out[at + 2] = PLAIN << 1
    at += 3
    if has_dictionary:
        out[at] = RLE_DICTIONARY << 1
        at += 1
    out[at] = 0x19
    out[at + 1] = 0x18
    at = _put_varint(out, at + 2, len(name))
    out[at : at + len(name)] = name
    at = _put_number(out, at + len(name), 0x15, codec)
    at = _put_number(out, at, 0x16, n_rows)
    at = _put_number(out, at, 0x16, size)
    at = _put_number(out, at, 0x16, stored)
    at = _put_number(out, at, 0x26, data)
    if has_dictionary:
        at = _put_number(out, at, 0x26, dictionary)
    out[at] = 0
    out[at + 1] = 0
    return at + 2


@njit(cache=True, nogil=True)
def _number_values(
    words: _Words, codes: NDArray[np.int32], slots: NDArray[np.int32], owners: NDArray[np.int32], column: int
) -> int:
    """Give the distinct values of a column numbers from 1 in order of appearance; 0 is the number of zero.

    `slots` is a hash table of positions that is never emptied: an entry counts if its owner is `column`.
    """
    mask = len(slots) - 1
    n_distinct = 0
    for i in range(len(words)):
        # Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4).
        slot = np.int64((np.uint64(words[i]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) & mask
        while owners[slot] == column and words[slots[slot]] != words[i]:
            slot = (slot + 1) & mask
        if owners[slot] == column:
            codes[i] = codes[slots[slot]]
        else:
            owners[slot] = column
            slots[slot] = i
            n_distinct += 1
            codes[i] = n_distinct
    return n_distinct


@njit(cache=True, nogil=True)
def _put_plain(out: _Bytes, at: int, rows: NDArray[np.int32], words: _Words, n_rows: int) -> int:
    out[at : at + 4 * n_rows] = 0
    for i in range(len(rows)):
        _put_bytes(out, at + 4 * int(rows[i]), words[i], 4)
    return at + 4 * n_rows


@njit(cache=True, nogil=True)
def _put_dictionary(out: _Bytes, at: int, words: _Words, codes: NDArray[np.int32]) -> int:
    at = _put_bytes(out, at, 0, 4)
    n_listed = 0
    for i in range(len(words)):
        if codes[i] > n_listed:
            at = _put_bytes(out, at, words[i], 4)
            n_listed += 1
    return at


@njit(cache=True, nogil=True)
def _packed_size(n_rows: int, n_bits: int) -> int:
    n_groups = (n_rows + 7) >> 3
    return _varint_size(n_groups << 1 | 1) + n_groups * n_bits


@njit(cache=True, nogil=True)
def _put_packed(
    out: _Bytes, at: int, rows: NDArray[np.int32], codes: NDArray[np.int32], n_rows: int, n_bits: int
) -> int:
    """Write a column as one run of groups of eight numbers of `n_bits`, the first in the lowest bits."""
    n_groups = (n_rows + 7) >> 3
    at = _put_varint(out, at, n_groups << 1 | 1)
    stop = at + n_groups * n_bits
    out[at:stop] = 0
    for i in range(len(rows)):
        first = int(rows[i]) * n_bits
        byte = at + (first >> 3)
        word = int(codes[i]) << (first & 7)
        while word:
            out[byte] |= word & 255
            word >>= 8
            byte += 1
    return stop


@njit(cache=True, nogil=True)
def _run_end(rows: NDArray[np.int32], codes: NDArray[np.int32], start: int) -> int:
    """Find where the run that starts with a value ends: neighbours with the same number."""
    end = start + 1
    while end < len(rows) and rows[end] == rows[end - 1] + 1 and codes[end] == codes[start]:
        end += 1
    return end


@njit(cache=True, nogil=True)
def _runs_size(rows: NDArray[np.int32], codes: NDArray[np.int32], n_rows: int, n_bits: int) -> int:
    width = (n_bits + 7) >> 3
    size = i = row = 0
    while i < len(rows):
        if rows[i] > row:
            size += _varint_size((rows[i] - row) << 1) + width
        end = _run_end(rows, codes, i)
        size += _varint_size((end - i) << 1) + width
        row = rows[end - 1] + 1
        i = end
    if row < n_rows:
        size += _varint_size((n_rows - row) << 1) + width
    return size


@njit(cache=True, nogil=True)
def _put_runs(
    out: _Bytes, at: int, rows: NDArray[np.int32], codes: NDArray[np.int32], n_rows: int, n_bits: int
) -> int:
    """Write a column as runs of equal numbers, those of zero between the others."""
    width = (n_bits + 7) >> 3
    i = row = 0
    while i < len(rows):
        if rows[i] > row:
            at = _put_run(out, at, 0, rows[i] - row, width)
        end = _run_end(rows, codes, i)
        at = _put_run(out, at, codes[i], end - i, width)
        row = rows[end - 1] + 1
        i = end
    if row < n_rows:
        at = _put_run(out, at, 0, n_rows - row, width)
    return at


@njit(cache=True, nogil=True)
def _put_run(out: _Bytes, at: int, number: int, length: int, width: int) -> int:
    return _put_bytes(out, _put_varint(out, at, length << 1), number, width)


@njit(cache=True, nogil=True)
def _put_number(out: _Bytes, at: int, field: int, number: int) -> int:
    """Write a field that holds a number from zero on; zigzag doubles it."""
    out[at] = field
    return _put_varint(out, at + 1, number << 1)


@njit(cache=True, nogil=True)
def _put_bytes(out: _Bytes, at: int, word: int, n_bytes: int) -> int:
    """Write the lowest bytes of a word, the lowest first."""
    for _ in range(n_bytes):
        out[at] = word & 255
        word >>= 8
        at += 1
    return at


@njit(cache=True, nogil=True)
def _put_varint(out: _Bytes, at: int, number: int) -> int:
    while number >= 128:
        out[at] = (number & 127) | 128
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


@njit(cache=True, nogil=True)
def _varint_size(number: int) -> int:
    size = 1
    while number >= 128:
        number >>= 7
        size += 1
    return size
