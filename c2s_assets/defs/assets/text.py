"""Cell sentences."""

from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.core import claims
from c2s_assets.core.columns import CELL_ID, CELL_SENTENCE, FEATURE_ID, N_EXPRESSED, SYMBOL
from c2s_assets.core.findings import Finding
from c2s_assets.core.layers import MatrixVerdict
from c2s_assets.core.sampling import windows
from c2s_assets.core.sentence_audit import audit_sentences, ensembl_words
from c2s_assets.core.sentences import SentenceComposer, SentenceSpec, Vocabulary
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.assets.ingest import cell_metadata, dataset_profile, feature_metadata, raw_h5ad
from c2s_assets.defs.metadata import as_metadata, table_metadata
from c2s_assets.defs.progress import with_progress
from c2s_assets.defs.publishing import Events, dataset_asset, publish, report
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.tables import CellSentences
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.h5ad.matrix import MatrixReader
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.inputs import current_profile, footer
from c2s_assets.storage.parquet import iter_table, read_rows, read_table, table_schema, write_blocks
from c2s_assets.storage.staging import stage

_CELLS_PER_WINDOW = 100


@dataset_asset(
    group="text", kinds={"parquet"}, deps=[raw_h5ad, dataset_profile, cell_metadata, feature_metadata]
)
def cell_sentences(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: the symbols of the genes it expresses, highest first, as in Cell2Sentence."""
    dataset_id, layout = context.partition_key, store.layout
    target = layout.parts("cell_sentences", dataset_id)
    profile = current_profile(layout, dataset_id=dataset_id)
    cell_ids = store.read("cell_metadata", dataset_id, columns=[CELL_ID])[CELL_ID]
    features = store.read("feature_metadata", dataset_id, columns=[FEATURE_ID, SYMBOL])
    verdict = MatrixVerdict(**profile.verdict.model_dump())
    yield from report(
        [claims.matrix_can_be_ranked(verdict, layer=profile.layer), claims.features_have_symbols(features)],
        asset_name="cell_sentences",
    )

    vocabulary = Vocabulary(features)
    spec = SentenceSpec(
        layer=profile.layer, symbols=vocabulary.snapshot, **store.settings().sentences.model_dump()
    )
    composer = SentenceComposer(vocabulary, spec)
    with open_h5ad(layout.raw_h5ad(dataset_id)) as h5ad, stage(layout, dataset_id) as staged:
        written = staged.path(target)
        matrix = h5ad.matrix(profile.layer)
        blocks = with_progress(matrix.blocks(rows=store.rows_per_block), n_obs=h5ad.n_obs, log=context.log)
        sentences = (
            composer.compose(block, cell_ids.slice(start, block.shape[0])) for start, block in blocks
        )
        says = footer("cell_sentences", profile, spec_id=spec.spec_id, spec=spec.described)
        write_blocks(written, sentences, model=CellSentences, footer=says)
        n_expressed = read_table(written, columns=[N_EXPRESSED])[N_EXPRESSED]
        yield from publish(
            context,
            staged,
            target,
            findings=[
                keeps_schema(iter_table(written), CellSentences),
                claims.rows_match(
                    "rows_match_cells",
                    read_table(written, columns=[CELL_ID])[CELL_ID],
                    cell_ids,
                    of="cell_metadata",
                ),
                claims.names_no_ensembl_id(_ensembl_words(written), n_cells=len(cell_ids)),
                _sentences_match_source(written, matrix, features, top_n=spec.top_n),
                claims.cells_express_genes(n_expressed),
            ],
            metadata=table_metadata(
                target,
                CellSentences,
                staged=written,
                lineage=lineage.of_cell_sentences(table_schema(written).names, layer=profile.layer),
                preview=read_rows(written, 0, 5),
            )
            | as_metadata({"spec_id": spec.spec_id, **spec.described})
            | {"genes_per_cell": plots.genes_per_cell(n_expressed)},
        )


def _ensembl_words(written: Path) -> pl.DataFrame:
    return pl.concat(
        [ensembl_words(block) for block in iter_table(written, columns=[CELL_ID, CELL_SENTENCE])]
    )


def _sentences_match_source(
    written: Path, matrix: MatrixReader, features: pl.DataFrame, *, top_n: int
) -> Finding:
    spans = windows(matrix.info.shape[0], size=_CELLS_PER_WINDOW)
    broken = [
        audit_sentences(read_rows(written, start, stop), matrix.rows(start, stop), features, top_n=top_n)
        for start, stop in spans
    ]
    return claims.sentences_match_source(
        pl.concat(broken), n_cells=sum(stop - start for start, stop in spans)
    )
