"""Cells, groups of cells and a vocabulary as Cell2Sentence names them."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from c2s_assets.core.columns import (
    AGE,
    CELL_ID,
    CELL_SENTENCE,
    CELL_TYPE,
    DATASET_ID,
    DONOR_UID,
    ORGANISM,
    SEX,
    SPLIT,
    SYMBOL,
)
from c2s_assets.core.genes.features import N_CELLS
from c2s_assets.core.hashes import keys_of
from c2s_assets.core.prompts.facts import DISEASE, TISSUE, facts_of
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.core.prompts.subjects import groups_of_cells, single_cells
from c2s_assets.core.splits.sides import TEST, TRAIN, VALIDATION

CELL_NAME, GROUPINGS, ABSTRACT = "cell_name", "multi_cell_groupings", "abstract"
# Its keys of data_split_indices_dict.
SIDE_NAMES = {TRAIN: "train", VALIDATION: "val", TEST: "test"}
_LABELS = (CELL_TYPE, TISSUE, DISEASE, ORGANISM, SEX, "assay")
_DESCRIPTION = "publication_description"


def named_cells(cells: pl.DataFrame, *, is_upper: bool) -> pl.DataFrame:
    """Give cells the columns of Cell2Sentence; the donor is the `batch_condition`.

    Parameters
    ----------
    cells
        Rows of the training table.
    is_upper
        Whether symbols are written in upper case, as Cell2Sentence itself and its models have them.
    """
    sentence = pl.col(CELL_SENTENCE).str.to_uppercase() if is_upper else pl.col(CELL_SENTENCE)
    return cells.select(
        pl.col(CELL_ID).alias(CELL_NAME),
        sentence,
        *_LABELS,
        pl.col(DONOR_UID).alias("batch_condition"),
        AGE,
        DATASET_ID,
        SPLIT,
    )


def named_groups(cells: pl.DataFrame, spec: PromptSpec, *, start: int) -> pl.DataFrame:
    """Group cells of one donor and tissue, see `groups_of_cells`; `multi_cell_groupings` are their rows.

    Parameters
    ----------
    cells
        Rows of the training table, of one dataset and side.
    start
        Row of the first of them among all that are written.
    """
    n_words = (cells[CELL_SENTENCE].str.len_bytes() > 0).cast(pl.Int64).to_numpy()
    singles = single_cells(facts_of(cells), keys_of(cells[CELL_ID], seed=spec.seed), n_words)
    groups = groups_of_cells(cells, singles, size=spec.cells_per_group)
    first = groups.rows[np.cumsum(groups.sizes) - groups.sizes]
    of_first = cells.select(pl.all().gather(first))
    return of_first.select(
        groups.lists(pl.Series(GROUPINGS, groups.rows + start)),
        ORGANISM,
        TISSUE,
        pl.col(DONOR_UID).alias("batch_condition"),
        pl.col(_DESCRIPTION).alias(ABSTRACT),
        DATASET_ID,
        SPLIT,
    )


def split_indices(sides: Iterable[str]) -> dict[str, list[int]]:
    """Make `data_split_indices_dict`: the 0-based rows of each side."""
    rows = pl.DataFrame({SPLIT: sides}, schema={SPLIT: pl.String}).with_row_index("row")
    return {name: rows.filter(pl.col(SPLIT) == side)["row"].to_list() for side, name in SIDE_NAMES.items()}


def add_to_vocabulary(vocabulary: dict[str, int], features: pl.DataFrame, *, is_upper: bool) -> None:
    """Add the symbols of a dataset in their order, each with the number of cells that express it.

    Of features that share a symbol the one in most cells counts, as `cell_sentences` names it once.

    Parameters
    ----------
    features
        `symbol` and `n_cells`.
    """
    symbol = pl.col(SYMBOL).str.to_uppercase() if is_upper else pl.col(SYMBOL)
    counted = features.drop_nulls(SYMBOL).group_by(symbol, maintain_order=True).agg(pl.col(N_CELLS).max())
    for name, n_cells in counted.iter_rows():
        vocabulary[name] = vocabulary.get(name, 0) + n_cells


def without_label(cells: pl.DataFrame) -> Mapping[str, int]:
    """Count the cells of which a label that Cell2Sentence puts into prompts is not known."""
    return {name: cells[name].null_count() for name in (CELL_TYPE, TISSUE, ORGANISM)}
