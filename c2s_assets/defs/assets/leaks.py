"""Evidence of copies: the fingerprints of cells, and the donors and cells that they find to be the same."""

from dataclasses import asdict

import dagster as dg
import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID
from c2s_assets.core.leaks.claims import (
    cells_have_counts,
    copies_have_a_primary,
    donors_have_one_name,
    every_cell_can_be_compared,
    genes_go_by_ids,
    no_copy_is_on_two_sides,
    no_donor_is_on_two_sides,
    random_split_is_not_better,
    sides_are_as_written,
)
from c2s_assets.core.leaks.columns import DATASETS
from c2s_assets.core.leaks.spec import SPEC, SPEC_ID
from c2s_assets.core.reports.corpus import reads_every_dataset
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.defs import lineage
from c2s_assets.defs.metadata import as_metadata, rows_as_markdown, staged_metadata, table_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import (
    Events,
    dataset_asset,
    lake_asset,
    materialized,
    publish_table,
    report,
    staged_from_source,
)
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.leaks import DonorAliases, LeakInflation
from c2s_assets.schemas.registry import CELLS, FEATURES, FINGERPRINTS, SIDES_OF_DATASET, SPLIT_PLAN
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.features import read_var
from c2s_assets.storage.tables.inputs import read_gene_symbols
from c2s_assets.storage.tables.parquet import write_table
from c2s_assets.storage.tables.summaries import keep_summary, tally_of_all_cells

_N_OF_SIDES = [f"n_{side}" for side in SIDES]


