"""The written files of a split, read in a stream: who is on which side. Loads pyarrow and numpy only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_UID, FOLD, SPLIT
from c2s_assets.core.splits.cell_keys import cell_keys, hash_texts, hashes_found_twice, hashes_of
from c2s_assets.core.splits.certificate import SideCount
from c2s_assets.core.splits.sides import SIDES

# What no side is called, and its number, beside those of `SIDES`.
ALL_PLACES = (*SIDES, "no side")
NO_SIDE = len(SIDES)
_N_SIDES = len(ALL_PLACES)
_REPEATED_VALUES = (DATASET_ID, DONOR_UID, SPLIT)
_ROWS_PER_BLOCK = 2**17


@dataclass(frozen=True)
class Block:
    """Some rows of a file.

    Attributes
    ----------
    sides
        Position of each row's side in `SIDES`, or `NO_SIDE`: of the folder, else of column split.
    n_elsewhere
        Rows whose column split names another side than the folder does.
    donors
        Null where a donor cannot be told apart.
    """

    sides: NDArray[np.uint8]
    n_elsewhere: int
    datasets: pa.DictionaryArray
    donors: pa.DictionaryArray
    cells: pa.Array


@dataclass
class Written:
    """What the files hold.

    Attributes
    ----------
    n_rows, n_elsewhere, unread
        By file; of what could not be read, the reason.
    n_cells
        By side, shape ``(4,)``.
    datasets
        By side.
    donors
        Cells of each by side, shape ``(4,)``.
    keys
        See `cell_keys`.
    """

    n_rows: dict[Path, int] = field(default_factory=dict)
    n_elsewhere: dict[Path, int] = field(default_factory=dict)
    unread: dict[Path, str] = field(default_factory=dict)
    n_cells: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_N_SIDES, np.int64))
    datasets: list[set[str]] = field(default_factory=lambda: [set() for _ in range(_N_SIDES)])
    donors: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def count(self, block: Block) -> None:
        """Add who is in a block."""
        self.n_cells += np.bincount(block.sides, minlength=_N_SIDES)
        for dataset, counts in _count_by_side(block.datasets, block.sides):
            for side in np.flatnonzero(counts):
                self.datasets[side].add(dataset)
        for donor, counts in _count_by_side(block.donors, block.sides):
            self.donors[donor] = self.donors.get(donor, 0) + counts

    def counts(self) -> dict[str, SideCount]:
        """Count by side, as a certificate has it."""
        on_sides = np.array(list(self.donors.values()), np.int64).reshape(-1, _N_SIDES) > 0
        n_donors = on_sides.sum(axis=0)
        return {
            side: SideCount(len(self.datasets[i]), int(n_donors[i]), int(self.n_cells[i]))
            for i, side in enumerate(SIDES)
        }


def side_of(path: Path) -> str | None:
    """Name the side whose folder a file is in; None if it is in no such folder."""
    return path.parent.name if path.parent.name in SIDES else None


def read_written(files: Sequence[Path]) -> Written:
    """Read who is on which side; memory is 8 bytes per cell, and a block of rows."""
    written = Written()
    n_rows = sum(_count_rows(path, written.unread) for path in files)
    keys, n_read = np.empty(n_rows, np.uint64), 0
    for path in files:
        if path in written.unread:
            continue
        try:
            for block in iter_blocks(path):
                written.count(block)
                written.n_rows[path] = written.n_rows.get(path, 0) + len(block.sides)
                written.n_elsewhere[path] = written.n_elsewhere.get(path, 0) + block.n_elsewhere
                own = _keys(block)
                keys[n_read : n_read + len(own)] = own
                n_read += len(own)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            written.unread[path] = _first_line(error)
    written.keys = keys[:n_read]
    return written


def iter_blocks(path: Path) -> Iterator[Block]:
    """Give the rows of a file in blocks; a column that is not there is null."""
    schema = pq.read_schema(path)
    texts = [
        name for name in _REPEATED_VALUES if name in schema.names and schema.field(name).type == pa.string()
    ]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        wanted = [name for name in (*_REPEATED_VALUES, CELL_ID, FOLD) if name in schema.names]
        for rows in file.iter_batches(_ROWS_PER_BLOCK, columns=wanted):
            yield _block(rows, side_of(path))


def find_repeated(
    files: Sequence[Path], written: Written, *, most: int
) -> tuple[dict[tuple[str, str], list[int]], int]:
    """Find cells that are there more than once; the keys come to be sorted.

    Returns
    -------
    Of the first `most`, the side of each row by dataset and cell, and how many more there are. The names of
    the first are compared, of the others only their hashes.
    """
    hashes, n_all = hashes_found_twice(written.keys, most=most)
    rows: dict[tuple[str, str], list[int]] = {}
    for path in files if n_all else ():
        if path not in written.unread:
            for block in iter_blocks(path):
                for cell, side in _named(block, hashes):
                    rows.setdefault(cell, []).append(side)
    return {cell: sides for cell, sides in sorted(rows.items()) if len(sides) > 1}, n_all - len(hashes)


def _block(rows: pa.RecordBatch, side: str | None) -> Block:
    said = sides = _side_numbers(_repeated(rows, SPLIT))
    if side is not None:
        sides = np.full(rows.num_rows, SIDES.index(side), np.uint8)
    n_elsewhere = int((said != sides).sum()) if SPLIT in rows.schema.names else 0
    donors = _repeated(rows, DONOR_UID)
    if FOLD in rows.schema.names:  # who cannot be told apart has none
        is_known = rows.column(FOLD).is_valid()
        indices = pc.if_else(is_known, donors.indices, None)
        donors = pa.DictionaryArray.from_arrays(indices, donors.dictionary)
    cells = rows.column(CELL_ID) if CELL_ID in rows.schema.names else pa.nulls(rows.num_rows)
    return Block(
        sides=sides,
        n_elsewhere=n_elsewhere,
        datasets=_repeated(rows, DATASET_ID),
        donors=donors,
        cells=cells.cast(pa.string()),
    )


def _repeated(rows: pa.RecordBatch, name: str) -> pa.DictionaryArray:
    values = rows.column(name) if name in rows.schema.names else pa.nulls(rows.num_rows)
    if pa.types.is_dictionary(values.type) and values.dictionary.type == pa.string():
        return values
    return values.cast(pa.string()).dictionary_encode()


def _codes(values: pa.DictionaryArray, *, null: int) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = values.indices.cast(pa.int64()).fill_null(null).to_numpy(zero_copy_only=False)
    return codes


def _side_numbers(said: pa.DictionaryArray) -> NDArray[np.uint8]:
    names = said.dictionary.to_pylist()
    numbers = [SIDES.index(name) if name in SIDES else NO_SIDE for name in names]
    return np.array([*numbers, NO_SIDE], np.uint8)[_codes(said, null=len(names))]


def _count_by_side(
    values: pa.DictionaryArray, sides: NDArray[np.uint8]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    names = values.dictionary.to_pylist()
    codes = _codes(values, null=len(names))
    counts = np.bincount(codes * _N_SIDES + sides, minlength=(len(names) + 1) * _N_SIDES)
    by_side = counts.reshape(-1, _N_SIDES)[: len(names)]
    for code in np.flatnonzero(by_side.any(axis=1)):
        yield names[code], by_side[code]


def _keys(block: Block) -> NDArray[np.uint64]:
    """Make the keys of the cells of a block that have an id."""
    dictionary = block.datasets.dictionary
    hashes = hash_texts(pa.concat_arrays([dictionary.cast(pa.string()), pa.nulls(1, pa.string())]))
    by_row = hashes[_codes(block.datasets, null=len(dictionary))]
    keys = cell_keys(by_row, block.cells, block.sides)
    return keys[block.cells.is_valid().to_numpy(zero_copy_only=False)] if block.cells.null_count else keys


def _named(block: Block, hashes: NDArray[np.uint64]) -> Iterator[tuple[tuple[str, str], int]]:
    if block.cells.null_count:
        return
    for row in np.flatnonzero(np.isin(hashes_of(_keys(block)), hashes)):
        yield (str(block.datasets[row].as_py()), block.cells[row].as_py()), int(block.sides[row])


def _count_rows(path: Path, unread: dict[Path, str]) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        unread[path] = _first_line(error)
        return 0


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
