"""What goes across datasets: the catalogue of the lake, and what the whole corpus holds."""

import dagster as dg
import polars as pl

from c2s_assets.core.reports import corpus
from c2s_assets.defs import plots
from c2s_assets.defs.assets.discover import cellxgene_listing
from c2s_assets.defs.assets.ingest import cell_metadata, dataset_profile, feature_metadata
from c2s_assets.defs.assets.projections import projections
from c2s_assets.defs.assets.publish import validation_report
from c2s_assets.defs.assets.splits import split_manifest
from c2s_assets.defs.assets.text import cell_sentences
from c2s_assets.defs.checks import check_specs
from c2s_assets.defs.metadata import Metadata, as_metadata, file_metadata, rows_as_markdown
from c2s_assets.defs.publishing import Events, final_errors, publish
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.documents import CorpusReport
from c2s_assets.storage.lake.documents import keeps_document, write_document
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.sources.listing import withdrawn_datasets

_N_SHOWN = 20


@dg.asset(
    group_name="joins",
    kinds={"duckdb"},
    deps=[
        *(cellxgene_listing, dataset_profile, cell_metadata, feature_metadata, projections),
        *(cell_sentences, split_manifest, validation_report),
    ],
    code_version="4",
    owners=["team:c2s_assets"],
    check_specs=check_specs("catalogue", None),
)
@final_errors
def catalogue(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One DuckDB file over the whole lake: datasets, cells, features, genes, splits, sentences and checks."""
    from c2s_assets.storage.catalogue.building import build_catalogue, rows_of_tables, rows_of_views
    from c2s_assets.storage.catalogue.versions import (
        one_builder,
        open_catalogue,
        remove_snapshots,
        shown_snapshot,
    )

    layout = store.layout
    target = layout.catalogue
    with one_builder(layout), stage(layout, "catalogue") as staged:
        written, before = staged.path(target), shown_snapshot(layout)
        snapshot = build_catalogue(layout, written, withdrawn=withdrawn_datasets(layout))
        with open_catalogue(written) as reader:
            columns = reader.rows("reports/columns")
            counted = reader.rows("reports/cells_per_dataset")
            n_rows = {**rows_of_tables(reader), **rows_of_views(snapshot)}
            datasets = reader.rows("reports/datasets")
        n_cells = {name: tables.n_rows["cell_metadata"] for name, tables in snapshot.datasets.items()}
        yield from publish(
            context,
            staged,
            target,
            findings=[
                corpus.keeps_columns(
                    columns, expected={name: table.types for name, table in CATALOGUE.items()}
                ),
                corpus.reads_every_dataset(len(snapshot.datasets), snapshot.left_out),
                corpus.rows_match_lake(counted, n_cells),
            ],
            metadata=file_metadata(target, size=written.stat().st_size)
            | as_metadata({f"n_{name}": count for name, count in n_rows.items()})
            | {
                "dagster/row_count": dg.MetadataValue.int(len(snapshot.datasets)),
                "columns": rows_as_markdown(columns, n_rows=columns.height),
                "datasets": rows_as_markdown(datasets, n_rows=_N_SHOWN),
            },
        )
        remove_snapshots(layout, keep=[before, snapshot.folder.name])


@dg.asset(
    group_name="joins",
    kinds={"json"},
    deps=[catalogue],
    code_version="2",
    owners=["team:c2s_assets"],
    check_specs=check_specs("corpus_report", None),
)
@final_errors
def corpus_report(context: dg.AssetExecutionContext, store: Store) -> Events:
    """What all datasets hold: cells, donors and datasets by tissue, disease, organism, assay and age."""
    from c2s_assets.storage.catalogue.versions import open_catalogue

    layout = store.layout
    target = layout.corpus_report
    with open_catalogue(layout.catalogue) as reader:
        totals = reader.rows("reports/corpus_totals").row(0, named=True)
        groups = reader.rows("reports/corpus_groups")
        on_both_sides = reader.rows("reports/donors_on_both_sides")
    with stage(layout, "corpus_report") as staged:
        report = CorpusReport.model_validate({"totals": totals, "groups": groups.to_dicts()})
        write_document(staged.path(target), report)
        yield from publish(
            context,
            staged,
            target,
            findings=[
                keeps_document(staged.path(target), CorpusReport),
                corpus.accounts_for_cells(
                    groups,
                    n_cells=totals["n_cells"],
                    n_further={"disease": totals["n_further_diseases"]},
                ),
                corpus.donors_are_on_one_side(on_both_sides, n_donors=totals["n_donors"]),
            ],
            metadata=file_metadata(target, size=staged.path(target).stat().st_size)
            | as_metadata(totals)
            | _by_property(groups),
        )


def _by_property(groups: pl.DataFrame) -> Metadata:
    """Show each property as a table and, where any of its values is known, as a picture."""
    shown: Metadata = {}
    for (name,), rows in groups.group_by("property", maintain_order=True):
        of_property = rows.drop("property").rename({"value": str(name)})
        shown[f"{name}_table"] = rows_as_markdown(of_property, n_rows=_N_SHOWN)
        if (picture := plots.corpus_by_value(of_property)) is not None:
            shown[str(name)] = picture
    return shown
