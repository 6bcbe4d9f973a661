"""Writes `cell_communication`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.spatial.columns import SENDER_INDEX
from c2s_assets.core.spatial.hearing import CELLS_PER_BLOCK, Hearing
from c2s_assets.core.spatial.levels import GeneLevels
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.storage.dataset import DatasetStage

# As an array of integers that seldom repeat, it is larger with a dictionary.
_PLAIN = (SENDER_INDEX,)


def read_levels(blocks: Iterable[tuple[int, csr_array]], genes: GeneLevels, *, sample: SpatialSample) -> Csr:
    """Read the levels of some genes in the cells of a sample."""
    lengths, indices, values = [np.zeros(1, np.int64)], [], []
    for start, block in blocks:
        has_place, _ = sample.between(start, start + block.shape[0])
        found = genes.of(block[np.flatnonzero(has_place)])
        lengths.append(np.diff(found.indptr))
        indices.append(found.indices)
        values.append(found.values)
    return Csr(np.cumsum(np.concatenate(lengths)), np.concatenate(indices), np.concatenate(values))


def write_communication(staged: DatasetStage, hearing: Hearing, *, cell_ids: pl.Series, scale: float) -> None:
    """Write what the cells hear and, once all was heard, what they have sent.

    What is heard waits beside the table, uncompressed: 12 bytes for each cell that another one hears.
    """
    waiting = staged.folder / "heard.arrow"
    starts = range(0, len(cell_ids), CELLS_PER_BLOCK)
    _keep(waiting, hearing.heard())
    staged.write(_rows(waiting, hearing, cell_ids, starts), plain=_PLAIN, scale=scale)
    waiting.unlink()


def _keep(path: Path, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    with pa.ipc.new_file(path, first.schema) as file:
        file.write_table(first)
        for table in tables:
            file.write_table(table)


def _rows(waiting: Path, hearing: Hearing, cell_ids: pl.Series, starts: range) -> Iterator[pa.Table]:
    with pa.memory_map(str(waiting)) as memory, pa.ipc.open_file(memory) as heard:
        for number, start in enumerate(starts):
            block = pa.Table.from_batches([heard.get_batch(number)])
            ids = cell_ids.slice(start, block.num_rows).to_arrow(compat_level=pl.CompatLevel.oldest())
            columns = {CELL_ID: ids.cast(pa.string())}
            for table in (hearing.places(start), block, hearing.sent(start)):
                columns |= {name: table[name] for name in table.column_names}
            yield pa.table(columns)
