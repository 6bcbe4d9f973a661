"""The path that `cell_sentences` takes, without Dagster, its checks and its plots."""

from pathlib import Path

import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, FEATURE_ID, SYMBOL
from c2s_assets.core.genes.features import describe_features
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary
from c2s_assets.schemas.tables import CellSentences
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.streams import N_THREADS, map_ahead
from c2s_assets.storage.tables.parquet import write_blocks

# As `Store.rows_per_block`, which would bring Dagster along; a test keeps them equal.
ROWS_PER_BLOCK = 1_024


def write_sentences(source: Path, target: Path) -> None:
    """Write the sentences of every cell, from an h5ad to a folder of parquet."""
    with open_h5ad(source) as h5ad:
        cell_ids = h5ad.obs.index().alias(CELL_ID)
        var = pl.DataFrame([h5ad.var.read(name) for name in h5ad.var.names])
        features = describe_features(h5ad.var.index(), var).select(FEATURE_ID, SYMBOL)
        vocabulary = Vocabulary(features)
        composer = SentenceComposer(vocabulary, SentenceSpec(layer="X", symbols=vocabulary.snapshot))

        def compose(block: tuple[int, csr_array]) -> pa.Table:
            start, expression = block
            return composer.compose(expression, cell_ids.slice(start, expression.shape[0]))

        blocks = h5ad.matrix("X").blocks(rows=ROWS_PER_BLOCK)
        tables = map_ahead(compose, blocks, n_threads=N_THREADS)
        write_blocks(target, tables, model=CellSentences, footer={})


def read_blocks(source: Path) -> None:
    """Read the matrix block by block, checked and in canonical form, and keep nothing."""
    with open_h5ad(source) as h5ad:
        for _ in h5ad.matrix("X").blocks(rows=ROWS_PER_BLOCK):
            pass


def load_kernels() -> None:
    """Compose the sentence of one cell, so that what is compiled is loaded or, the first time, compiled."""
    vocabulary = Vocabulary(pl.DataFrame({FEATURE_ID: ["ENSG00099000001"], SYMBOL: ["A"]}))
    composer = SentenceComposer(vocabulary, SentenceSpec(layer="X", symbols=vocabulary.snapshot))
    composer.compose(csr_array([[1.0]], dtype="float32"), pl.Series(CELL_ID, ["cell"]))
