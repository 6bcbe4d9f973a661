"""One row per feature: its id, its gene symbol, figures of its values, and the source's own columns."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    APPROVED_SYMBOL,
    DATASET_ID,
    FEATURE_ID,
    FEATURE_KIND,
    IN_SOURCE,
    RESERVED_NAMES,
    SYMBOL,
    names_beside,
)
from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.genes.approved import approved_symbols, by_ensembl_id
from c2s_assets.core.genes.joining import counts_rows
from c2s_assets.core.genes.kinds import GENE, feature_kinds
from c2s_assets.core.genes.naming import ID_COLUMNS, SYMBOL_SOURCE, VAR_NAME, find_symbols, names_in
from c2s_assets.core.genes.symbols import is_ensembl_id, without_genome
from c2s_assets.core.genes.var_columns import columns_called, list_columns

IS_DUPLICATED_SYMBOL = "is_duplicated_symbol"
N_CELLS = "n_cells"
MEAN = "mean"
IS_HIGHLY_VARIABLE = "is_highly_variable"

_NAMES = (
    FEATURE_ID,
    SYMBOL,
    APPROVED_SYMBOL,
    SYMBOL_SOURCE,
    IS_DUPLICATED_SYMBOL,
    FEATURE_KIND,
    VAR_NAME,
)
ADDED_COLUMNS = (*_NAMES, N_CELLS, MEAN, IS_HIGHLY_VARIABLE)
# Of the schema of CELLxGENE, and shown for all datasets by the catalogue.
CURATED_COLUMNS = ("feature_biotype",)


def describe_features(
    var_names: pl.Series,
    var: pl.DataFrame,
    *,
    symbol_column: str | None = None,
    hgnc: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Give every feature an id, a symbol where there is one, and keep its own columns.

    Parameters
    ----------
    var_names
        The index of var, in the order of the matrix.
    var
        The file's own columns, one row per name; none at all is fine.
    symbol_column
        Column that holds the symbols, if the file's owner named one.
    hgnc
        The approved genes, as `parse_hgnc` returns them; None if they were never fetched.

    Returns
    -------
    Those of `ADDED_COLUMNS` that name the feature, then the file's own; `add_figures` adds the others.
    `feature_id` is unique: repeats get ``-1``, ``-2`` as AnnData's ``var_names_make_unique`` does. The own
    columns have the names that `own_names` gives them.

    Raises
    ------
    MissingColumnError
        If `symbol_column` is not a column of `var`.
    """
    if symbol_column is not None and symbol_column not in var.columns:
        raise MissingColumnError(
            f"var has no column {symbol_column!r}, which datasets.yaml names as symbol_column. It has: "
            f"{list_columns(var)}. Correct the entry or leave it out."
        )
    ids, names = feature_ids(var_names, var), names_in(var_names, var, symbol_column)
    kinds = feature_kinds([*names, ids], var)
    symbols = find_symbols(names, is_gene=kinds == GENE, trusted=symbol_column)
    named = _add_approved(pl.DataFrame([ids, kinds, *symbols, var_names.alias(VAR_NAME)]), hgnc)
    is_duplicated = pl.col(SYMBOL).is_not_null() & pl.col(SYMBOL).is_duplicated()
    described = named.with_columns(
        make_unique(named[FEATURE_ID]), is_duplicated.alias(IS_DUPLICATED_SYMBOL)
    ).select(_NAMES)
    return pl.DataFrame([*described, *var.rename(own_names(var.columns))])


def add_figures(
    described: pl.DataFrame,
    *,
    n_cells: NDArray[np.int64],
    mean: NDArray[np.float32],
    is_highly_variable: NDArray[np.bool_] | None,
) -> pl.DataFrame:
    """Put the figures of a matrix behind the names of its features; None where one cannot be told."""
    figures = pl.DataFrame({N_CELLS: n_cells, MEAN: mean}).with_columns(
        pl.lit(None, pl.Boolean).alias(IS_HIGHLY_VARIABLE)
        if is_highly_variable is None
        else pl.Series(IS_HIGHLY_VARIABLE, is_highly_variable)
    )
    return pl.DataFrame([*described.select(_NAMES), *figures, *described.drop(_NAMES)])


