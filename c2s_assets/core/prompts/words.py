"""The first words of many sentences at once."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SPACE = 0x20


class Sentences:
    """Sentences of a block of cells, whose words are found once.

    Attributes
    ----------
    n_words
        Of each sentence, shape ``(n_cells,)``.
    """

    def __init__(self, sentences: pl.Series) -> None:
        self._texts = sentences
        texts = sentences.to_arrow().cast("large_string")
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
        texts = self._texts.gather(rows).alias("text").to_frame().with_columns(sizes)
        cut = pl.col("text").cast(pl.Binary).bin.slice(0, pl.col("size")).cast(pl.String)
        return texts.select(cut).to_series()
