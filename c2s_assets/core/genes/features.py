"""One row per feature: its id, its gene symbol, figures of its values, and the source's own columns."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    APPROVED_SYMBOL,
    DATASET_ID,
    FEATURE_ID,
    FEATURE_NAME,
    RESERVED_NAMES,
    SYMBOL,
    names_beside,
)
from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.genes.approved import approved_symbols, by_ensembl_id
from c2s_assets.core.genes.symbols import clean_symbol, is_ensembl_id

VAR_NAME = "var_name"
SYMBOL_SOURCE = "symbol_source"
IS_DUPLICATED_SYMBOL = "is_duplicated_symbol"
N_CELLS = "n_cells"
MEAN = "mean"
IS_HIGHLY_VARIABLE = "is_highly_variable"

_NAMES = (FEATURE_ID, SYMBOL, APPROVED_SYMBOL, SYMBOL_SOURCE, IS_DUPLICATED_SYMBOL, VAR_NAME)
ADDED_COLUMNS = (*_NAMES, N_CELLS, MEAN, IS_HIGHLY_VARIABLE)
# Of the schema of CELLxGENE, and shown for all datasets by the catalogue.
CURATED_COLUMNS = ("feature_biotype",)

# Where files that are not of CELLxGENE keep symbols and Ensembl ids, most specific first.
_SYMBOL_COLUMNS = (FEATURE_NAME, "gene_symbol", "gene_symbols", "gene_name", "gene_names", SYMBOL)
_ENSEMBL_COLUMNS = (FEATURE_ID, "ensembl_id", "ensembl_gene_id", "ensembl", "gene_ids", "gene_id")


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
            f"{', '.join(var.columns) or 'none'}. Correct the entry or leave it out."
        )
    named = pl.DataFrame(
        [
            feature_ids(var_names, var),
            *_find_symbols(var_names, var, symbol_column),
            var_names.alias(VAR_NAME),
        ]
    )
    named = _add_approved(named, hgnc)
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


def feature_ids(var_names: pl.Series, var: pl.DataFrame) -> pl.Series:
    """Take the Ensembl id of each feature without version where the file has one, else the index.

    They may repeat; `describe_features` makes them unique.
    """
    candidates = [var_names, *(var[name] for name in _text_columns(var, _ENSEMBL_COLUMNS))]
    ids = [
        pl.when(is_ensembl_id(names)).then(names.str.replace(r"\.\d+$", ""))
        for names in map(pl.lit, candidates)
    ]
    return pl.select(pl.coalesce(*ids, pl.lit(var_names)).alias(FEATURE_ID)).to_series()


def add_missing_columns(
    raw_names: pl.Series, raw_var: pl.DataFrame, var_names: pl.Series, var: pl.DataFrame
) -> pl.DataFrame:
    """Add to `raw.var` the columns that only `var` has, by name of the feature; null where `var` lacks it.

    `raw.X` often has features that `X` does not, and `raw.var` often has no columns of its own. A name
    that stands in `var` twice says nothing.
    """
    further = [name for name in var.columns if name not in raw_var.columns]
    rows = pl.DataFrame({"name": var_names}).with_row_index("row").unique("name", keep="none")
    found = pl.DataFrame({"name": raw_names}).join(rows, on="name", how="left", maintain_order="left")["row"]
    return pl.DataFrame([*raw_var, *var.select(pl.col(further).gather(found))])


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


def _find_symbols(var_names: pl.Series, var: pl.DataFrame, symbol_column: str | None) -> pl.DataFrame:
    """Take symbols from one column of var and where it has none from the index, and say which it was."""
    column = symbol_column or next(iter(_text_columns(var, _SYMBOL_COLUMNS)), None)
    candidates = [(VAR_NAME, var_names)]
    if column is not None:
        candidates.insert(0, (column, var[column].cast(pl.String)))
    symbols = [clean_symbol(pl.lit(names)) for _, names in candidates]
    sources = [
        pl.when(symbol.is_not_null()).then(pl.lit(name))
        for symbol, (name, _) in zip(symbols, candidates, strict=True)
    ]
    return pl.select(pl.coalesce(symbols).alias(SYMBOL), pl.coalesce(sources).alias(SYMBOL_SOURCE))


def _text_columns(var: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Find the columns of text that have one of the names, in whatever case, in the order of the names."""
    return [
        column
        for name in names
        for column, dtype in var.schema.items()
        if column.lower() == name and dtype == pl.String
    ]


def _add_approved(named: pl.DataFrame, hgnc: pl.DataFrame | None) -> pl.DataFrame:
    """Fill symbols that the file lacks, by Ensembl id, and say what HGNC calls each gene."""
    if hgnc is None:
        return named.with_columns(pl.lit(None, pl.String).alias(APPROVED_SYMBOL))
    by_id = by_ensembl_id(hgnc)
    joined = named.join(by_id, on=FEATURE_ID, how="left", maintain_order="left", validate="m:1")
    is_filled = pl.col(SYMBOL).is_null() & pl.col(APPROVED_SYMBOL).is_not_null()
    filled = joined.with_columns(
        pl.coalesce(SYMBOL, APPROVED_SYMBOL).alias(SYMBOL),
        pl.when(is_filled).then(pl.lit("hgnc")).otherwise(pl.col(SYMBOL_SOURCE)).alias(SYMBOL_SOURCE),
    )
    return filled.with_columns(approved_symbols(filled[FEATURE_ID], filled[SYMBOL], hgnc))
