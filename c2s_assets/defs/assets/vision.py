"""What a vision model says of the cells of a tissue; asked only where a dataset's entry names one."""

import logging
from functools import cache

import dagster as dg
import polars as pl

from c2s_assets.clients.http import shown
from c2s_assets.clients.vision import VisionModels, open_models
from c2s_assets.core.reports.text import as_markdown
from c2s_assets.core.spatial.answers import MACHINE_SOURCE, cells_are_described, names_no_diagnosis
from c2s_assets.core.spatial.columns import MACHINE_CAPTION
from c2s_assets.core.spatial.spec import SpatialEntry, VisionEntry
from c2s_assets.core.spatial.vision import INSTRUCTIONS
from c2s_assets.defs import lineage
from c2s_assets.defs.metadata import as_metadata, staged_metadata
from c2s_assets.defs.progress import cells_progress
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, staged_asset
from c2s_assets.defs.resources import Store
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.spatial.vision import describe_cells, nothing_described, read_cells

_EXAMPLES = 3


@dataset_asset(group="spatial", kinds={"parquet"})
def machine_captions(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: what a vision model says of its patches; machine-generated, reviewed by nobody."""
    with staged_asset(context, store) as staged:
        stated = (staged.dataset.entry.spatial or SpatialEntry()).vision
        cells = read_cells(staged.dataset, most=None if stated is None else stated.max_cells)
        if stated is None:  # it was, when the table was built first
            rows = nothing_described(cells)
        else:
            rows = _described(staged.dataset, cells, stated, log=context.log)
        staged.write([rows], source_of_texts=MACHINE_SOURCE, instructions=INSTRUCTIONS)
        yield from publish_table(
            staged,
            claims=[names_no_diagnosis(rows), cells_are_described(rows)],
            metadata=staged_metadata(staged, lineage=lineage.of_machine_captions())
            | as_metadata({"source_of_texts": MACHINE_SOURCE})
            | {"examples": dg.MetadataValue.md(_examples(rows))},
        )


def _described(
    dataset: Dataset, cells: pl.DataFrame, stated: VisionEntry, *, log: logging.Logger
) -> pl.DataFrame:
    """Ask the model that the dataset's entry states, and say in the log what is sent where."""

    @cache
    def models() -> VisionModels:  # the key is not looked for where every answer is kept
        key = None if stated.api_key_env is None else dg.EnvVar(stated.api_key_env).get_value()
        return open_models(stated.endpoint, key_env=stated.api_key_env, key=key)

    log.warning(
        f"Patches of {cells['why'].null_count():,} cells and their blind captions are sent to "
        f"{shown(stated.endpoint)}, to be described by {stated.model}, unless its answer is kept already."
    )
    return describe_cells(
        dataset,
        cells,
        model=stated.model,
        ask=lambda question: models().describe(question),
        show=cells_progress(log),
    )


def _examples(rows: pl.DataFrame) -> str:
    """Show the first texts as they are, as what they are."""
    shown_texts = rows[MACHINE_CAPTION].drop_nulls().head(_EXAMPLES)
    return "\n\n".join([f"*{MACHINE_SOURCE}*", *(f"- {as_markdown(text)}" for text in shown_texts)])
