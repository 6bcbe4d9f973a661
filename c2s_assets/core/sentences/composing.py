"""Cell sentences: the gene symbols a cell expresses, highest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import (
    CELL_ID,
    CELL_SENTENCE,
    FEATURE_ID,
    N_ABOVE_TIES,
    N_EXPRESSED,
    SENTENCE_LENGTH,
    SYMBOL,
    TIE_SHARE,
)
from c2s_assets.core.errors import InvalidIdsError, NegativeExpressionError
from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.hashes import keys_of, short_id
from c2s_assets.core.sentences.lengths import AUTO, TopN

Tie = Literal["hash", "feature_id"]
_NO_SYMBOL = -1


@dataclass(frozen=True)
class SentenceSpec:
    """Everything that decides what a sentence says.

    Attributes
    ----------
    layer
        The matrix that is ranked: ``raw.X``, ``X`` or ``layers/<name>``.
    symbols
        Identifies the features and their symbols, see `Vocabulary.snapshot`.
    top_n
        Length of the longest sentence, in symbols; or `AUTO`, with which each cell's sentence names the
        symbols above its lowest tie block: those that have the cell's lowest value, if they are several.
    tie
        How equals are ordered: by a ``hash`` of (seed, cell id, feature id), or by ``feature_id``.
    gene_lists
        Name of a list to its symbols; each makes one more column ``cell_sentence_<name>``.
    """

    layer: str
    symbols: str
    top_n: TopN = 2000
    tie: Tie = "hash"
    seed: int = 0
    gene_lists: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def spec_id(self) -> str:
        """Twelve hexadecimal digits that change whenever the sentences could, and only then."""
        lists = {name: sorted(set(symbols)) for name, symbols in self.gene_lists.items()}
        return short_id({**self.described, "gene_lists": lists})

    @property
    def described(self) -> dict[str, str | int]:
        """The settings that matter as a person wants to read them, without the gene lists' contents."""
        return {
            "layer": self.layer,
            "symbols": self.symbols,
            "top_n": self.top_n,
            "tie": self.tie,
            **({"seed": self.seed} if self.tie == "hash" else {}),
            "gene_lists": ", ".join(sorted(self.gene_lists)) or "none",
        }


