"""The first words of many sentences at once."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SPACE = 0x20
# Bytes for a word and the space behind it: symbols have 6 in the mean, few have more than 15.
_BYTES_PER_WORD = 16


class Sentences:
    """Sentences of a block of cells, whose words are found once.

    Parameters
    ----------
    most
        Words of a sentence that are asked for at most; without it all are found, which takes longer.

    Attributes
    ----------
    n_words
        Of each sentence, shape ``(n_cells,)``; of one of more than `most`, more than `most`.
    """

    def __init__(self, sentences: pl.Series, *, most: int | None = None) -> None:
        whole = sentences.cast(pl.Binary).alias("text")
        self._texts = whole if most is None else _beginnings(whole, most)
        texts = self._texts.to_arrow().cast("large_binary")
        _, offsets, content = texts.buffers()
        bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        letters = np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8)
        self._spaces = np.flatnonzero(letters == _SPACE)
        first = np.searchsorted(self._spaces, bounds)
        self._first_space, self._starts, self._ends = first[:-1], bounds[:-1], bounds[1:]
        self.n_words: NDArray[np.int64] = np.where(self._ends > self._starts, np.diff(first) + 1, 0)

    def first(self, rows: NDArray[np.int64], n_words: NDArray[np.int64]) -> pl.Series:
        """Give the first words of the sentences in these rows: of each so many, one or more, as it has."""
        last_space = self._first_space[rows] + n_words - 1
        is_whole = n_words == self.n_words[rows]
        ends = self._ends[rows]
        ends[~is_whole] = self._spaces[last_space[~is_whole]]
        sizes = pl.Series("size", ends - self._starts[rows])
        texts = self._texts.gather(rows).to_frame().with_columns(sizes)
        return texts.select(pl.col("text").bin.slice(0, pl.col("size")).cast(pl.String)).to_series()


def _beginnings(whole: pl.Series, most: int) -> pl.Series:
    """Cut sentences somewhere behind their first words, if that is sure to leave so many of each."""
    size = most * _BYTES_PER_WORD
    cut = whole.to_frame().select(pl.col("text").bin.slice(0, size)).to_series()
    is_cut = (whole.bin.size() > size).to_numpy()
    few = Sentences(cut.filter(pl.Series(is_cut))).n_words
    return cut if (few > most).all() else whole