@dataset_asset(group="ingest", kinds={"parquet"})
def cell_fingerprints(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: hashes of its counts, whole and in parts, by which copies of it are found."""
    from c2s_assets.core.leaks.genes import gene_ids
    from c2s_assets.storage.leaks.fingerprints import write_fingerprints, write_no_fingerprints

    with staged_from_source(context, store) as (staged, h5ad):
        dataset, profile = staged.dataset, staged.dataset.profile
        kind = profile.verdict.kind
        cell_ids = dataset.read(CELLS, columns=[CELL_ID])[CELL_ID]
        hgnc, hgnc_version = read_gene_symbols(store.layout)
        if kind == "counts":
            blocks = read_blocks(h5ad.matrix(profile.layer), rows=store.rows_per_block, log=context.log)
            tally = tally_of_all_cells(dataset)
            evidence = write_fingerprints(
                staged,
                blocks if tally is None else tally.passing(blocks),
                genes=gene_ids(*read_var(h5ad, profile=profile, entry=dataset.entry), hgnc=hgnc),
                cell_ids=cell_ids,
            )
            if tally is not None:
                keep_summary(dataset, tally.summary())
        else:
            evidence = write_no_fingerprints(staged, cell_ids)
        yield from publish_table(
            staged,
            claims=[cells_have_counts(evidence, layer=profile.layer, kind=kind)],
            metadata=staged_metadata(staged, lineage=lineage.of_cell_fingerprints(layer=profile.layer))
            | as_metadata({"spec_id": SPEC_ID, **SPEC, **asdict(evidence)})
            | as_metadata({} if hgnc_version is None else {"gene_symbols_version": hgnc_version}),
        )


@lake_asset(
    group="splits",
    kinds={"parquet"},
    deps=(FINGERPRINTS, CELLS),
    code_version="1",
)
def donor_aliases(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per pair of donors that share cells: one person under two names? And the cells, per dataset."""
    from c2s_assets.storage.leaks.renewing import renew

    layout = store.layout
    with alone(layout, "donor_aliases"), stage(layout, "donor_aliases") as staged:
        renewal = renew(staged, layout)
        figures = renewal.figures
        context.log.info(
            f"{figures.n_pairs_of_datasets:,} pairs of datasets share cells, {figures.n_compared_anew:,} of "
            f"them were compared anew"
        )
        findings = [
            renewal.keeps_schemas,
            reads_every_dataset(figures.n_datasets, renewal.left_out),
            genes_go_by_ids(renewal.by_symbols, n_datasets=figures.n_datasets),
            donors_have_one_name(renewal.aliases),
            copies_have_a_primary(
                n_cells_copied=figures.n_cells_copied, n_without_primary=figures.n_without_primary
            ),
        ]
        yield from report(findings, asset_name="donor_aliases")
        staged.commit(*renewal.targets)
    metadata = table_metadata(
        layout.donor_aliases,
        DonorAliases,
        staged=layout.donor_aliases,
        lineage=lineage.of_donor_aliases(),
        preview=renewal.aliases.with_columns(pl.col(DATASETS).list.join(", ")),
    )
    digest = tree_digest(layout.donor_aliases, layout.all_copies)
    yield materialized(digest, metadata | as_metadata(asdict(figures)))


@lake_asset(
    group="splits",
    kinds={"parquet"},
    deps=(SIDES_OF_DATASET, FINGERPRINTS, SPLIT_PLAN),
    code_version="1",
)
def leak_audit(context: dg.AssetExecutionContext, store: Store) -> Events:
    """What is on two sides of the lake, found in the written files: donors, persons, copies of cells.

    Of datasets whose files are those of the last audit, what it has kept of them is looked at.
    """
    from c2s_assets.storage.leaks.audit import audit_sides

    layout = store.layout
    with alone(layout, "leak_audit"), stage(layout, "leak_audit") as staged:
        audit = audit_sides(staged, layout)
        seen = audit.datasets
        n_cells = int(seen.select(pl.sum_horizontal(_N_OF_SIDES)).to_series().sum())
        context.log.info(
            f"{n_cells:,} cells of {seen.height:,} datasets; files of {audit.n_read:,} were read"
        )
        # The tables take their places also where leaks are found: they tell which.
        staged.commit(*audit.targets)
        yield from report(
            [
                audit.keeps_schemas,
                no_donor_is_on_two_sides(audit.leaks),
                no_copy_is_on_two_sides(audit.leaks),
                sides_are_as_written(audit.changed),
                every_cell_can_be_compared(int(seen["n_without_fingerprint"].sum()), n_cells=n_cells),
            ],
            asset_name="leak_audit",
        )
    figures = {
        "n_datasets": seen.height,
        "n_datasets_read": audit.n_read,
        "n_cells": n_cells,
        "n_non_primary": int(seen["n_non_primary"].sum()),
        "n_donor_ids_of_several_people": audit.n_shared_ids,
        **{name: int(seen[name].sum()) for name in _N_OF_SIDES},
    }
    yield materialized(
        tree_digest(layout.leaks),
        as_metadata({"dagster/row_count": audit.leaks.height, **figures})
        | {"sides": rows_as_markdown(seen.select(DATASET_ID, *_N_OF_SIDES), n_rows=20)},
    )


@lake_asset(
    group="splits",
    kinds={"parquet"},
    deps=(CELLS, FEATURES, SIDES_OF_DATASET, "expression", SPLIT_PLAN),
    code_version="1",
)
def leak_inflation(context: dg.AssetExecutionContext, store: Store) -> Events:
    """How well age and cell type are predicted with random rows, donors, and datasets held out."""
    from c2s_assets.core.leaks.inflation import SEED, measure_inflation
    from c2s_assets.storage.leaks.sampling import draw_sample

    layout = store.layout
    with stage(layout, "leak_inflation") as staged:
        drawn, written = draw_sample(layout), staged.path(layout.leak_inflation)
        n_rows, n_genes = drawn.sample.expression.shape
        context.log.info(f"drew {n_rows:,} of {drawn.n_cells:,} cells of {drawn.n_datasets:,} datasets")
        inflation = measure_inflation(drawn.sample)
        write_table(written, inflation, schema=arrow_schema(LeakInflation))
        findings = [
            keeps_schema([inflation], LeakInflation),
            reads_every_dataset(drawn.n_datasets, drawn.left_out),
            random_split_is_not_better(inflation),
        ]
        yield from report(findings, asset_name="leak_inflation")
        staged.commit(layout.leak_inflation)
    figures = {
        "n_cells": drawn.n_cells,
        "n_sampled": n_rows,
        "n_genes": n_genes,
        "organism": drawn.organism or "none",
        "seed": SEED,
    }
    yield materialized(
        tree_digest(layout.leak_inflation),
        as_metadata({"dagster/row_count": inflation.height, **figures})
        | {"scores": rows_as_markdown(inflation, n_rows=inflation.height)},
    )
