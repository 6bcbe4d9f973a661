"""Expression of chosen cells and genes, for people who analyse them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, vstack

from c2s_assets.core.columns import CELL_ID, FEATURE_ID, SYMBOL
from c2s_assets.core.errors import MissingInputError, UnknownNameError
from c2s_assets.core.expression.tables import expression_rows
from c2s_assets.schemas.registry import CELLS, FEATURES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.shapes import peek, present
from c2s_assets.storage.tables.parquet import ROWS_PER_BLOCK, read_footer

_MOST_NAMED = 5


def read_expression(
    dataset_id: str,
    *,
    lake: str | Path | None = None,
    cells: Sequence[str] | pl.Expr | None = None,
    genes: Sequence[str] | None = None,
) -> ad.AnnData:
    """Read the expression of some cells and genes of a dataset.

    Only the parts that hold one of the cells are opened, and memory is that of the answer. The values are
    those of the source's chosen matrix, see `uns["layer"]` of the answer; they may be counts or normalised.

    Parameters
    ----------
    lake
        Folder of the lake; by default ``$C2S_LAKE``, and without that ``./lake``.
    cells
        Ids of cells, in the order they are wanted; or a condition on the columns of `cell_metadata`:
        ``pl.col("cell_type") == "B cell"``. All cells if None.
    genes
        Gene symbols or feature ids, in the order they are wanted. A symbol that several features share
        stands for all of them; a name that is also the id of another feature is a symbol. All features if
        None.

    Returns
    -------
    `X` is row-compressed float32; `obs` and `var` are the rows of `cell_metadata` and `feature_metadata`,
    indexed by `cell_id` and `feature_id`, without columns of lists, which AnnData cannot write.

    Raises
    ------
    MissingInputError
        If one of the tables was not built, or is of another version of the source than the others.
    UnknownNameError
        If the dataset has no such cell or gene.
    InvalidDatasetIdError
        If `dataset_id` cannot be the name of a dataset.
    """
    layout = find_lake(lake or os.environ.get("C2S_LAKE"))
    dataset = Dataset(layout, dataset_id, read_settings(layout))
    expression = dataset.path("expression")
    all_cells, all_features = dataset.read(CELLS), dataset.read(FEATURES)
    rows = _choose_cells(all_cells, cells)
    columns = None if genes is None else _choose_features(all_features, genes)
    obs, var = all_cells[rows], all_features if columns is None else all_features[columns]
    return ad.AnnData(
        X=csr_matrix(read_sparse(expression, rows, columns, n_vars=all_features.height)),
        obs=_for_anndata(obs, index=CELL_ID),
        var=_for_anndata(var, index=FEATURE_ID),
        uns={"dataset_id": dataset_id, "layer": read_footer(expression)["layer"]},
    )


def read_sparse(
    folder: Path, rows: NDArray[np.int64], columns: NDArray[np.int64] | None, *, n_vars: int
) -> csr_array:
    """Read rows of `expression` in their order, and of them the columns in theirs."""
    n_columns = n_vars if columns is None else len(columns)
    order = np.argsort(rows, kind="stable")
    found = [csr_array((0, n_columns), dtype=np.float32)]
    for start, block in _blocks(folder, rows[order], n_vars=n_vars):
        first, last = np.searchsorted(rows[order], [start, start + block.shape[0]])
        chosen = block[rows[order][first:last] - start]
        found.append(chosen if columns is None else chosen[:, columns])
    ascending = vstack(found, format="csr", dtype=np.float32)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    result = ascending if np.array_equal(back, np.arange(len(back))) else ascending[back]
    result.sort_indices()
    return result


def _for_anndata(rows: pl.DataFrame, *, index: str) -> pd.DataFrame:
    """Convert to pandas with types that AnnData can write: None alone, or beside bool, or lists it cannot."""
    rows = rows.select(name for name, kind in rows.schema.items() if not isinstance(kind, pl.List))
    n_none = {name: rows[name].null_count() for name in rows.columns}
    empty = [name for name in rows.select(pl.col(pl.String)).columns if rows.height == n_none[name] > 0]
    unsure = [name for name in rows.select(pl.col(pl.Boolean)).columns if n_none[name]]
    frame = rows.with_columns(pl.col(empty).cast(pl.Categorical)).to_pandas()
    return frame.astype(dict.fromkeys(unsure, "boolean")).set_index(index)


def _choose_cells(cells: pl.DataFrame, wanted: Sequence[str] | pl.Expr | None) -> NDArray[np.int64]:
    """Find the positions of the cells, in the order they are wanted."""
    if wanted is None:
        return np.arange(cells.height)
    if isinstance(wanted, pl.Expr):
        return cells.with_row_index("__row__").filter(wanted)["__row__"].to_numpy().astype(np.int64)
    positions = cells.select(CELL_ID).with_row_index("row")
    asked = pl.DataFrame({CELL_ID: _as_list(wanted, "cells")}, schema={CELL_ID: pl.String}).unique(
        maintain_order=True
    )
    found = asked.join(positions, on=CELL_ID, how="left", maintain_order="left")
    _refuse_unknown(found.filter(pl.col("row").is_null())[CELL_ID], "cells", where=CELLS)
    return found["row"].to_numpy().astype(np.int64)


def _choose_features(features: pl.DataFrame, wanted: Sequence[str]) -> NDArray[np.int64]:
    """Find the positions of the features that have each name, in the order of the names."""
    # A name that is both a symbol and an id, as that of an antibody may be, is a symbol.
    by_id = {feature_id: [column] for column, feature_id in enumerate(features[FEATURE_ID])}
    by_symbol: dict[str, list[int]] = {}
    for column, symbol in enumerate(features[SYMBOL]):
        if symbol is not None:
            by_symbol.setdefault(symbol, []).append(column)
    named = by_id | by_symbol
    names = _as_list(wanted, "genes")
    unknown = pl.Series([name for name in names if name not in named], dtype=pl.String)
    _refuse_unknown(unknown, "genes", where="feature_metadata, neither as symbol nor as feature_id")
    columns = dict.fromkeys(column for name in names for column in named[name])
    return np.array(list(columns), dtype=np.int64)


def _as_list(names: Sequence[str], what: str) -> list[str]:
    if isinstance(names, str):
        raise UnknownNameError(f"{what} is the one text {names!r}. Give a list: {what}=[{names!r}].")
    return list(names)


def _refuse_unknown(names: pl.Series, what: str, *, where: str) -> None:
    if len(names):
        more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
        listing = ", ".join(map(repr, names[:_MOST_NAMED]))
        raise UnknownNameError(f"{len(names):,} {what} are not in {where}: {listing}{more}.")


def _blocks(folder: Path, rows: NDArray[np.int64], *, n_vars: int) -> Iterator[tuple[int, csr_array]]:
    """Read the blocks that hold one of the ascending rows, with the position of each block's first row."""
    start = 0
    try:
        for path in sorted(folder.glob("*.parquet")):
            with peek(path) as footer:
                stop = start + pq.read_metadata(footer).num_rows
            if np.searchsorted(rows, start) == np.searchsorted(rows, stop):
                start = stop
                continue
            with pq.ParquetFile(present(path), pre_buffer=False) as part:
                for batch in part.iter_batches(ROWS_PER_BLOCK, columns=["feature_index", "value"]):
                    if np.searchsorted(rows, start) < np.searchsorted(rows, start + batch.num_rows):
                        yield start, expression_rows(_as_frame(batch), n_vars=n_vars)
                    start += batch.num_rows
    except FileNotFoundError as error:
        raise MissingInputError(f"{folder} was built anew while it was read. Read it again.") from error


def _as_frame(batch: Any) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101
    return frame