def own_names(names: Iterable[str]) -> dict[str, str]:
    """Name each var column as it is called in `feature_metadata`; see `names_beside`.

    The catalogue shows the table with a column `dataset_id`, which is therefore taken as well.
    """
    return names_beside(names, taken=(*ADDED_COLUMNS, DATASET_ID, *RESERVED_NAMES), curated=CURATED_COLUMNS)


def source_columns(features: pl.DataFrame) -> list[pl.Series]:
    """Take the index of var and its columns, under their own names, out of rows of `feature_metadata`."""
    own = features.drop(ADDED_COLUMNS)
    return [features[VAR_NAME].alias("index"), *(column.alias(name_in_source(column.name)) for column in own)]


def name_in_source(name: str) -> str:
    """Name in var of a column of `feature_metadata` that only our own have displaced; see `own_names`."""
    plain = name.removesuffix(IN_SOURCE)
    return plain if own_names([plain])[plain] == name else name


def feature_ids(var_names: pl.Series, var: pl.DataFrame) -> pl.Series:
    """Take the Ensembl id of each feature without version where the file has one, else the index.

    An index that only counts the rows, as Seurat's files have it, gives way to another name. Ids may repeat;
    `describe_features` makes them unique.
    """
    candidates = [var_names, *(var[name] for name in columns_called(ID_COLUMNS, var))]
    ids = [
        pl.when(is_ensembl_id(names)).then(names.str.replace(r"\.\d+$", ""))
        for names in map(without_genome, map(pl.lit, candidates))
    ]
    named = names_in(var_names, var, None) if counts_rows(var_names) else [var_names]
    return pl.select(pl.coalesce(*ids, *map(pl.lit, named)).alias(FEATURE_ID)).to_series()


def make_unique(names: pl.Series) -> pl.Series:
    """Put -1, -2, ... behind names that were there before, as AnnData does, so that all are different."""
    if not names.is_duplicated().any():
        return names
    taken = set(names.unique())
    n_seen: dict[str, int] = {}
    unique = []
    for name in names:
        count = n_seen.get(name, 0)
        candidate = name
        while count and (candidate := f"{name}-{count}") in taken:
            count += 1
        n_seen[name] = count + 1
        taken.add(candidate)
        unique.append(candidate)
    return pl.Series(names.name, unique, pl.String)


def _add_approved(named: pl.DataFrame, hgnc: pl.DataFrame | None) -> pl.DataFrame:
    """Fill symbols that the file lacks, by Ensembl id, and say what HGNC calls each gene."""
    if hgnc is None:
        return named.with_columns(pl.lit(None, pl.String).alias(APPROVED_SYMBOL))
    by_id = by_ensembl_id(hgnc)
    joined = named.join(by_id, on=FEATURE_ID, how="left", maintain_order="left", validate="m:1")
    is_gene = pl.col(FEATURE_KIND) == GENE
    is_filled = is_gene & pl.col(SYMBOL).is_null() & pl.col(APPROVED_SYMBOL).is_not_null()
    filled = joined.with_columns(
        pl.when(is_filled).then(APPROVED_SYMBOL).otherwise(SYMBOL).alias(SYMBOL),
        pl.when(is_filled).then(pl.lit("hgnc")).otherwise(pl.col(SYMBOL_SOURCE)).alias(SYMBOL_SOURCE),
    )
    approved = approved_symbols(filled[FEATURE_ID], filled[SYMBOL], hgnc)
    return filled.with_columns(pl.when(is_gene).then(approved).alias(APPROVED_SYMBOL))
