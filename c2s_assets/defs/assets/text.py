"""Cell sentences."""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.core.columns import (
    CELL_ID,
    FEATURE_ID,
    FEATURE_KIND,
    N_ABOVE_TIES,
    N_EXPRESSED,
    ORGANISM,
    SENTENCE_LENGTH,
    SYMBOL,
)
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes import claims as gene_claims
from c2s_assets.core.genes.features import source_columns
from c2s_assets.core.genes.naming import VAR_NAME
from c2s_assets.core.genes.var_columns import list_columns
from c2s_assets.core.sentences import claims as sentence_claims
from c2s_assets.core.sentences.audit import ensembl_words
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary
from c2s_assets.core.sentences.fidelity import N_CELLS, SEED, as_row, measure_fidelity
from c2s_assets.core.sentences.information import describe_ties
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.metadata import Metadata, as_metadata, staged_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, require, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import CELLS, FEATURES, SENTENCES
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.tables.fidelity import draw_cells
from c2s_assets.storage.tables.inputs import read_gene_symbols
from c2s_assets.storage.tables.parquet import read_rows, read_table, table_schema
from c2s_assets.storage.tables.sentences import audit, write_sentences

_FEATURES_SHOWN = 100
_COUNTED = [N_EXPRESSED, SENTENCE_LENGTH, N_ABOVE_TIES]
_FEATURE_COLUMNS = [FEATURE_ID, SYMBOL, FEATURE_KIND, VAR_NAME]


@dataset_asset(group="text", kinds={"parquet"})
def cell_sentences(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: the symbols of the genes it expresses, highest first, as in Cell2Sentence."""
    dataset = store.dataset(context.partition_key)
    cells = dataset.read(CELLS, columns=[CELL_ID, ORGANISM])
    features = dataset.read(FEATURES, columns=_FEATURE_COLUMNS)
    listing = _list_var(dataset.path(FEATURES))
    before = [
        gene_claims.features_have_symbols(features, listing=listing),
        gene_claims.words_look_like_genes(
            features,
            cells,
            listing=listing,
            hgnc=read_gene_symbols(store.layout)[0],
            is_named=dataset.entry.symbol_column is not None,
        ),
    ]
    yield from require(dataset, SENTENCES, before)
    cell_ids = cells[CELL_ID]
    vocabulary = Vocabulary(features)
    spec = _spec(dataset, vocabulary)
    with staged_from_source(context, store) as (staged, h5ad):
        matrix = h5ad.matrix(spec.layer)
        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        composer = SentenceComposer(vocabulary, spec)
        n_silent = write_sentences(
            staged, blocks, composer=composer, spec=spec, cell_ids=cell_ids, features=features
        )
        counted = read_table(staged.path(), columns=_COUNTED)
        words: list[pl.DataFrame] = []
        yield from publish_table(
            staged,
            shown=before,
            blocks=_collect_ensembl_words(staged.written(is_text=True), words),
            claims=chain(
                [sentence_claims.gene_lists_name_genes(spec.gene_lists, features[SYMBOL].drop_nulls())],
                _claims_of_lengths(counted[N_EXPRESSED], n_silent=n_silent, listing=listing),
                _names_no_ensembl_id(words, n_cells=len(cell_ids)),
                [audit(staged, matrix, features, top_n=spec.top_n)],
            ),
            metadata=_metadata(staged, spec, counted),
        )


@dataset_asset(group="text", kinds={"parquet"})
def rank_fidelity(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row: how well expression is recovered from ranks, as Cell2Sentence measures it, on 1,024 cells."""
    with staged_from_source(context, store) as (staged, h5ad):
        profile = staged.dataset.profile
        cell_ids = staged.dataset.read(CELLS, columns=[CELL_ID])[CELL_ID]
        matrix = h5ad.matrix(profile.layer)
        cells = draw_cells(matrix, cell_ids, n=N_CELLS, seed=SEED, rows_per_block=store.rows_per_block)
        measured = measure_fidelity(cells, is_counts=profile.verdict.kind == "counts", seed=SEED)
        row = as_row(measured, n_cells=cells.shape[0])
        staged.write([row], seed=SEED)
        made_of = lineage.of_rank_fidelity(row.columns, layer=profile.layer)
        drawn = {} if measured is None else {"ranks_and_expression": plots.ranks_and_expression(measured)}
        yield from publish_table(
            staged,
            claims=[sentence_claims.ranks_can_be_judged(measured, n_cells=cells.shape[0])],
            metadata=staged_metadata(staged, lineage=made_of) | drawn,
        )


def _spec(dataset: Dataset, vocabulary: Vocabulary) -> SentenceSpec:
    settings = dataset.settings.sentences.model_dump()
    return SentenceSpec(layer=dataset.profile.layer, symbols=vocabulary.snapshot, **settings)


def _claims_of_lengths(n_expressed: pl.Series, *, n_silent: int, listing: str) -> list[Finding]:
    return [
        sentence_claims.sentences_have_words(n_expressed, n_silent=n_silent, listing=listing),
        sentence_claims.cells_express_genes(n_expressed),
    ]


def _names_no_ensembl_id(words: list[pl.DataFrame], *, n_cells: int) -> Iterator[Finding]:
    """Judge what was collected, once all of the table was read."""
    yield sentence_claims.names_no_ensembl_id(pl.concat(words), n_cells=n_cells)


def _metadata(staged: DatasetStage, spec: SentenceSpec, counted: pl.DataFrame) -> Metadata:
    names = table_schema(staged.path()).names
    made_of = lineage.of_cell_sentences(names, layer=spec.layer)
    ties = plots.words_above_ties(counted[N_ABOVE_TIES], counted[SENTENCE_LENGTH])
    return (
        staged_metadata(staged, lineage=made_of)
        | as_metadata({"spec_id": spec.spec_id, **spec.described, **describe_ties(counted)})
        | {"genes_per_cell": plots.genes_per_cell(counted[N_EXPRESSED])}
        | ({} if ties is None else {"words_above_ties": ties})
    )


def _list_var(features: Path) -> str:
    """Show the columns of var to whoever has to name the one of the symbols."""
    return list_columns(source_columns(read_rows(features, 0, _FEATURES_SHOWN)))


def _collect_ensembl_words(
    blocks: Iterable[pl.DataFrame], words: list[pl.DataFrame]
) -> Generator[pl.DataFrame]:
    """Pass blocks through and keep the Ensembl ids found on the way, so that the table is read once."""
    for block in blocks:
        words.append(ensembl_words(block))
        yield block
