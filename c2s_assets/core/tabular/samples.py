"""Rows of sums as models take them: a matrix, what its rows are, what its columns are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array, vstack

from c2s_assets.core.columns import DATASET_ID, FEATURE_ID, FEATURE_INDEX, FEATURE_KIND, SYMBOL, VALUE
from c2s_assets.core.errors import UnknownNameError
from c2s_assets.core.expression.tables import expression_rows
from c2s_assets.core.genes.kinds import GENE
from c2s_assets.core.tabular.columns import CELL_INDEX, FRAC_DETECTED

FEATURE_COLUMNS = [FEATURE_ID, SYMBOL, FEATURE_KIND]


@dataclass(frozen=True)
class Samples:
    """Sums of the counts of cells, of one or many datasets, in the genes that all of these have.

    Attributes
    ----------
    rows
        What each row is, see `pseudobulk` and `pseudocells` in docs/tables.md: `dataset_id`, `donor_uid`,
        `split`, `fold`, `age`, `cell_type`, `n_cells` and so on.
    genes
        `feature_id` and `symbol` of each column.
    X
        Sums of counts, ``(n_rows, n_genes)``, row-compressed.
    """

    rows: pl.DataFrame
    genes: pl.DataFrame
    X: csr_array


def join_samples(tables: Mapping[str, pl.DataFrame], features: Mapping[str, pl.DataFrame]) -> Samples:
    """Put rows of several datasets below each other, gene by gene.

    A gene that a dataset did not measure is not zero there, so only those stay that all datasets have.

    Parameters
    ----------
    tables
        Rows of `pseudobulk` or of `pseudocells`, by dataset; at least one dataset.
    features
        `FEATURE_COLUMNS` of all features of each dataset, in their order.

    Raises
    ------
    UnknownNameError
        If the datasets have no gene in common.
    """
    of_datasets = [_genes(features[dataset_id]) for dataset_id in tables]
    genes = of_datasets[0].select(FEATURE_ID, SYMBOL)
    for other in of_datasets[1:]:
        genes = genes.join(other, on=FEATURE_ID, how="semi", maintain_order="left")
    if genes.is_empty():
        raise UnknownNameError(_nothing_in_common(list(tables), of_datasets))
    rows, sums = [], []
    for (dataset_id, table), own in zip(tables.items(), of_datasets, strict=True):
        columns = genes.join(own, on=FEATURE_ID, how="left", maintain_order="left")["column"].to_numpy()
        sums.append(expression_rows(table, n_vars=features[dataset_id].height)[:, columns])
        rows.append(
            table.select(
                pl.lit(dataset_id).alias(DATASET_ID),
                pl.exclude(FEATURE_INDEX, VALUE, FRAC_DETECTED, CELL_INDEX),
            )
        )
    matrix = vstack(sums, format="csr", dtype=np.float32)
    matrix.sort_indices()
    return Samples(rows=pl.concat(rows), genes=genes, X=matrix)


def _genes(features: pl.DataFrame) -> pl.DataFrame:
    return features.with_row_index("column").filter(pl.col(FEATURE_KIND) == GENE)


def _nothing_in_common(dataset_ids: Sequence[str], of_datasets: Sequence[pl.DataFrame]) -> str:
    shown = ", ".join(
        f"{dataset_id} has {genes[FEATURE_ID][0] if genes.height else 'none'}"
        for dataset_id, genes in list(zip(dataset_ids, of_datasets, strict=True))[:3]
    )
    return f"the datasets have no gene in common: {shown}. Choose datasets of one organism: datasets=[...]."
