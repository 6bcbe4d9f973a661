"""Expression: sparse and lossless, and as the wide table that pandas users load."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, FEATURE_ID, SYMBOL
from c2s_assets.core.expression.claims import features_fit_into_columns
from c2s_assets.core.expression.sampling import windows
from c2s_assets.core.expression.tables import (
    CellTotals,
    agrees_with_expression,
    column_names,
    keeps_wide_schema,
    matches_source,
)
from c2s_assets.core.findings import Finding
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, staged_metadata, wide_table_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, require, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.registry import CELLS, FEATURES
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.h5ad.matrix import MatrixReader
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.sparse import ExpressionWriter
from c2s_assets.storage.tables.wide import read_cells, survey_parts, wide_schema, write_wide

# A window of 29,400 columns takes Polars 0.4 s, however few cells there are; three are looked at.
_CELLS_PER_WINDOW = 20
_SHOWN_FEATURES = 5


@dataset_asset(group="matrix", kinds={"parquet"})
def expression(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: the features whose value is not zero and their values, exactly as in the source."""
    with staged_from_source(context, store) as (staged, h5ad):
        profile = staged.dataset.profile
        staged.dataset.path(FEATURES)  # feature_index points into it
        matrix = h5ad.matrix(profile.layer)
        writer = ExpressionWriter.of(staged)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        writer.write(blocks, n_stored=matrix.info.n_stored)
        yield from publish_table(
            staged,
            blocks=writer.read_back(),
            claims=_matches_source(writer),
            metadata=staged_metadata(staged, lineage=lineage.of_expression(layer=profile.layer))
            | _figures(profile, writer.totals),
        )


@dataset_asset(group="matrix", kinds={"parquet"})
def expression_matrix(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell and one float32 column per feature, named by its symbol, as pandas users load it."""
    with staged_from_source(context, store) as (staged, h5ad):
        dataset, profile = staged.dataset, staged.dataset.profile
        fits = features_fit_into_columns(profile.n_vars)
        yield from require(dataset, staged.asset, [fits])
        cell_ids = dataset.read(CELLS, columns=[CELL_ID])[CELL_ID]
        names = column_names(dataset.read(FEATURES, columns=[FEATURE_ID, SYMBOL]))
        matrix = h5ad.matrix(profile.layer)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        schema = wide_schema(names, footer=footer(staged.asset, profile, layer=profile.layer))
        write_wide(staged.path(), blocks, cell_ids=cell_ids, schema=schema)
        n_cells, other_schema = survey_parts(staged.path(), expected=schema)
        samples = _samples(matrix, n_cells)
        yield from publish_table(
            staged,
            claims=[
                # By the footers alone: pandera would decode every value of as many columns.
                keeps_wide_schema(other_schema, schema, n_parts=len(n_cells)),
                agrees_with_expression(samples, names=names),
            ],
            metadata=_wide_metadata(staged, names, n_rows=sum(n_cells.values()), first=samples[0][0]),
            shown=[fits],
        )


def _samples(matrix: MatrixReader, n_cells: Mapping[Path, int]) -> list[tuple[pl.DataFrame, csr_array]]:
    """Take some cells, as they were written and as they are in the source."""
    n_obs, n_vars = matrix.info.shape
    return [
        (read_cells(n_cells, start, stop), matrix.rows(start, stop))
        for start, stop in windows(n_obs, size=_CELLS_PER_WINDOW, n_vars=n_vars)
    ]


def _matches_source(writer: ExpressionWriter) -> Iterator[Finding]:
    """Compare what was read back, once all of it was."""
    yield matches_source(writer.written, writer.source)


def _wide_metadata(
    staged: DatasetStage, names: Sequence[str], *, n_rows: int, first: pl.DataFrame
) -> Metadata:
    """Describe the wide table by a few of its columns, of which `first` has some rows."""
    profile, shown = staged.dataset.profile, names[:_SHOWN_FEATURES]
    return wide_table_metadata(
        staged.target,
        staged=staged.path(),
        n_rows=n_rows,
        n_features=len(names),
        lineage=lineage.of_expression_matrix(shown, layer=profile.layer),
        preview=first.select(CELL_ID, *shown),
    ) | as_metadata({"layer": profile.layer, "n_vars": profile.n_vars})


def _figures(profile: DatasetProfile, totals: CellTotals) -> Metadata:
    n_values = int(totals.n_values.sum())
    frac_zero = 1 - n_values / (profile.n_obs * profile.n_vars)
    figures = as_metadata(
        {"layer": profile.layer, "n_vars": profile.n_vars, "n_values": n_values, "frac_zero": frac_zero}
    )
    return figures | {
        "counts_per_cell": plots.counts_per_cell(totals.sums, verdict=profile.verdict.kind),
        "sparsity": plots.sparsity(totals.n_values, n_vars=profile.n_vars),
    }
