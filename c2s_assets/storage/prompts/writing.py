"""Writes `training_prompts`: the records of all sides, block by block, as they are read from `train_test`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import polars as pl

from c2s_assets.core.columns import (
    AGE_HIGH,
    AGE_LOW,
    CELL_ID,
    CELL_SENTENCE,
    DONOR_ID,
    DONOR_UID,
    HAS_KNOWN_DONOR,
    ORGANISM,
    TASK,
)
from c2s_assets.core.prompts.composing import NO_ROOM, Composed, PromptComposer
from c2s_assets.core.prompts.facts import LABELS
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.names import NAMING_COLUMNS, names_of_answers
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.core.prompts.tokens import TokenCounter
from c2s_assets.schemas.registry import SIDES_OF_DATASET
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.prompts.tokenizer import open_tokenizer
from c2s_assets.storage.streams import N_THREADS, map_ahead
from c2s_assets.storage.tables.parquet import iter_table, table_schema

# 287,000 prompts took 6.1 s of processor time and 0.50 GB in blocks of 1,024 cells, 5.5 s and 0.65 GB of
# 2,048, 5.9 s and 0.84 GB of 4,096.
_CELLS_AT_ONCE = 2_048
_TITLE = "publication_title"
_READ = (CELL_ID, CELL_SENTENCE, DONOR_UID, HAS_KNOWN_DONOR, ORGANISM, AGE_LOW, AGE_HIGH, *LABELS)


@dataclass
class WrittenPrompts:
    """How many records there are of each task, and how many were left out, by task and reason."""

    n_records: Counter[str] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def n_leaks(self) -> dict[str, int]:
        """Records that were left out because of what their question held."""
        found: Counter[str] = Counter()
        for (_, reason), n in self.left_out.items():
            if reason != NO_ROOM:
                found[reason] += n
        return dict(found)

    @property
    def n_without_room(self) -> dict[str, int]:
        """Records for which `max_tokens` had no room, by task."""
        return {task: n for (task, reason), n in self.left_out.items() if reason == NO_ROOM}


def write_prompts(staged: DatasetStage, spec: PromptSpec, finder: LeakFinder) -> WrittenPrompts:
    """Write the records of all sides.

    They are written once more if the tokenizer turns out, on the way, to count another way than was thought.
    """
    counter = None if spec.tokenizer is None else open_tokenizer(staged.dataset.layout, spec.tokenizer)
    written = _write(staged, spec, finder, counter)
    if counter is not None and counter.is_in_doubt:
        written = _write(staged, spec, finder, counter)
    return written


def _write(
    staged: DatasetStage, spec: PromptSpec, finder: LeakFinder, counter: TokenCounter | None
) -> WrittenPrompts:
    composer = PromptComposer(spec, finder, counter)
    written = WrittenPrompts()

    def compose(block: tuple[str, pl.DataFrame]) -> Composed:
        side, cells = block
        return composer.compose(cells, side=side)

    # What a counter has found out of one block it uses in the next.
    n_threads = N_THREADS if counter is None else 1
    sides = _sides(staged.dataset, _READ)
    with closing(map_ahead(compose, sides, n_threads=n_threads)) as composed:
        staged.write(_counted(composed, written), spec_id=spec.spec_id, spec=spec.model_dump())
    return written


def leak_finder(dataset: Dataset) -> LeakFinder:
    """Collect what no question may hold: all donors, titles, and what else answers are called."""
    donors: set[str] = set()
    titles = {dataset.origin.title}
    names: dict[str, set[str]] = {}
    for _, cells in _sides(dataset, [DONOR_ID, _TITLE, *NAMING_COLUMNS]):
        donors.update(cells[DONOR_ID].drop_nulls().unique())
        titles.update(cells[_TITLE].drop_nulls().unique())
        for answer, name in names_of_answers(cells):
            names.setdefault(answer, set()).add(name)
    return LeakFinder(
        frozenset(donors),
        tuple(sorted(title for title in titles if title)),
        {answer: sorted(called) for answer, called in names.items()},
    )


def _counted(composed: Iterable[Composed], written: WrittenPrompts) -> Iterator[pl.DataFrame]:
    """Pass records through, and count them."""
    for block in composed:
        written.n_records.update(dict(block.records[TASK].value_counts().iter_rows()))
        written.left_out.update(block.left_out)
        yield block.records


def _sides(dataset: Dataset, columns: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Read those of the columns that a dataset has, block by block, each with its side."""
    dataset.path(SIDES_OF_DATASET)
    for path in dataset.layout.places(SIDES_OF_DATASET, dataset.dataset_id):
        if path.exists():
            known = table_schema(path).names
            read = [name for name in columns if name in known]
            for cells in iter_table(path, columns=read, rows=_CELLS_AT_ONCE):
                yield path.name, cells
