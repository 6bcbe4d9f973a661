"""Evidence of copies: the fingerprints of cells."""

from dataclasses import asdict

import dagster as dg

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.leaks.claims import cells_have_counts
from c2s_assets.core.leaks.spec import SPEC, SPEC_ID
from c2s_assets.defs import lineage
from c2s_assets.defs.metadata import as_metadata, staged_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import CELLS
from c2s_assets.storage.tables.features import read_var
from c2s_assets.storage.tables.summaries import keep_summary, tally_of_all_cells


@dataset_asset(group="ingest", kinds={"parquet"})
def cell_fingerprints(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: hashes of its counts, whole and in parts, by which copies of it are found."""
    from c2s_assets.core.leaks.genes import gene_keys
    from c2s_assets.storage.leaks.fingerprints import write_fingerprints, write_no_fingerprints

    with staged_from_source(context, store) as (staged, h5ad):
        dataset, profile = staged.dataset, staged.dataset.profile
        kind = profile.verdict.kind
        cell_ids = dataset.read(CELLS, columns=[CELL_ID])[CELL_ID]
        if kind == "counts":
            blocks = read_blocks(h5ad.matrix(profile.layer), rows=store.rows_per_block, log=context.log)
            tally = tally_of_all_cells(dataset)
            evidence = write_fingerprints(
                staged,
                blocks if tally is None else tally.passing(blocks),
                keys=gene_keys(*read_var(h5ad, profile=profile, entry=dataset.entry)),
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
            | as_metadata({"spec_id": SPEC_ID, **SPEC, **asdict(evidence)}),
        )
