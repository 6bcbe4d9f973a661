"""Cell sentences: the gene symbols a cell expresses, highest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, CELL_SENTENCE, FEATURE_ID, N_EXPRESSED, SENTENCE_LENGTH, SYMBOL
from c2s_assets.core.errors import NegativeExpressionError
from c2s_assets.core.hashes import keys_of, mix, short_id

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
        Length of the longest sentence, in symbols.
    tie
        How equals are ordered: by a ``hash`` of (seed, cell id, feature id), or by ``feature_id``.
    gene_lists
        Name of a list to its symbols; each makes one more column ``cell_sentence_<name>``.
    """

    layer: str
    symbols: str
    top_n: int = 2000
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
            return self.feature_ids.rank("ordinal").to_numpy().astype(np.uint64)
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
        self._vocabulary = vocabulary
        self._spec = spec
        self._tie_keys = vocabulary.tie_keys(tie=spec.tie, seed=spec.seed)
        self._in_list = {name: vocabulary.is_in(symbols) for name, symbols in sorted(spec.gene_lists.items())}
        self._longest = min(spec.top_n, len(vocabulary.symbols))

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
        named: ``min(top_n, n_expressed)``) and one `cell_sentence_<list>` per gene list.

        Raises
        ------
        NegativeExpressionError
            If a value is below zero: the matrix was scaled, and its order no longer means expression.
        """
        _refuse_negative(expression, cell_ids)
        n_obs = expression.shape[0]
        rows, codes = self._rank(expression, cell_ids)
        n_expressed = np.bincount(rows, minlength=n_obs).astype(np.int32)
        columns = {
            CELL_ID: pa.array(cell_ids.to_list(), pa.string()),
            CELL_SENTENCE: self._join(rows, codes, n_obs=n_obs),
            N_EXPRESSED: pa.array(n_expressed),
            SENTENCE_LENGTH: pa.array(np.minimum(n_expressed, self._longest)),
        }
        for name, is_in_list in self._in_list.items():
            named = is_in_list[codes]
            columns[sentence_column(name)] = self._join(rows[named], codes[named], n_obs=n_obs)
        return pa.table(columns)

    def _rank(self, expression: csr_array, cell_ids: pl.Series) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        """Order the symbols of each cell: row of the cell and code of the symbol, highest first."""
        rows = np.repeat(np.arange(expression.shape[0]), np.diff(expression.indptr))
        codes = self._vocabulary.codes[expression.indices]
        values = expression.data.astype(np.float32, copy=False)
        used = (codes >= 0) & (values > 0)
        rows, codes, values = rows[used], codes[used], values[used]

        ties = self._tie_keys[expression.indices[used]]
        if self._spec.tie == "hash":
            ties = mix(keys_of(cell_ids, seed=self._spec.seed)[rows] ^ ties)
        order = np.lexsort((ties, -values, rows))
        rows, codes = rows[order], codes[order]

        shared = np.flatnonzero(self._vocabulary.is_shared[codes])
        if shared.size:
            words = rows[shared] * len(self._vocabulary.symbols) + codes[shared]
            _, first = np.unique(words, return_index=True)
            repeats = np.delete(shared, first)
            rows, codes = np.delete(rows, repeats), np.delete(codes, repeats)
        return rows, codes

    def _join(self, rows: NDArray[np.intp], codes: NDArray[np.int32], *, n_obs: int) -> pa.StringArray:
        """Join the first `top_n` symbols of each cell with single spaces."""
        starts = np.searchsorted(rows, np.arange(n_obs))
        is_named = np.arange(rows.size) - starts[rows] < self._longest
        offsets = np.searchsorted(rows[is_named], np.arange(n_obs + 1)).astype(np.int32)
        names = self._vocabulary.symbols.take(pa.array(codes[is_named]))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), names), " ")


def sentence_column(gene_list: str) -> str:
    """Name the column of a gene list's sentences."""
    return f"{CELL_SENTENCE}_{gene_list}"


def _refuse_negative(expression: csr_array, cell_ids: pl.Series) -> None:
    negative = np.flatnonzero(expression.data < 0)
    if negative.size:
        row = int(np.searchsorted(expression.indptr, negative[0], side="right")) - 1
        raise NegativeExpressionError(
            f"cell {cell_ids[row]!r} has expression {expression.data[negative[0]]:g}. A matrix with values "
            f"below zero was scaled, and its order no longer means expression. Name counts or "
            f"log-normalised values as layer in the dataset's entry of datasets.yaml."
        )
