"""What goes across datasets: the catalogue of the lake, and what the whole corpus holds."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.errors import BucketError, LostRaceError
from c2s_assets.core.findings import Finding
from c2s_assets.core.reports import corpus
from c2s_assets.defs import plots
from c2s_assets.defs.metadata import Metadata, as_metadata, file_metadata, rows_as_markdown
from c2s_assets.defs.publishing import Events, lake_asset, materialized, publish
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.documents import CorpusReport
from c2s_assets.schemas.registry import CELLS, PROFILE, REPORT, SPLIT_PLAN, shown
from c2s_assets.storage.catalogue.snapshot import Snapshot
from c2s_assets.storage.catalogue.versions import Reader
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.documents import keeps_document, write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.refreshing import refresh
from c2s_assets.storage.lake.staging import Stage, stage
from c2s_assets.storage.sources.listing import withdrawn_datasets

_N_SHOWN = 20
# What the catalogue is made of: what is made once for all datasets, and of these every table that it has a
# view of, and two documents. Not what only some datasets have: Dagster would pass it over with that.
_OF_THE_LAKE = ("cellxgene_listing", "donor_aliases", SPLIT_PLAN, "leak_audit", "leak_inflation")
_OF_DATASETS = tuple(declared.name for declared in shown() if declared.asked_by is None)
_SHOWN = (*_OF_THE_LAKE, PROFILE, *_OF_DATASETS, REPORT)


@lake_asset(
    group="joins",
    kinds={"duckdb"},
    deps=_SHOWN,
    code_version="7",
)
def catalogue(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One DuckDB file over the whole lake: datasets, cells, features, genes, splits, sentences and checks."""
    from c2s_assets.storage.catalogue.building import build_catalogue
    from c2s_assets.storage.catalogue.versions import (
        open_catalogue,
        remove_snapshots,
        shown_snapshot,
    )

    layout = store.layout
    with alone(layout, "catalogue"), stage(layout, "catalogue") as staged:
        written, before = staged.path(layout.catalogue), shown_snapshot(layout)
        snapshot = build_catalogue(layout, written, withdrawn=withdrawn_datasets(layout))
        with open_catalogue(written) as reader:
            columns = reader.rows("reports/columns")
            findings = _claims_of_catalogue(reader, snapshot, columns)
            metadata = file_metadata(layout.catalogue, size=written.stat().st_size) | _metadata(
                reader, snapshot, columns
            )
        yield from _publish_or_take(context, staged, layout, findings=findings, metadata=metadata)
        remove_snapshots(layout, keep=[before, snapshot.folder.name])


@lake_asset(
    group="joins",
    kinds={"json"},
    deps=("catalogue",),
    code_version="2",
)
def corpus_report(context: dg.AssetExecutionContext, store: Store) -> Events:
    """What all datasets hold: cells, donors and datasets by tissue, disease, organism, assay and age."""
    from c2s_assets.storage.catalogue.versions import open_catalogue

    layout = store.layout
    target = layout.corpus_report
    with open_catalogue(layout.catalogue) as reader:
        totals = reader.rows("reports/corpus_totals").row(0, named=True)
        groups = reader.rows("reports/corpus_groups")
        findings = _claims_of_corpus(reader, totals, groups)
    with stage(layout, "corpus_report") as staged:
        written = staged.path(target)
        write_document(written, CorpusReport.model_validate({"totals": totals, "groups": groups.to_dicts()}))
        yield from publish(
            context,
            staged,
            target,
            findings=[keeps_document(written, CorpusReport), *findings],
            metadata=file_metadata(target, size=written.stat().st_size)
            | as_metadata(totals)
            | _by_property(groups),
        )


def _publish_or_take(
    context: dg.AssetExecutionContext,
    staged: Stage,
    layout: Layout,
    *,
    findings: list[Finding],
    metadata: Metadata,
) -> Events:
    """Publish a catalogue; where another machine was quicker, take what that one has published.

    Raises
    ------
    LostRaceError
        If that is not of the lake as it is now.
    BucketError
        If the bucket does not take it; this machine then has it alone.
    """
    from c2s_assets.storage.catalogue.versions import is_current, keep_here, targets_of

    targets = targets_of(layout)
    try:
        yield from publish(context, staged, *targets, findings=findings, metadata=metadata)
    except LostRaceError:
        refresh(layout, alone_with="catalogue")
        if not is_current(layout, withdrawn=withdrawn_datasets(layout)):
            raise
        yield materialized(tree_digest(*targets), metadata)
    except BucketError:
        keep_here(layout, staged)
        raise


def _claims_of_catalogue(reader: Reader, snapshot: Snapshot, columns: pl.DataFrame) -> list[Finding]:
    n_cells = {name: tables.n_rows[CELLS] for name, tables in snapshot.datasets.items()}
    return [
        corpus.keeps_columns(columns, expected={name: t.types for name, t in CATALOGUE.items()}),
        corpus.reads_every_dataset(len(snapshot.datasets), snapshot.left_out),
        corpus.rows_match_lake(reader.rows("reports/cells_per_dataset"), n_cells),
    ]


def _claims_of_corpus(reader: Reader, totals: Mapping[str, Any], groups: pl.DataFrame) -> list[Finding]:
    n_further = {"disease": totals["n_further_diseases"]}
    on_both_sides = reader.rows("reports/donors_on_both_sides")
    shared = reader.rows("reports/cells_in_two_datasets")
    return [
        corpus.accounts_for_cells(groups, n_cells=totals["n_cells"], n_further=n_further),
        corpus.donors_are_on_one_side(on_both_sides, n_donors=totals["n_donors"]),
        corpus.datasets_share_no_cells(shared, n_datasets=totals["n_datasets"]),
    ]


def _metadata(reader: Reader, snapshot: Snapshot, columns: pl.DataFrame) -> Metadata:
    """Count the rows of every table and view, and show the columns and the first datasets."""
    from c2s_assets.storage.catalogue.building import rows_of_tables, rows_of_views

    n_rows = rows_of_tables(reader) | rows_of_views(snapshot)
    return as_metadata({f"n_{name}": count for name, count in n_rows.items()}) | {
        "dagster/row_count": dg.MetadataValue.int(len(snapshot.datasets)),
        "columns": rows_as_markdown(columns, n_rows=columns.height),
        "datasets": rows_as_markdown(reader.rows("reports/datasets"), n_rows=_N_SHOWN),
    }


def _by_property(groups: pl.DataFrame) -> Metadata:
    """Show each property as a table and, where any of its values is known, as a picture."""
    shown: Metadata = {}
    for (name,), rows in groups.group_by("property", maintain_order=True):
        of_property = rows.drop("property").rename({"value": str(name)})
        shown[f"{name}_table"] = rows_as_markdown(of_property, n_rows=_N_SHOWN)
        if (picture := plots.corpus_by_value(of_property)) is not None:
            shown[str(name)] = picture
    return shown
