"""Prompts and responses on the cells of a block: what `training_prompts` holds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    CELL_ID,
    CELL_IDS,
    CELL_SENTENCE,
    N_TOKENS,
    NUM_GENES,
    ORGANISM,
    PROMPT,
    RESPONSE,
    SPLIT,
    TASK,
    TEMPLATE_ID,
)
from c2s_assets.core.hashes import keys_of, mix
from c2s_assets.core.prompts import templates as t
from c2s_assets.core.prompts.facts import UNKNOWN_ORGANISM, facts_of
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.core.prompts.subjects import Subjects, groups_of_cells, single_cells
from c2s_assets.core.prompts.templates import Task, all_tasks
from c2s_assets.core.prompts.tokens import PROBE, TokenCounter
from c2s_assets.core.prompts.words import Sentences

NO_ROOM = "no room for a gene"
_TEMPLATE, _LEAK, _ROW = "template", "leak", "row"
# Stands for a number of genes where only the words of a question matter.
_SOME = "some"


@dataclass(frozen=True)
class Composed:
    """Records of a block, and how many of each task were left out, by task and reason."""

    records: pl.DataFrame
    left_out: Counter[tuple[str, str]]


class PromptComposer:
    """Writes the records of blocks of cells.

    What is not known of a cell is not asked, and a question that gives its answer away is left out. Groups
    are of cells of one block; a record on one cell is the same whatever else its block holds.

    Parameters
    ----------
    counter
        Counts tokens; without one `n_tokens` is null.
    """

    def __init__(self, spec: PromptSpec, finder: LeakFinder, counter: TokenCounter | None = None) -> None:
        self._spec, self._finder, self._counter = spec, finder, counter
        self._tasks = [task for name, task in all_tasks().items() if name in spec.tasks]

    def compose(self, cells: pl.DataFrame, *, side: str) -> Composed:
        """Write the records on a block of cells, in the order of the first cell of each.

        So a sentence stands beside itself, task after task, and a table is half the size that it has when
        tasks come one after the other, and written in half the time.

        Parameters
        ----------
        cells
            Rows of one side of `train_test`.
        """
        # A word is a token at least.
        most = self._spec.most_genes or self._spec.max_tokens
        sentences = Sentences(cells[CELL_SENTENCE], most=most)
        keys = keys_of(cells[CELL_ID], seed=self._spec.seed)
        singles = single_cells(facts_of(cells), keys, sentences.n_words)
        left_out: Counter[tuple[str, str]] = Counter()
        groups = None
        found = []
        for task in self._tasks:
            if task.is_of_groups and groups is None:
                groups = groups_of_cells(cells, singles, size=self._spec.cells_per_group)
            subjects = groups if task.is_of_groups and groups is not None else singles
            found.append(self._records(task, subjects, sentences, cells[CELL_ID], left_out))
        records = pl.concat(found).sort(_ROW, maintain_order=True)
        return Composed(records.select(pl.exclude(_ROW), pl.lit(side).alias(SPLIT)), left_out)

    def _records(
        self,
        task: Task,
        subjects: Subjects,
        sentences: Sentences,
        cell_ids: pl.Series,
        left_out: Counter[tuple[str, str]],
    ) -> pl.DataFrame:
        known = subjects.take(subjects.facts[task.answer].is_not_null().to_numpy())
        asked = _Asked(task, known, seed=self._spec.seed)
        leaks = asked.leaks(self._finder)
        left_out.update((task.name, kind) for kind in leaks.drop_nulls())
        asked = asked.take(leaks.is_null().to_numpy())
        n_words = np.minimum(
            sentences.n_words[asked.subjects.rows], self._spec.most_genes or np.iinfo(np.int64).max
        )
        n_tokens = None
        if self._counter is not None:
            n_words, n_tokens = self._fit(asked, sentences, n_words)
            has_room = asked.subjects.lowest(n_words) > 0
            left_out[task.name, NO_ROOM] += int((~has_room).sum())
            n_words = n_words[np.repeat(has_room, asked.subjects.sizes)]
            asked, n_tokens = asked.take(has_room), n_tokens[has_room]
        texts = sentences.first(asked.subjects.rows, n_words)
        ids = asked.subjects.lists(cell_ids.gather(asked.subjects.rows).alias(CELL_ID))
        return asked.filled(texts, n_words).select(
            pl.lit(task.name).alias(TASK),
            PROMPT,
            RESPONSE,
            pl.Series(NUM_GENES, asked.subjects.sums(n_words), pl.Int32),
            pl.lit(None, pl.Int32).alias(N_TOKENS)
            if n_tokens is None
            else pl.Series(N_TOKENS, n_tokens, pl.Int32),
            ids.alias(CELL_IDS),
            TEMPLATE_ID,
            pl.Series(_ROW, asked.subjects.first_rows),
        )

    def _fit(
        self, asked: "_Asked", sentences: Sentences, n_words: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Shorten sentences until each record fits into `max_tokens`; return their words and all tokens.

        A record into which not one word of each cell fits gets 0 words.
        """
        most = self._spec.max_tokens
        # A word is a token at least.
        n_words = n_words if most is None else np.minimum(n_words, most)
        n_tokens = np.zeros(asked.subjects.sizes.size, np.int64)
        pending = np.ones(n_tokens.size, np.bool_)
        while pending.any():
            part, of_cells = asked.take(pending), np.repeat(pending, asked.subjects.sizes)
            n_tokens[pending] = self._count(part, sentences, n_words[of_cells])
            if most is None:
                break
            excess = n_tokens - most
            pending &= excess > 0
            per_word = n_tokens / np.maximum(asked.subjects.sums(n_words), 1)
            less = np.ceil(excess / np.maximum(per_word, 1) / asked.subjects.sizes).astype(np.int64)
            n_words -= np.repeat(np.where(pending, np.maximum(less, 1), 0), asked.subjects.sizes)
            n_words = np.maximum(n_words, 0)
            pending &= asked.subjects.lowest(n_words) > 0
        return n_words, n_tokens

    def _count(self, asked: "_Asked", sentences: Sentences, n_words: NDArray[np.int64]) -> NDArray[np.int64]:
        assert self._counter is not None  # noqa: S101
        subjects = asked.subjects
        texts = sentences.first(subjects.rows, n_words)
        probes = pl.Series("text", [PROBE]).new_from_index(0, len(texts))
        return self._counter.of_records(
            asked.filled(texts, n_words).select(PROMPT, RESPONSE),
            asked.filled(probes, n_words).select(PROMPT, RESPONSE),
            of_words=subjects.sums(self._counter.of_sentences(texts)),
            n_cells=subjects.sizes,
        )


