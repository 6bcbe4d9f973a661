"""Writes cells, groups and vocabulary for Cell2Sentence, into a folder outside the lake."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from c2s_assets.core.cells.uniform import TRAINING, uniform_columns
from c2s_assets.core.columns import CELL_TYPE, SPLIT, SYMBOL
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.genes.features import N_CELLS
from c2s_assets.core.prompts.cell2sentence import (
    add_to_vocabulary,
    named_cells,
    named_groups,
    split_indices,
    without_label,
)
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import FEATURES, SIDES_OF_DATASET
from c2s_assets.storage.choosing import files_of, present_tables
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.prompts.arrow_datasets import write_arrow_dataset
from c2s_assets.storage.replacing import refuse_taken, taking_the_place_of
from c2s_assets.storage.tables.parquet import iter_table, read_table

CELLS, GROUPS, VOCABULARY = "cells", "groups", "vocabulary.json"
_CELLS_SCHEMA = pa.schema(
    [
        ("cell_name", pa.string()),
        ("cell_sentence", pa.string()),
        ("cell_type", pa.string()),
        ("tissue", pa.string()),
        ("disease", pa.string()),
        ("organism", pa.string()),
        ("sex", pa.string()),
        ("assay", pa.string()),
        ("batch_condition", pa.string()),
        ("age", pa.float32()),
        ("dataset_id", pa.string()),
        ("split", pa.string()),
    ]
)
_GROUPS_SCHEMA = pa.schema(
    [
        ("multi_cell_groupings", pa.list_(pa.int64())),
        ("organism", pa.string()),
        ("tissue", pa.string()),
        ("batch_condition", pa.string()),
        ("abstract", pa.string()),
        ("dataset_id", pa.string()),
        ("split", pa.string()),
    ]
)
SPLIT_OF_CELLS, SPLIT_OF_GROUPS = "data_split_indices.json", "group_split_indices.json"


@dataclass(frozen=True)
class ExportedCells:
    """What was written: cells by side, groups, symbols, and cells of which a label is not known."""

    n_cells: Mapping[str, int]
    n_groups: int
    n_symbols: int
    n_unknown: Mapping[str, int]


def export_cell2sentence(
    layout: Layout, folder: Path, *, datasets: Sequence[str] | None = None, is_upper: bool = False
) -> ExportedCells:
    """Write the cells of some or all datasets that are on a side as Cell2Sentence loads them.

    Memory is bounded by a block of rows; the same tables give the same bytes.

    Raises
    ------
    LakeError
        If the folder holds anything, or cannot be written.
    UnknownNameError
        If the lake has no such dataset.
    MissingInputError
        If a table of them is missing or outdated, or is built anew meanwhile; or if no cell has a type.
    """
    refuse_taken(folder)
    settings = read_settings(layout)
    sides = present_tables(layout, settings, SIDES_OF_DATASET, datasets)
    features = present_tables(layout, settings, FEATURES, list(sides))
    cells = _Cells(layout, sides, settings.prompts, is_upper=is_upper)
    vocabulary: dict[str, int] = {}
    for dataset_id in features:
        counted = read_table(layout.table(FEATURES, dataset_id), columns=[SYMBOL, N_CELLS])
        add_to_vocabulary(vocabulary, counted, is_upper=is_upper)
    with taking_the_place_of(folder) as written:
        cells.write(written)
        _write_json(written / VOCABULARY, vocabulary)
        if present_tables(layout, settings, SIDES_OF_DATASET, list(sides)) != sides:
            raise MissingInputError("a dataset was built anew while it was exported. Export again.")
    return ExportedCells(cells.n_cells, cells.n_groups, len(vocabulary), cells.n_unknown)


class _Cells:
    """The cells that are written, and what is to be known of them once they are.

    Attributes
    ----------
    n_cells, n_groups, n_unknown
        See `ExportedCells`; so far.
    """

    def __init__(
        self, layout: Layout, tables: Mapping[str, Built], spec: PromptSpec, *, is_upper: bool
    ) -> None:
        self._layout, self._tables, self._spec, self._is_upper = layout, tables, spec, is_upper
        self._sides: list[pl.Series] = []
        self._groups: list[pl.DataFrame] = []
        self.n_cells, self.n_unknown = Counter[str](), Counter[str]()

    @property
    def n_groups(self) -> int:
        return sum(groups.height for groups in self._groups)

    def write(self, folder: Path) -> None:
        """Write cells and groups, and which of them are on which side."""
        write_arrow_dataset(folder / CELLS, self._named(), schema=_CELLS_SCHEMA)
        if self.n_unknown[CELL_TYPE] == self.n_cells.total():
            raise MissingInputError(
                f"no cell of {', '.join(self._tables)} has a cell_type, which the tasks of Cell2Sentence ask "
                f"for. Name the column of the h5ad in datasets.yaml: cell_type_column."
            )
        write_arrow_dataset(folder / GROUPS, self._groups, schema=_GROUPS_SCHEMA)
        sides = pl.concat(self._sides)
        sides_of_groups = (side for groups in self._groups for side in groups[SPLIT])
        _write_json(folder / SPLIT_OF_CELLS, split_indices(sides))
        _write_json(folder / SPLIT_OF_GROUPS, split_indices(sides_of_groups))

    def _named(self) -> Iterator[pl.DataFrame]:
        start = 0
        for built in self._tables.values():
            for path in files_of(self._layout, built):
                for block in iter_table(path):
                    cells = block.select(uniform_columns(block.schema, TRAINING))
                    self._sides.append(cells[SPLIT])
                    self._groups.append(named_groups(cells, self._spec, start=start))
                    self.n_cells[path.parent.name] += cells.height
                    self.n_unknown.update(without_label(cells))
                    start += cells.height
                    yield named_cells(cells, is_upper=self._is_upper)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
