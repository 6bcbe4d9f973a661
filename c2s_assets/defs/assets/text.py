"""Cell sentences."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, FEATURE_ID, FEATURE_KIND, N_EXPRESSED, SYMBOL
from c2s_assets.core.expression import claims as matrix_claims
from c2s_assets.core.expression.layers import MatrixVerdict
from c2s_assets.core.expression.sampling import windows
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes import claims as gene_claims
from c2s_assets.core.genes.features import source_columns
from c2s_assets.core.genes.kinds import GENE
from c2s_assets.core.genes.naming import VAR_NAME
from c2s_assets.core.genes.var_columns import list_columns
from c2s_assets.core.sentences import claims as sentence_claims
from c2s_assets.core.sentences.audit import audit_sentences, ensembl_words
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary
from c2s_assets.core.sentences.coverage import count_silent_cells
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.checks import rows_match_cells
from c2s_assets.defs.metadata import as_metadata, table_metadata
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, require
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import DatasetProfile, MatrixProfile
from c2s_assets.schemas.tables import CellSentences
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.h5ad.matrix import MatrixReader
from c2s_assets.storage.streams import N_THREADS, map_ahead
from c2s_assets.storage.tables.inputs import footer
from c2s_assets.storage.tables.parquet import iter_table, read_rows, read_table, table_schema, write_blocks

_CELLS_PER_WINDOW = 100
_FEATURES_SHOWN = 100
_FEATURE_COLUMNS = [FEATURE_ID, SYMBOL, FEATURE_KIND, VAR_NAME]


@dataset_asset(group="text", kinds={"parquet"})
def cell_sentences(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: the symbols of the genes it expresses, highest first, as in Cell2Sentence."""
    dataset = store.dataset(context.partition_key)
    profile = dataset.profile
    cell_ids = dataset.read("cell_metadata", columns=[CELL_ID])[CELL_ID]
    features = dataset.read("feature_metadata", columns=_FEATURE_COLUMNS)
    listing = _list_var(dataset.path("feature_metadata"))
    verdict = MatrixVerdict(**profile.verdict.model_dump())
    before = [
        matrix_claims.matrix_can_be_ranked(verdict, layer=profile.layer, others=_others(profile)),
        gene_claims.features_have_symbols(features, listing=listing),
        gene_claims.words_look_like_genes(features, cell_ids, listing=listing),
    ]
    yield from require(dataset, "cell_sentences", before)

    vocabulary = Vocabulary(features)
    spec = SentenceSpec(
        layer=profile.layer, symbols=vocabulary.snapshot, **dataset.settings.sentences.model_dump()
    )
    composer = SentenceComposer(vocabulary, spec)
    is_gene = (features[FEATURE_KIND] == GENE).to_numpy()
    n_silent: list[int] = []
    with (
        dataset.stage("cell_sentences") as staged,
        dataset.open_h5ad(scratch=staged.folder) as h5ad,
    ):
        written = staged.path()
        matrix = h5ad.matrix(profile.layer)

        def compose(block: tuple[int, csr_array]) -> pa.Table:
            start, expression = block
            written = composer.compose(expression, cell_ids.slice(start, expression.shape[0]))
            n_silent.append(count_silent_cells(expression, written[N_EXPRESSED].to_numpy(), is_gene=is_gene))
            return written

        blocks = read_blocks(matrix, rows=store.rows_per_block, log=context.log)
        sentences = map_ahead(compose, blocks, n_threads=N_THREADS)
        says = footer("cell_sentences", profile, spec_id=spec.spec_id, spec=spec.described)
        write_blocks(written, sentences, model=CellSentences, footer=says)
        words: list[pl.DataFrame] = []
        keeps = keeps_schema(_collect_ensembl_words(iter_table(written), words), CellSentences)
        n_expressed = read_table(written, columns=[N_EXPRESSED])[N_EXPRESSED]
        yield from publish_table(
            staged,
            shown=before,
            findings=[
                keeps,
                rows_match_cells(written, cell_ids),
                sentence_claims.sentences_have_words(n_expressed, n_silent=sum(n_silent), listing=listing),
                sentence_claims.names_no_ensembl_id(pl.concat(words), n_cells=len(cell_ids)),
                _sentences_match_source(written, matrix, features, top_n=spec.top_n),
                sentence_claims.cells_express_genes(n_expressed),
            ],
            metadata=table_metadata(
                staged.target,
                CellSentences,
                staged=written,
                lineage=lineage.of_cell_sentences(table_schema(written).names, layer=profile.layer),
                preview=read_rows(written, 0, 5),
            )
            | as_metadata({"spec_id": spec.spec_id, **spec.described})
            | {"genes_per_cell": plots.genes_per_cell(n_expressed)},
        )


def _others(profile: DatasetProfile) -> dict[str, str | None]:
    """List the matrices that were not chosen, with what they hold."""
    return {matrix.name: _kind(matrix) for matrix in profile.matrices if matrix.name != profile.layer}


def _kind(matrix: MatrixProfile) -> str | None:
    if matrix.not_read is not None:
        return "cannot be read"
    return None if matrix.verdict is None else matrix.verdict.kind


def _list_var(features: Path) -> str:
    """Show the columns of var to whoever has to name the one of the symbols."""
    return list_columns(source_columns(read_rows(features, 0, _FEATURES_SHOWN)))


def _collect_ensembl_words(
    blocks: Iterable[pl.DataFrame], words: list[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Pass blocks through and keep the Ensembl ids found on the way, so that the table is read once."""
    for block in blocks:
        words.append(ensembl_words(block))
        yield block


def _sentences_match_source(
    written: Path, matrix: MatrixReader, features: pl.DataFrame, *, top_n: int
) -> Finding:
    spans = windows(matrix.info.shape[0], size=_CELLS_PER_WINDOW, n_vars=matrix.info.shape[1])
    broken = [
        audit_sentences(read_rows(written, start, stop), matrix.rows(start, stop), features, top_n=top_n)
        for start, stop in spans
    ]
    return sentence_claims.sentences_match_source(
        pl.concat(broken), n_cells=sum(stop - start for start, stop in spans)
    )
