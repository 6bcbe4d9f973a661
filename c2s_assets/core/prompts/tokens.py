"""How many tokens prompts have, counted by the tokenizer itself or, where that is the same, by the symbol."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import PROMPT, RESPONSE

# Gives the number of tokens of each text; with those that begin and end a text, or without.
CountTokens = Callable[[Sequence[str], bool], NDArray[np.int64]]

_CHECKED_AT_ONCE = 50
# Stands for the symbols of a sentence where all but these is counted.
PROBE = "GENE"


class TokenCounter:
    """Counts the tokens of prompts and responses as Cell2Sentence joins them: each by itself, and an end.

    Sentences have many words, few of them new: each is counted once and the sums are taken, as long as they
    agree with the tokenizer on 50 records at a time. From the first that differs on, the tokenizer gets every
    text as a whole; what was counted before is then to be counted again, see `is_in_doubt`.

    Attributes
    ----------
    is_by_word
        Whether sums of words have been right so far.
    """

    def __init__(self, count: CountTokens) -> None:
        self._count = count
        self._of_word: dict[str, int] = {}
        self._of_probe = int(count([f" {PROBE}"], False)[0])
        self.is_by_word = True
        self._n_by_word = 0

    @property
    def is_in_doubt(self) -> bool:
        """Whether records were counted by their words before these sums turned out to be wrong."""
        return not self.is_by_word and self._n_by_word > 0

    def of_sentences(self, texts: pl.Series) -> NDArray[np.int64]:
        """Sum the tokens of the words of each sentence, each word behind a space."""
        words = texts.str.split(" ").explode().alias("word")
        new = [word for word in words.unique(maintain_order=True) if word not in self._of_word]
        if new:
            self._of_word |= zip(new, self._count([f" {word}" for word in new], False).tolist(), strict=True)
        known = pl.DataFrame(
            {"word": self._of_word.keys(), "n": self._of_word.values()},
            schema={"word": pl.String, "n": pl.Int64},
        )
        counted = words.to_frame().join(known, on="word", how="left", maintain_order="left")["n"]
        sums = np.concatenate([[0], np.cumsum(counted.to_numpy())])
        n_words = texts.str.count_matches(" ", literal=True).cast(pl.Int64).to_numpy() + 1
        bounds = np.concatenate([[0], np.cumsum(n_words)])
        of_sentences: NDArray[np.int64] = sums[bounds[1:]] - sums[bounds[:-1]]
        return of_sentences

    def of_records(
        self,
        records: pl.DataFrame,
        probes: pl.DataFrame,
        *,
        of_words: NDArray[np.int64],
        n_cells: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Count the tokens of each record.

        Parameters
        ----------
        records
            `prompt` and `response`.
        probes
            The same with `PROBE` for each sentence.
        of_words
            Sums of `of_sentences` over the cells of each record.
        """
        if self.is_by_word:
            distinct = probes.unique(maintain_order=True)
            fixed = distinct.with_columns(n=pl.Series(self._of_texts(distinct)))
            around = probes.join(fixed, on=probes.columns, how="left", maintain_order="left")["n"].to_numpy()
            counted: NDArray[np.int64] = around + of_words - n_cells * self._of_probe
            checked = np.unique(np.linspace(0, max(records.height - 1, 0), _CHECKED_AT_ONCE).astype(np.int64))
            if np.array_equal(self._of_texts(records[checked]), counted[checked]):
                self._n_by_word += records.height
                return counted
            self.is_by_word = False
        return self._of_texts(records)

    def _of_texts(self, records: pl.DataFrame) -> NDArray[np.int64]:
        prompts, responses = (self._count(records[name].to_list(), True) for name in (PROMPT, RESPONSE))
        return prompts + responses + 1
