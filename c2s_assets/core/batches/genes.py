"""The genes of several datasets as one row of columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.errors import UnknownNameError

_MOST_NAMED = 5


@dataclass(frozen=True)
class GeneColumns:
    """Which column each feature of each dataset has.

    Attributes
    ----------
    genes
        Feature id of each column.
    columns
        For each dataset, ``(n_vars,)``: the column of each of its features, or -1.
    """

    genes: tuple[str, ...]
    columns: Mapping[str, NDArray[np.int32]]

    @property
    def measured(self) -> dict[str, NDArray[np.bool_]]:
        """Say which columns each dataset has, ``(n_genes,)``; in the others its zeros say nothing."""
        found = {}
        for dataset_id, columns in self.columns.items():
            found[dataset_id] = np.zeros(len(self.genes), np.bool_)
            found[dataset_id][columns[columns >= 0]] = True
        return found


def align_genes(features: Mapping[str, pl.DataFrame], genes: Sequence[str] | None) -> GeneColumns:
    """Give every feature id a column, or those that are asked for.

    Without `genes` the columns are the features of the first dataset in their order, then those that only the
    second has, and so on.

    Parameters
    ----------
    features
        `feature_id` and `symbol` of each dataset, in the order of its matrix.
    genes
        Feature ids or symbols, in the order they are wanted. A symbol stands for all features that any of
        the datasets gives it; a name that is also a feature id is a symbol.

    Raises
    ------
    UnknownNameError
        If none is asked for, or one that no dataset has.
    """
    ids = [rows[FEATURE_ID].to_list() for rows in features.values()]
    chosen = dict.fromkeys(feature_id for of_one in ids for feature_id in of_one)
    if genes is not None:
        chosen = _choose(features, genes, known=chosen)
    column_of = {feature_id: column for column, feature_id in enumerate(chosen)}
    columns = {
        dataset_id: np.array([column_of.get(feature_id, -1) for feature_id in of_one], np.int32)
        for dataset_id, of_one in zip(features, ids, strict=True)
    }
    return GeneColumns(tuple(chosen), columns)


def _choose(
    features: Mapping[str, pl.DataFrame], genes: Sequence[str], *, known: Mapping[str, None]
) -> dict[str, None]:
    if isinstance(genes, str):
        raise UnknownNameError(f"genes is the one text {genes!r}. Give a list: genes=[{genes!r}].")
    if not len(genes):
        raise UnknownNameError("genes is an empty list. Name some, or leave it out for all.")
    by_symbol: dict[str, dict[str, None]] = {}
    for rows in features.values():
        for symbol, feature_id in rows.select(SYMBOL, FEATURE_ID).drop_nulls().rows():
            by_symbol.setdefault(symbol, {})[feature_id] = None
    unknown = [name for name in genes if name not in by_symbol and name not in known]
    if unknown:
        more = f" and {len(unknown) - _MOST_NAMED:,} more" if len(unknown) > _MOST_NAMED else ""
        raise UnknownNameError(
            f"{len(unknown):,} of {len(genes):,} genes are a feature_id or a symbol of none of "
            f"{', '.join(features)}: {', '.join(map(repr, unknown[:_MOST_NAMED]))}{more}. Leave them out; "
            f"lake.genes() lists those that there are."
        )
    return dict.fromkeys(feature_id for name in genes for feature_id in by_symbol.get(name, (name,)))
