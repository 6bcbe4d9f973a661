"""Cells of all datasets in one table: the same columns of the same types, whatever each source has."""

from collections.abc import Iterable, Mapping

import polars as pl
import polars.selectors as cs

from c2s_assets.core.cells.curated import CURATED_LABELS
from c2s_assets.core.cells.labels import MEMBER_LISTS
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    CELL_SENTENCE,
    DATASET_ID,
    DONOR_ID,
    DONOR_UID,
    FOLD,
    HAS_KNOWN_DONOR,
    IS_PRIMARY_DATA,
    LIFE_STAGE,
    N_ABOVE_TIES,
    N_EXPRESSED,
    ORGANISM,
    SENTENCE_LENGTH,
    SOURCE_COLUMNS,
    SPLIT,
    SPLIT_LEVEL,
    TIE_SHARE,
)
from c2s_assets.core.splits.records import PUBLICATION_COLUMNS

# As the models of the tables declare them, which a test compares: to import those takes two seconds, and who
# trains a model should not wait for them.
_DESCRIBED: Mapping[str, pl.DataType] = {
    **dict.fromkeys((AGE, AGE_LOW, AGE_HIGH), pl.Float32()),
    **dict.fromkeys((AGE_METHOD, LIFE_STAGE, ORGANISM), pl.String()),
    **dict.fromkeys(CURATED_LABELS, pl.String()),
    **dict.fromkeys((DONOR_UID, DONOR_ID), pl.String()),
    **dict.fromkeys((HAS_KNOWN_DONOR, IS_PRIMARY_DATA), pl.Boolean()),
    **dict.fromkeys(MEMBER_LISTS.values(), pl.List(pl.String())),
}
CELLS = pl.Schema(
    {
        **dict.fromkeys((DATASET_ID, CELL_ID), pl.String()),
        **_DESCRIBED,
    }
)
TRAINING = pl.Schema(
    {
        **dict.fromkeys((DATASET_ID, CELL_ID, SPLIT), pl.String()),
        FOLD: pl.Int32(),
        CELL_SENTENCE: pl.String(),
        **_DESCRIBED,
        SPLIT_LEVEL: pl.String(),
        **dict.fromkeys((N_EXPRESSED, SENTENCE_LENGTH, N_ABOVE_TIES), pl.Int32()),
        TIE_SHARE: pl.Float32(),
        **dict.fromkeys(PUBLICATION_COLUMNS, pl.String()),
    }
)


def training_schema(gene_lists: Iterable[str]) -> pl.Schema:
    """Give the columns of the training table: those of `TRAINING`, and a sentence for each gene list."""
    return pl.Schema({**TRAINING, **{f"{CELL_SENTENCE}_{name}": pl.String() for name in gene_lists}})


def with_source_columns(schema: Mapping[str, pl.DataType]) -> pl.Schema:
    """Put `source_columns` behind the columns that all datasets have."""
    return pl.Schema({**schema, SOURCE_COLUMNS: pl.String()})


def uniform_columns(found: Mapping[str, pl.DataType], schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Make of the columns of one dataset those that all have; works on a block of rows as on a whole table.

    Parameters
    ----------
    found
        The columns of the dataset.
    schema
        Those that all have. A column that the dataset lacks, or has with values that are lists where they
        should be none or the other way round, is null.

    Returns
    -------
    The columns of `schema` in their order, and `source_columns`: all others as one text of JSON, an object
    with their names and values, of which what is not a finite number is null.
    """
    kept = {
        name for name, kind in schema.items() if name in found and _is_list(found[name]) == _is_list(kind)
    }
    own = [name for name in found if name not in kept]
    columns = [
        pl.col(name).cast(kind) if name in kept else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    ]
    return [*columns, _as_json(own).alias(SOURCE_COLUMNS)]


def _as_json(names: list[str]) -> pl.Expr:
    # By name, because a column of a source may be called `*`, or `^.*$`.
    return pl.struct(cs.by_name(names)).struct.json_encode() if names else pl.lit("{}")


def _is_list(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.List)
