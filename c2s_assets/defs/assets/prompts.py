"""Training prompts."""

from collections.abc import Generator, Iterator

import dagster as dg
import polars as pl

from c2s_assets.core.columns import SYMBOL
from c2s_assets.core.findings import Finding
from c2s_assets.core.prompts import claims as prompt_claims
from c2s_assets.core.prompts.audit import audit_prompts, nothing_found
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.defs import lineage
from c2s_assets.defs.metadata import Metadata, as_metadata, staged_metadata
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, staged_asset
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import FEATURES
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.prompts.writing import WrittenPrompts, leak_finder, write_prompts
from c2s_assets.storage.streams import N_THREADS, map_ahead

# To look 287,000 prompts through took 6.4 s of processor time in blocks of 1,024 rows, most of it spent once
# a block, and 3.3 s in blocks of 8,192.
_ROWS_AT_ONCE = 8_192


@dataset_asset(group="text", kinds={"parquet"})
def training_prompts(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per thing that is asked of a cell or group of cells: prompt, response, genes, tokens, side."""
    with staged_asset(context, store) as staged:
        spec = staged.dataset.settings.prompts
        finder = leak_finder(staged.dataset)
        symbols = staged.dataset.read(FEATURES, columns=[SYMBOL])[SYMBOL].drop_nulls()
        written = write_prompts(staged, spec, finder)
        found: list[pl.DataFrame] = []
        yield from publish_table(
            staged,
            blocks=_audited(staged, finder, symbols, found),
            claims=_claims(written, found, spec),
            metadata=_metadata(staged, written, spec),
        )


def _metadata(staged: DatasetStage, written: WrittenPrompts, spec: PromptSpec) -> Metadata:
    """Describe the records; without any there is no file that could be looked at."""
    counts = {f"n_{task}": n for task, n in written.n_records.items()}
    described = as_metadata({"spec_id": spec.spec_id, **counts})
    if not counts:
        return described | as_metadata({"dagster/row_count": 0})
    return described | staged_metadata(staged, lineage=lineage.of_training_prompts())


def _audited(
    staged: DatasetStage, finder: LeakFinder, symbols: pl.Series, found: list[pl.DataFrame]
) -> Generator[pl.DataFrame]:
    """Pass blocks through and keep what is wrong with them, so that the table is read once."""

    def audit(block: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return block, audit_prompts(block, finder, symbols=symbols)

    for block, wrong in map_ahead(audit, staged.written(rows=_ROWS_AT_ONCE), n_threads=N_THREADS):
        found.append(wrong)
        yield block


def _claims(written: WrittenPrompts, found: list[pl.DataFrame], spec: PromptSpec) -> Iterator[Finding]:
    """Judge what was found, once all of the table was read."""
    wrong, n_records = pl.concat([nothing_found(), *found]), written.n_records.total()
    yield prompt_claims.no_answer_in_question(wrong, n_records=n_records, n_left_out=written.n_leaks)
    yield prompt_claims.num_genes_is_true(wrong, n_records=n_records)
    yield prompt_claims.every_task_has_prompts(
        spec.tasks, written.n_records, n_without_room=written.n_without_room, size=spec.cells_per_group
    )
