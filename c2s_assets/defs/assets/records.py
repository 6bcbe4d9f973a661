"""Records of the cells of a tissue: what is said of each."""

import dagster as dg

from c2s_assets.core.columns import CELL_TYPE
from c2s_assets.core.spatial.attributes import labels_are_plausible
from c2s_assets.core.spatial.calibration import ways_agree
from c2s_assets.core.spatial.columns import CELL_DIAMETER_UM
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import as_metadata, staged_metadata
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, require, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.storage.spatial.attributes import read_attributes
from c2s_assets.storage.spatial.sample import read_sample


@dataset_asset(group="spatial", kinds={"parquet"})
def cell_attributes(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell of a tissue: what it is and of what state, where it lies, how large it is."""
    with staged_from_source(context, store) as (staged, h5ad):
        dataset, sample = staged.dataset, read_sample(h5ad, staged.dataset)
        before = [ways_agree(sample.calibration)]
        yield from require(dataset, staged.asset, before)
        attributes = read_attributes(dataset, sample)
        staged.write([attributes])
        spatial = dataset.entry.spatial
        disease_column = None if spatial is None else spatial.cell_disease_column
        yield from publish_table(
            staged,
            shown=before,
            claims=[labels_are_plausible(attributes)],
            metadata=staged_metadata(
                staged, lineage=lineage.of_cell_attributes(disease_column=disease_column)
            )
            | as_metadata(
                {
                    "n_cells_placed": len(sample.cells),
                    "n_sections": len(sample.sections),
                    "n_with_diameter": attributes[CELL_DIAMETER_UM].count(),
                }
            )
            | {"cells_per_cell_type": plots.cells_per_category(attributes[CELL_TYPE])},
        )
