"""Writes `cell_sentences`, several blocks at a time."""

from collections.abc import Iterable

import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.columns import FEATURE_KIND, N_EXPRESSED
from c2s_assets.core.expression.sampling import windows
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes.kinds import GENE
from c2s_assets.core.sentences.audit import audit_sentences
from c2s_assets.core.sentences.claims import sentences_match_source
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec
from c2s_assets.core.sentences.coverage import count_silent_cells
from c2s_assets.core.sentences.lengths import TopN
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.h5ad.matrix import MatrixReader
from c2s_assets.storage.streams import N_THREADS, map_ahead
from c2s_assets.storage.tables.parquet import read_rows

_CELLS_PER_WINDOW = 100


def write_sentences(
    staged: DatasetStage,
    blocks: Iterable[tuple[int, csr_array]],
    *,
    composer: SentenceComposer,
    spec: SentenceSpec,
    cell_ids: pl.Series,
    features: pl.DataFrame,
) -> int:
    """Write the sentences of all blocks; return how many cells express genes, but none with a symbol.

    Parameters
    ----------
    features
        `feature_kind` of each column of the matrix.
    """
    is_gene = (features[FEATURE_KIND] == GENE).to_numpy()
    n_silent: list[int] = []

    def compose(block: tuple[int, csr_array]) -> pa.Table:
        start, expression = block
        written = composer.compose(expression, cell_ids.slice(start, expression.shape[0]))
        n_silent.append(count_silent_cells(expression, written[N_EXPRESSED].to_numpy(), is_gene=is_gene))
        return written

    sentences = map_ahead(compose, blocks, n_threads=N_THREADS)
    staged.write(sentences, spec_id=spec.spec_id, spec=spec.described)
    return sum(n_silent)


def audit(staged: DatasetStage, matrix: MatrixReader, features: pl.DataFrame, *, top_n: TopN) -> Finding:
    """Compare written sentences with the source, on a sample that is read again."""
    spans = windows(matrix.info.shape[0], size=_CELLS_PER_WINDOW, n_vars=matrix.info.shape[1])
    broken = [
        audit_sentences(
            read_rows(staged.path(), start, stop), matrix.rows(start, stop), features, top_n=top_n
        )
        for start, stop in spans
    ]
    return sentences_match_source(pl.concat(broken), n_cells=sum(stop - start for start, stop in spans))
