"""Writes `cell_communication`."""

import mmap
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.spatial.columns import SENDER_INDEX
from c2s_assets.core.spatial.communication import rows_of
from c2s_assets.core.spatial.hearing import Hearing, StripSums, table_of_heard, table_of_places, table_of_sent
from c2s_assets.core.spatial.levels import GeneLevels
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.streams import N_THREADS, map_ahead

# As an array of integers that seldom repeat, it is larger with a dictionary.
_PLAIN = (SENDER_INDEX,)
# Some 600 neighbours a cell make 2.5 MB. Where cells are in no order, Linux 6 may map 2 MB of a file for each
# that is read, which counts as memory of this process: 4 GB in blocks of 4,096, of a million cells.
CELLS_PER_BLOCK = 512


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


def write_communication(
    staged: DatasetStage, hearing: Hearing, *, cell_ids: pl.Series, scale: float
) -> StripSums:
    """Write what the cells hear and what they say; return what is known of all of them together."""
    waiting = staged.folder / "waiting"
    waiting.mkdir()
    kept, sums = hear_all(hearing, waiting)
    contacts = dict(zip(hearing.sample.sections, sums.n_contacts.tolist(), strict=True))
    blocks = rows_of_cells(hearing, kept, cell_ids)
    staged.write(blocks, plain=_PLAIN, scale=scale, n_contacts=contacts)
    shutil.rmtree(waiting)
    return sums


def hear_all(hearing: Hearing, waiting: Path) -> tuple["Kept", StripSums]:
    """Let all cells hear each other, and keep what they hear and say in files of a folder, uncompressed.

    These hold 8 bytes for each cell that another one hears, and for each pair by which one hears or is heard.
    """
    senders, received, sent = (_WaitingLists(waiting / name) for name in ("senders", "received", "sent"))
    n_neighbours, sums = [np.zeros(0, np.int32)], StripSums(hearing)
    found = map_ahead(hearing.listen, hearing.strips, n_threads=N_THREADS)
    for strip, heard in zip(hearing.strips, found, strict=True):
        n_neighbours.append(heard.n_neighbours.astype(np.int32))
        senders.add(heard.senders)
        received.add(heard.received)
        sent.add(sums.add(strip, heard))
    return Kept(np.concatenate(n_neighbours), senders.opened(), received.opened(), sent.opened()), sums


def rows_of_cells(hearing: Hearing, kept: "Kept", cell_ids: pl.Series) -> Iterator[pa.Table]:
    """Lay out what was kept in the rows of obs, block by block; null where a cell has no place."""
    for start in range(0, len(cell_ids), CELLS_PER_BLOCK):
        rows, cells = hearing.sample.between(start, start + CELLS_PER_BLOCK)
        at = hearing.position[cells]
        ids = cell_ids.slice(start, len(rows)).to_arrow(compat_level=pl.CompatLevel.oldest())
        columns = {CELL_ID: ids.cast(pa.string())}
        for table in (
            table_of_places(hearing.sample, rows, cells),
            table_of_heard(rows, kept.n_neighbours[at], kept.senders.at(at), kept.received.at(at)),
            table_of_sent(rows, kept.sent.at(at)),
        ):
            columns |= {name: table[name] for name in table.column_names}
        yield pa.table(columns)


class _WaitingLists:
    """Lists of cells, by their position, that wait in two files."""

    def __init__(self, path: Path) -> None:
        self._indices, self._values = path.with_suffix(".indices"), path.with_suffix(".values")
        self._lengths = [np.zeros(1, np.int64)]

    def add(self, found: Csr) -> None:
        """Add those of the cells that come next."""
        for path, part in ((self._indices, found.indices), (self._values, found.values)):
            with path.open("ab") as file:
                part.tofile(file)
        self._lengths.append(np.diff(found.indptr))

    def opened(self) -> "_Mapped":
        """Map what was added."""
        bounds = np.cumsum(np.concatenate(self._lengths))
        if not bounds[-1]:  # a file of no bytes cannot be mapped
            return _Mapped(Csr(bounds, np.zeros(0, np.int32), np.zeros(0, np.float32)), [])
        maps = [_map(path) for path in (self._indices, self._values)]
        indices, values = np.frombuffer(maps[0], np.int32), np.frombuffer(maps[1], np.float32)
        return _Mapped(Csr(bounds, indices, values), maps)


@dataclass(frozen=True)
class _Mapped:
    """Lists of all cells in mapped files."""

    lists: Csr
    maps: list[mmap.mmap]

    def at(self, positions: NDArray[np.int64]) -> Csr:
        """Read the lists of the cells at some positions; the pages that were read are no longer ours then."""
        found = rows_of(self.lists, positions)
        for mapped in self.maps:
            mapped.madvise(mmap.MADV_DONTNEED)
        return found


@dataclass(frozen=True)
class Kept:
    """What cells hear and say, by their position."""

    n_neighbours: NDArray[np.int32]
    senders: _Mapped
    received: _Mapped
    sent: _Mapped


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
