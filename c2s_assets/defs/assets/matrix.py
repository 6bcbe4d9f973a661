"""Expression: sparse and lossless, and as the wide table that pandas users load."""

from collections.abc import Iterable, Iterator

import dagster as dg
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, FEATURE_ID, SYMBOL
from c2s_assets.core.expression.sampling import windows
from c2s_assets.core.expression.tables import (
    CellTotals,
    ExpressionDigest,
    agrees_with_expression,
    column_names,
    expression_rows,
    expression_table,
    keeps_wide_schema,
    matches_source,
    rows_per_group,
)
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.checks import rows_match_cells
from c2s_assets.defs.metadata import Metadata, as_metadata, table_metadata, wide_table_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.tables import Expression
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.parquet import iter_table, read_rows, write_blocks
from c2s_assets.storage.tables.wide import read_cells, survey_parts, wide_schema, write_wide

# A window of 29,400 columns takes Polars 0.4 s, however few cells there are; three are looked at.
_CELLS_PER_WINDOW = 20
_SHOWN_FEATURES = 5


@dataset_asset(group="matrix", kinds={"parquet"})
def expression(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: the features whose value is not zero and their values, exactly as in the source."""
    dataset = store.dataset(context.partition_key)
    profile = dataset.profile
    cell_ids = dataset.read("cell_metadata", columns=[CELL_ID])[CELL_ID]
    dataset.read("feature_metadata", columns=[FEATURE_ID])  # feature_index points into it
    source, written_rows = ExpressionDigest(profile.n_vars), ExpressionDigest(profile.n_vars)
    totals = CellTotals()
    with (
        dataset.stage("expression") as staged,
        dataset.open_h5ad(scratch=staged.folder) as h5ad,
    ):
        written = staged.path()
        matrix = h5ad.matrix(profile.layer)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        write_blocks(
            written,
            _as_tables(blocks, cell_ids, source, totals),
            model=Expression,
            footer=footer("expression", profile, layer=profile.layer),
            rows_per_group=rows_per_group(n_obs=profile.n_obs, n_stored=matrix.info.n_stored),
        )
        keeps = keeps_schema(_collect_digest(iter_table(written), written_rows), Expression)
        yield from publish_table(
            staged,
            findings=[keeps, rows_match_cells(written, cell_ids), matches_source(written_rows, source)],
            metadata=table_metadata(
                staged.target,
                Expression,
                staged=written,
                lineage=lineage.of_expression(layer=profile.layer),
                preview=read_rows(written, 0, 5),
            )
            | _figures(profile, n_values=source.n_values)
            | {
                "counts_per_cell": plots.counts_per_cell(totals.sums, verdict=profile.verdict.kind),
                "sparsity": plots.sparsity(totals.n_values, n_vars=profile.n_vars),
            },
        )


@dataset_asset(group="matrix", kinds={"parquet"})
def expression_matrix(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell and one float32 column per feature, named by its symbol, as pandas users load it."""
    dataset = store.dataset(context.partition_key)
    profile = dataset.profile
    cell_ids = dataset.read("cell_metadata", columns=[CELL_ID])[CELL_ID]
    names = column_names(dataset.read("feature_metadata", columns=[FEATURE_ID, SYMBOL]))
    schema = wide_schema(names, footer=footer("expression_matrix", profile, layer=profile.layer))
    with (
        dataset.stage("expression_matrix") as staged,
        dataset.open_h5ad(scratch=staged.folder) as h5ad,
    ):
        written = staged.path()
        matrix = h5ad.matrix(profile.layer)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        write_wide(written, blocks, cell_ids=cell_ids, schema=schema)
        n_cells, other_schema = survey_parts(written, expected=schema)
        samples = [
            (read_cells(n_cells, start, stop), matrix.rows(start, stop))
            for start, stop in windows(h5ad.n_obs, size=_CELLS_PER_WINDOW, n_vars=profile.n_vars)
        ]
        shown = names[:_SHOWN_FEATURES]
        yield from publish_table(
            staged,
            findings=[
                # By the footers alone: pandera would decode every value of as many columns.
                keeps_wide_schema(other_schema, schema, n_parts=len(n_cells)),
                rows_match_cells(written, cell_ids),
                agrees_with_expression(samples, names=names),
            ],
            metadata=wide_table_metadata(
                staged.target,
                staged=written,
                n_rows=sum(n_cells.values()),
                n_features=len(names),
                lineage=lineage.of_expression_matrix(shown, layer=profile.layer),
                preview=samples[0][0].select(CELL_ID, *shown),
            )
            | as_metadata({"layer": profile.layer, "n_vars": profile.n_vars}),
        )


def _as_tables(
    blocks: Iterable[tuple[int, csr_array]], cell_ids: pl.Series, digest: ExpressionDigest, totals: CellTotals
) -> Iterator[pa.Table]:
    """Turn blocks into rows of `expression`, and keep what is checked and drawn afterwards."""
    for start, block in blocks:
        digest.add(block)
        totals.add(block)
        yield expression_table(block, cell_ids.slice(start, block.shape[0]))


def _collect_digest(blocks: Iterable[pl.DataFrame], digest: ExpressionDigest) -> Iterator[pl.DataFrame]:
    """Pass blocks through and digest them on the way, so that the table is read once."""
    for block in blocks:
        digest.add(expression_rows(block, n_vars=digest.n_vars))
        yield block


def _figures(profile: DatasetProfile, *, n_values: int) -> Metadata:
    frac_zero = 1 - n_values / (profile.n_obs * profile.n_vars)
    return as_metadata(
        {"layer": profile.layer, "n_vars": profile.n_vars, "n_values": n_values, "frac_zero": frac_zero}
    )