@dataclass(frozen=True)
class _Asked:
    """Subjects, and with which wording of a task each is asked."""

    task: Task
    subjects: Subjects
    seed: int

    def take(self, chosen: NDArray[np.bool_]) -> "_Asked":
        return _Asked(self.task, self.subjects.take(chosen), self.seed)

    def filled(self, texts: pl.Series, n_words: NDArray[np.int64]) -> pl.DataFrame:
        """Write `prompt`, `response` and `template_id` of each subject."""
        num_genes = pl.Series(t.NUM_GENES, self.subjects.sums(n_words))
        return self._written(self._lines(texts), num_genes)

    def leaks(self, finder: LeakFinder) -> pl.Series:
        """Name what each question gives away; null if nothing. Each distinct question is looked at once."""
        n = self.subjects.sizes.size
        nothing = pl.Series("", [""]).new_from_index(0, n)
        asked = self._written(nothing, pl.Series("", [_SOME]).new_from_index(0, n)).select(PROMPT, RESPONSE)
        distinct = asked.unique(maintain_order=True)
        kinds = [
            finder.find(prompt, None if self.task.is_generation else response)
            for prompt, response in distinct.iter_rows()
        ]
        judged = distinct.with_columns(pl.Series(_LEAK, kinds, pl.String))
        return asked.join(judged, on=asked.columns, how="left", maintain_order="left")[_LEAK]

    def _lines(self, texts: pl.Series) -> pl.Series:
        """Put the sentence of each cell on a line of its own."""
        if not self.task.is_of_groups:
            return ("Cell: " + texts).alias(t.CELLS)
        sizes = self.subjects.sizes
        starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
        numbers = pl.Series("n", np.arange(len(texts)) - starts + 1).cast(pl.String)
        return self.subjects.lists(("Cell " + numbers + ": " + texts).alias(t.CELLS)).list.join("\n")

    def _written(self, cells: pl.Series, num_genes: pl.Series) -> pl.DataFrame:
        values: Mapping[str, pl.Expr] = {
            name: pl.col(name) for name in (t.CELLS, t.NUM_GENES, t.N_CELLS, t.ANSWER, t.ORGANISM)
        }
        facts = self.subjects.facts
        n_prompts = len(self.task.prompts)
        salt = keys_of([self.task.name], seed=self.seed)[0]
        frame = pl.DataFrame(
            {
                t.CELLS: cells,
                t.NUM_GENES: num_genes,
                t.N_CELLS: self.subjects.sizes,
                t.ANSWER: facts[self.task.answer],
                t.ORGANISM: facts[ORGANISM].fill_null(UNKNOWN_ORGANISM),
                _TEMPLATE: (mix(self.subjects.keys ^ salt) % np.uint64(n_prompts)).astype(np.int64),
            }
        ).with_row_index("subject")
        return (
            pl.concat(
                frame.filter(pl.col(_TEMPLATE) == number).select(
                    "subject",
                    template.fill(values).alias(PROMPT),
                    self.task.response.fill(values).alias(RESPONSE),
                    pl.lit(self.task.template_id(number)).alias(TEMPLATE_ID),
                )
                for number, template in enumerate(self.task.prompts)
            )
            .sort("subject")
            .drop("subject")
        )
