"""Cells of one donor added up: the tables that clocks and other models of donors are made from."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.findings import Finding
from c2s_assets.core.hashes import keys_of
from c2s_assets.core.tabular import claims
from c2s_assets.core.tabular.groups import group_cells
from c2s_assets.core.tabular.members import Members
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, staged_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import FEATURES
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.tables.parquet import table_schema

_SAYS_LITTLE = "The mean of a gene over so few cells says little of a donor: choose rows by n_cells."
_ARE_ALL_DRAWN = "All cells of such a group make its one pseudocell: choose rows by n_cells."


@dataset_asset(group="tabular", kinds={"parquet"})
def pseudobulk(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per donor, cell type and assay: the counts of its cells added up, gene by gene."""
    from c2s_assets.core.tabular.tables import pseudobulk_table
    from c2s_assets.storage.tables.tabular import SumsWriter

    with staged_from_source(context, store) as (staged, h5ad):
        cells, groups = _group(staged.dataset)
        writer = SumsWriter.of(staged, _addable(staged.dataset, groups), pseudobulk_table)
        matrix = h5ad.matrix(staged.dataset.profile.layer)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        writer.write(blocks, n_stored=matrix.info.n_stored, are_draws=False)
        found = [
            *_claims_of_cells(staged.dataset, cells, groups),
            claims.accounts_for_all_cells(cells, groups),
            claims.groups_have_cells(groups, fewest=claims.FEWEST_CELLS, effect=_SAYS_LITTLE),
        ]
        yield from _publish(writer, found, metadata=_metadata(staged, groups))


@dataset_asset(group="tabular", kinds={"parquet"})
def pseudocells(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per draw of a few cells of one donor, cell type and assay: their counts added up."""
    from c2s_assets.core.tabular.draws import draw_cells
    from c2s_assets.core.tabular.tables import pseudocells_table
    from c2s_assets.storage.tables.tabular import SumsWriter

    with staged_from_source(context, store) as (staged, h5ad):
        spec = staged.dataset.settings.pseudocells
        cells, groups = _group(staged.dataset)
        draws = draw_cells(_addable(staged.dataset, groups), keys_of(cells[CELL_ID], seed=spec.seed), spec)
        writer = SumsWriter.of(staged, draws, pseudocells_table)
        matrix = h5ad.matrix(staged.dataset.profile.layer)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        writer.write(blocks, n_stored=matrix.info.n_stored, are_draws=True, **spec.model_dump())
        found = [
            *_claims_of_cells(staged.dataset, cells, groups),
            claims.groups_have_cells(groups, fewest=spec.n_cells + 1, effect=_ARE_ALL_DRAWN),
        ]
        yield from _publish(
            writer, found, metadata=_metadata(staged, groups) | as_metadata(spec.model_dump())
        )


def _group(dataset: Dataset) -> tuple[pl.DataFrame, Members]:
    """Read what is said of each cell, and put cells into groups."""
    from c2s_assets.storage.tables.tabular import read_cells

    dataset.path(FEATURES)  # feature_index points into it
    cells = read_cells(dataset)
    return cells, group_cells(cells)


def _addable(dataset: Dataset, groups: Members) -> Members:
    """Give the groups, but none where the values of their cells are no counts."""
    return groups if dataset.profile.verdict.kind == "counts" else groups.no_rows()


def _claims_of_cells(dataset: Dataset, cells: pl.DataFrame, groups: Members) -> list[Finding]:
    profile = dataset.profile
    return [
        claims.no_donor_in_both_splits(groups.rows),
        claims.values_are_counts(profile.verdict.kind, layer=profile.layer),
        claims.donors_are_known(cells),
        claims.cell_types_are_known(groups),
    ]


def _publish(writer: Any, found: Sequence[Finding], *, metadata: Metadata) -> Events:
    """Publish the table, unless its rows, read back, are not the sums of their cells."""

    def of_sums() -> Iterator[Finding]:
        yield claims.sums_match_source(writer.written, writer.source)

    yield from publish_table(
        writer.staged, blocks=writer.read_back(), claims=chain(of_sums(), found), metadata=metadata
    )


def _metadata(staged: DatasetStage, groups: Members) -> Metadata:
    made_of = lineage.of_sums(table_schema(staged.path()).names, layer=staged.dataset.profile.layer)
    picture = plots.cells_per_donor_and_type(groups.rows)
    return staged_metadata(staged, lineage=made_of) | ({} if picture is None else {"cells": picture})