class Vocabulary:
    """The symbols that sentences of one dataset can hold, and the feature each column stands for.

    Parameters
    ----------
    features
        `feature_id` and `symbol` (null: never in a sentence), one row per column of the matrix, in order.
    """

    def __init__(self, features: pl.DataFrame) -> None:
        self.feature_ids = features[FEATURE_ID]
        encoded = pa.array(features[SYMBOL].to_list(), pa.string()).dictionary_encode()
        self.symbols: pa.StringArray = encoded.dictionary
        self.codes: NDArray[np.int32] = encoded.indices.fill_null(_NO_SYMBOL).to_numpy(zero_copy_only=False)
        uses = np.bincount(self.codes[self.codes >= 0], minlength=len(self.symbols))
        self.is_shared: NDArray[np.bool_] = uses > 1
        # The order of the columns does not matter, nor do features that are never named.
        self.snapshot = short_id(dict(features.select(FEATURE_ID, SYMBOL).drop_nulls().iter_rows()))

    def tie_keys(self, *, tie: Tie, seed: int) -> NDArray[np.uint64]:
        """Key of each feature among equals, shape ``(n_vars,)``: lower comes first."""
        if tie == "feature_id":
            # Spread over all 64 bits, as the kernel expects of keys.
            ranks = self.feature_ids.rank("ordinal").to_numpy().astype(np.uint64)
            return ranks * np.uint64(2**63 // max(len(ranks), 1))
        return keys_of(self.feature_ids, seed=seed)

    def is_in(self, gene_list: Sequence[str]) -> NDArray[np.bool_]:
        """Which symbols, by their code, a gene list names; shape ``(n_symbols,)``."""
        wanted: NDArray[np.bool_] = pc.is_in(self.symbols, pa.array(gene_list, pa.string())).to_numpy(
            zero_copy_only=False
        )
        return wanted


class SentenceComposer:
    """Writes the sentences of blocks of cells, always the same for a cell whatever block it comes in.

    A feature the cell does not express, or that has no symbol, is never named. If features share a
    symbol it is named once, at its highest rank. Values are compared as float32.

    References
    ----------
    Levine et al. (2024), Cell2Sentence. doi:10.1101/2023.09.11.557287
    """

    def __init__(self, vocabulary: Vocabulary, spec: SentenceSpec) -> None:
        from c2s_assets.core.sentences import (
            ranking,  # costs half a second, which only who composes should pay
        )

        self._kernels = ranking
        self._vocabulary = vocabulary
        self._spec = spec
        self._tie_keys = vocabulary.tie_keys(tie=spec.tie, seed=spec.seed)
        self._in_list = {name: vocabulary.is_in(symbols) for name, symbols in sorted(spec.gene_lists.items())}
        self._all_symbols = np.ones(len(vocabulary.symbols), np.bool_)
        n_symbols = len(vocabulary.symbols)
        self._longest = n_symbols if spec.top_n == AUTO else min(spec.top_n, n_symbols)
        words = [f"{symbol} ".encode() for symbol in vocabulary.symbols.to_pylist()]
        padded = [word.ljust(-len(word) // 16 * -16) for word in words]
        starts = np.cumsum([0, *map(len, padded)], dtype=np.uint64)[:-1] // 8
        self._words = np.frombuffer(b"".join(padded), np.uint64)
        self._spans = np.column_stack([starts, np.array([len(word) for word in words], np.uint64)])

    def compose(self, expression: csr_array, cell_ids: pl.Series) -> pa.Table:
        """Write the sentence of every cell of a block.

        Parameters
        ----------
        expression
            Shape ``(n_obs, n_vars)``, counts or normalised, row-compressed without explicit zeros.
        cell_ids
            Shape ``(n_obs,)``.

        Returns
        -------
        `cell_id`, `cell_sentence`, `n_expressed` (distinct symbols expressed), `sentence_length` (symbols
        named: ``min(top_n, n_expressed)``), `n_above_ties`, `tie_share` and one `cell_sentence_<list>` per
        gene list.

        Where several symbols of a cell have the lowest value that its sentence names, those are its lowest
        tie block: which of them are named, and in which order, says nothing of expression. `n_above_ties`
        are the symbols named before them, all where there is no such block; `tie_share` is the share of the
        others in the sentence, null where it is empty.

        Raises
        ------
        NegativeExpressionError
            If a value is below zero: the matrix was scaled, and its order no longer means expression.
        InvalidIdsError
            If symbols are so long that the block's text does not fit into 2 GB.
        """
        rows = csr_of(expression)
        ranked = self._rank(rows, cell_ids)
        columns = {
            CELL_ID: cell_ids.to_arrow().cast(pa.string()),
            CELL_SENTENCE: self._write(rows.indptr, ranked, is_listed=self._all_symbols),
            N_EXPRESSED: pa.array(ranked.n_expressed),
            SENTENCE_LENGTH: pa.array(ranked.n_named),
            N_ABOVE_TIES: pa.array(ranked.n_above_ties),
            TIE_SHARE: _tie_share(ranked),
        }
        for name, is_in_list in self._in_list.items():
            columns[sentence_column(name)] = self._write(rows.indptr, ranked, is_listed=is_in_list)
        return pa.table(columns)

    def _rank(self, rows: Csr, cell_ids: pl.Series) -> "_Ranked":
        """Order the symbols of each cell."""
        is_mixed = self._spec.tie == "hash"
        n_obs = rows.indptr.size - 1
        ranked = _Ranked(np.empty(rows.values.size, np.int32), *(np.empty(n_obs, np.int32) for _ in range(3)))
        options: dict[str, Any] = {
            "codes": self._vocabulary.codes,
            "is_shared": self._vocabulary.is_shared,
            "feature_keys": self._tie_keys,
            "cell_keys": keys_of(cell_ids, seed=self._spec.seed) if is_mixed else self._tie_keys[:0],
            "is_mixed": is_mixed,
            "top_n": self._longest,
            "is_above_ties": self._spec.top_n == AUTO,
            "ranked": ranked.codes,
            "n_ranked": ranked.n_expressed,
            "n_named": ranked.n_named,
            "n_above_ties": ranked.n_above_ties,
        }
        if self._kernels.are_counts(rows.values):
            self._kernels.rank_counts(rows, **options)
            return ranked
        negative = self._kernels.rank_rows(rows, **options)
        if negative >= 0:
            row = int(np.searchsorted(rows.indptr, negative, side="right")) - 1
            raise NegativeExpressionError(
                f"cell {cell_ids[row]!r} has expression {rows.values[negative]:g}. A matrix with values "
                f"below zero was scaled, and its order no longer means expression. Name counts or "
                f"log-normalised values as layer in the dataset's entry of datasets.yaml."
            )
        return ranked

    def _write(
        self,
        starts: NDArray[np.int64],
        ranked: "_Ranked",
        *,
        is_listed: NDArray[np.bool_],
    ) -> pa.StringArray:
        """Join the first symbols of each cell that are listed with single spaces."""
        # Those of a gene list may stand behind the sentence, but not among the ties that `AUTO` leaves out.
        n_ranked = ranked.n_named if self._spec.top_n == AUTO else ranked.n_expressed
        bounds = np.empty(n_ranked.size + 1, np.int64)
        sentences: dict[str, Any] = {
            "starts": starts,
            "ranked": ranked.codes,
            "n_ranked": n_ranked,
            "is_listed": is_listed,
            "spans": self._spans,
            "top_n": self._longest,
            "bounds": bounds,
        }
        self._kernels.measure_text(**sentences)
        if bounds[-1] > np.iinfo(np.int32).max:
            raise InvalidIdsError(
                f"the sentences of {n_ranked.size:,} cells come to {bounds[-1]:,} bytes, because symbols are "
                f"up to {self._spans[:, 1].max() - 1:,} bytes long. Correct the symbols."
            )
        text = np.empty(bounds[-1] + 16, np.uint8)
        self._kernels.write_text(**sentences, words=self._words, text=text)
        return pa.StringArray.from_buffers(
            n_ranked.size, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(text[: bounds[-1]])
        )


@dataclass(frozen=True)
class _Ranked:
    """The symbols of each cell in order: their codes, and how many are expressed, named and above ties."""

    codes: NDArray[np.int32]
    n_expressed: NDArray[np.int32]
    n_named: NDArray[np.int32]
    n_above_ties: NDArray[np.int32]


def sentence_column(gene_list: str) -> str:
    """Name the column of a gene list's sentences."""
    return f"{CELL_SENTENCE}_{gene_list}"


def _tie_share(ranked: _Ranked) -> pa.FloatArray:
    n_tied = (ranked.n_named - ranked.n_above_ties).astype(np.float32)
    is_empty = ranked.n_named == 0
    return pa.array(n_tied / np.where(is_empty, 1, ranked.n_named).astype(np.float32), mask=is_empty)
