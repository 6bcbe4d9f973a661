"""Sets of small numbers as bits of words: what two sets share is found 64 numbers at a time."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr

WORD = 64


class Bits(NamedTuple):
    """The indices of the rows of a `Csr` as bits.

    Attributes
    ----------
    bits
        Shape ``(n_rows, n_words)``.
    begins
        Entry of the first index of each word, or of the next one that there is; of the same shape.
    """

    bits: NDArray[np.uint64]
    begins: NDArray[np.uint64]


@njit(cache=True, nogil=True)
def bits_of(rows: Csr, n_columns: int) -> Bits:
    """Note which indices each row has, in ascending order, of `n_columns` that there are."""
    n_rows, n_words = rows.indptr.size - 1, n_columns // WORD + 1
    bits, begins = np.zeros((n_rows, n_words), np.uint64), np.empty((n_rows, n_words), np.uint64)
    for row in range(n_rows):
        entry = rows.indptr[row]
        for word in range(n_words):
            begins[row, word] = entry
            while entry < rows.indptr[row + 1] and rows.indices[entry] // WORD == word:
                bits[row, word] |= np.uint64(1) << np.uint64(rows.indices[entry] % WORD)
                entry += 1
    return Bits(bits, begins)


def _generate_count(_: Any, word: Any) -> Any:
    """Count the bits of a word; for numba."""

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(word), generate


count_bits: Any = intrinsic(_generate_count)
