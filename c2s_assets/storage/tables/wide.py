"""Writes the wide table, one column per feature, from sparse blocks and in little memory.

pyarrow must be given a column as a dense array, and finds its distinct values by looking at each zero. For
4,096 cells x 29,400 features of the simulated atlas it takes 1.8 s of a processor and 11.8 MB with
dictionaries and zstd, 1.0 s and 14.9 MB without dictionaries, 1.1 s and 14.6 MB with dictionaries and
snappy, and 0.5 s and 29 MB with lz4 alone; and a dense array of 482 MB each time. What is here writes all
20,000 cells in 2.2 s of a processor, reading included, and 48 MB, and never has the matrix dense. It is
plain Parquet 1.0, and tests read it with pyarrow, Polars, DuckDB and pandas.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID
from c2s_assets.storage.streams import N_THREADS
from c2s_assets.storage.tables.parquet import with_metadata
from c2s_assets.storage.tables.scanning import scan_files

# A part is one row group: what its footer says of 29,400 columns takes 1.6 MB, whatever the number of cells.
# 8,192 cells of the simulated atlas are 18 MB with it, and 1 GB for a reader that decodes the whole of them;
# a reader of one column opens one file for as many cells.
CELLS_PER_PART = 8_192
# Of two parts that are being written and one that is being collected, a value takes some 40 bytes together:
# up to 700 MB. 8,192 cells of the atlas hold 12 million; the limit is for files that are nearly dense.
VALUES_PER_PART = 16 * 2**20

# 4 bytes for each cell and column are set aside, 16 MB, and hardly ever touched.
_COLUMNS_PER_BATCH = 512
# zstd takes 10 us for whatever little it is given. With the chunks of at least 1,024 bytes compressed, 8,192
# cells of the atlas took 0.29 s and 16.3 MB, with all of them 0.84 s and 14.3 MB, with none 28 MB.
_WORTH_COMPRESSING = 1_024
_MAGIC = b"PAR1"
_BYTE_ARRAY = 6
_CREATED_BY = b"c2s_assets"

_Rows = tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]


def wide_schema(names: Sequence[str], *, footer: Mapping[str, object]) -> pa.Schema:
    """Make the schema of the wide table: `cell_id` and a float32 for each name, none of them ever missing."""
    fields = [pa.field(CELL_ID, pa.string(), nullable=False)]
    fields += [pa.field(name, pa.float32(), nullable=False) for name in names]
    return with_metadata(pa.schema(fields), footer)


def write_wide(
    folder: Path, blocks: Iterable[tuple[int, csr_array]], *, cell_ids: pl.Series, schema: pa.Schema
) -> None:
    """Write sparse blocks as numbered parts with one column per feature.

    Parts are cut at fixed cells, whatever the blocks, so that the same rows give the same bytes. Memory does
    not grow with the number of cells.

    Parameters
    ----------
    folder
        Is made. If writing ends with an error it is removed.
    blocks
        As `MatrixReader.blocks` yields them: in order, without zeros, features ascending and checked.
    cell_ids
        Of all cells, in the order of the blocks.
    schema
        `wide_schema` of the features in the order of the matrix.
    """
    folder.mkdir(parents=True)
    described = _describe(schema)
    writing: list[Future[None]] = []
    is_whole = False
    try:
        with ThreadPoolExecutor(N_THREADS) as pool:
            for number, part in enumerate(_cut_parts(blocks)):
                if number >= N_THREADS:  # no more at once than there are threads: memory is bounded
                    writing[number - N_THREADS].result()
                ids = cell_ids.slice(part.first_cell, part.n_cells)
                path = folder / f"part-{number:05d}.parquet"
                writing.append(pool.submit(_write_part, path, part, ids, described))
        for written in writing:
            written.result()
        is_whole = True
    finally:
        if not is_whole:
            with suppress(FileNotFoundError):
                rmtree(folder)


def survey_parts(folder: Path, *, expected: pa.Schema) -> tuple[dict[Path, int], pa.Schema | None]:
    """Read the footer of each part, once: with 29,400 columns each takes 0.15 s.

    Returns
    -------
    The cells of each part, in order; and the first schema, with what it says of itself, that is not the
    one expected, or None.
    """
    n_cells: dict[Path, int] = {}
    other = None
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as part:
            n_cells[path] = int(part.metadata.num_rows)
            if other is None and not part.schema_arrow.equals(expected, check_metadata=True):
                other = part.schema_arrow
    return n_cells, other


def read_cells(n_cells: Mapping[Path, int], start: int, stop: int) -> pl.DataFrame:
    """Read the rows from `start` to `stop`, without `stop`, from the parts that hold them."""
    found = []
    first = 0
    for path, n_rows in n_cells.items():
        low, high = max(start - first, 0), min(stop - first, n_rows)
        if low < high:
            found.append(scan_files(path).slice(low, high - low).collect())
        first += n_rows
    return pl.concat(found)


@dataclass
class _Part:
    """Consecutive cells that become one file; as CSR pieces, so that none is copied."""

    first_cell: int
    n_cells: int = 0
    n_values: int = 0
    pieces: list[_Rows] = field(default_factory=list)

    def take(self, block: csr_array, start: int) -> int:
        """Add cells of a block from `start` on, as many as there is room for; return where that ends."""
        most = block.indptr[start] + VALUES_PER_PART - self.n_values
        stop = int(np.searchsorted(block.indptr, most, side="right")) - 1
        stop = min(stop, start + CELLS_PER_PART - self.n_cells, int(block.shape[0]))
        if not self.n_cells:
            stop = max(stop, start + 1)  # a cell that is more than a part on its own
        if stop > start:
            self.pieces.append((block.indptr[start : stop + 1], block.indices, block.data))
            self.n_cells += stop - start
            self.n_values += int(block.indptr[stop] - block.indptr[start])
        return max(stop, start)


@dataclass(frozen=True)
class _Described:
    """What all parts have in common: the columns' names, and the beginning and end of the footer."""

    names: list[bytes]
    elements: bytes
    metadata: bytes


def _cut_parts(blocks: Iterable[tuple[int, csr_array]]) -> Iterator[_Part]:
    part = _Part(first_cell=0)
    for first_cell, block in blocks:
        start = 0
        while (stop := part.take(block, start)) < block.shape[0]:
            yield part
            part = _Part(first_cell=first_cell + stop)
            start = stop
    if part.n_cells:
        yield part


def _write_part(path: Path, part: _Part, cell_ids: pl.Series, described: _Described) -> None:
    from c2s_assets.storage.tables import chunk_kernels as kernels  # noqa: PLC0415 - see there

    bounds, rows, words = _columns_of(part, n_vars=len(described.names))
    with path.open("wb") as file:
        file.write(_MAGIC)
        chunks = [_write_ids(file, cell_ids)]
        n_uncompressed = 0
        out, about = np.empty(0, np.uint8), np.empty(0, np.uint8)
        for first in range(0, len(described.names), _COLUMNS_PER_BATCH):
            names = described.names[first : first + _COLUMNS_PER_BATCH]
            limits = bounds[first : first + len(names) + 1]
            bodies, sizes, n_listed = _bodies(limits, rows, words, n_rows=part.n_cells)
            squeezed, squeezed_sizes = _squeeze(bodies, sizes)
            joined = np.frombuffer(b"".join(names), np.uint8)
            room = len(names) * kernels.MAX_HEADER_BYTES
            out = _at_least(out, room + int(sizes.sum()))
            about = _at_least(about, room + len(joined))
            n_out, n_about, n_plain = kernels.put_chunks(
                out=out,
                about=about,
                bodies=bodies,
                squeezed=squeezed,
                sizes=sizes,
                squeezed_sizes=squeezed_sizes,
                n_listed=n_listed,
                names=joined,
                name_ends=np.cumsum([len(name) for name in names]),
                n_rows=part.n_cells,
                offset=file.tell(),
            )
            file.write(out[:n_out].data)
            chunks.append(about[:n_about].tobytes())
            n_uncompressed += n_plain
        footer = _footer(described, chunks, n_rows=part.n_cells, n_bytes=n_uncompressed)
        file.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)


def _columns_of(
    part: _Part, *, n_vars: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]]:
    """Turn the pieces of a part, which are freed, into a CSC matrix."""
    from c2s_assets.storage.tables import chunk_kernels as kernels  # noqa: PLC0415 - see there

    bounds = np.zeros(n_vars + 1, np.int64)
    for limits, indices, _ in part.pieces:
        kernels.count_values(indices[limits[0] : limits[-1]], bounds[1:])
    np.cumsum(bounds, out=bounds)
    rows, words = np.empty(part.n_values, np.int32), np.empty(part.n_values, np.uint32)
    ends = bounds[:-1].copy()
    first_row = 0
    while part.pieces:
        limits, indices, values = part.pieces.pop(0)
        kernels.sort_into_columns(
            bounds=limits,
            indices=indices,
            values=values.view(np.uint32),
            first_row=first_row,
            ends=ends,
            rows=rows,
            words=words,
        )
        first_row += len(limits) - 1
    return bounds, rows, words


def _bodies(
    bounds: NDArray[np.int64], rows: NDArray[np.int32], words: NDArray[np.uint32], *, n_rows: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    from c2s_assets.storage.tables import chunk_kernels as kernels  # noqa: PLC0415 - see there

    n_columns = len(bounds) - 1
    sizes, n_listed = np.empty((n_columns, 2), np.int64), np.empty(n_columns, np.int64)
    bodies = np.empty(n_columns * (4 * n_rows + 16), np.uint8)
    kernels.put_bodies(
        out=bodies, sizes=sizes, n_listed=n_listed, bounds=bounds, rows=rows, words=words, n_rows=n_rows
    )
    return bodies, sizes, n_listed


def _squeeze(
    bodies: NDArray[np.uint8], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Compress the pages of each chunk that is worth it; joined, with their sizes, 0 where it is not."""
    codec = pa.Codec("zstd", 1)
    ends = sizes.cumsum().reshape(sizes.shape)
    squeezed_sizes = np.zeros_like(sizes)
    squeezed = []
    for column in np.flatnonzero(sizes.sum(axis=1) >= _WORTH_COMPRESSING).tolist():
        for page in range(2):
            size, end = int(sizes[column, page]), int(ends[column, page])
            if size:
                small = codec.compress(bodies[end - size : end], asbytes=True)
                squeezed.append(small)
                squeezed_sizes[column, page] = len(small)
    return np.frombuffer(b"".join(squeezed), np.uint8), squeezed_sizes


def _write_ids(file: BinaryIO, cell_ids: pl.Series) -> bytes:
    """Write the chunk of `cell_id`, each with its length before it; return what the footer says of it."""
    from c2s_assets.storage.tables import chunk_kernels as kernels  # noqa: PLC0415 - see there

    words = [cell_id.encode() for cell_id in cell_ids]
    body = b"".join(len(word).to_bytes(4, "little") + word for word in words)
    small = pa.Codec("zstd", 1).compress(body, asbytes=True)
    name = np.frombuffer(CELL_ID.encode(), np.uint8)
    room = np.empty(2 * kernels.MAX_HEADER_BYTES + len(name), np.uint8)
    header_size = kernels.put_page_header(
        room, 0, kernels.DATA_PAGE, len(body), len(small), len(words), kernels.PLAIN
    )
    offset = file.tell()
    file.write(room[:header_size].tobytes() + small)
    sizes = header_size + len(body), header_size + len(small)
    n_about = kernels.put_chunk_header(
        room, 0, _BYTE_ARRAY, False, name, kernels.ZSTD, len(words), *sizes, offset, offset
    )
    return room[:n_about].tobytes()


def _describe(schema: pa.Schema) -> _Described:
    names = [name.encode() for name in schema.names[1:]]
    elements = [
        b"\x48" + _text(b"schema") + b"\x15" + _varint(2 * len(schema)) + b"\x00",
        # A byte array that is UTF-8, said in the old way and in the new one.
        b"\x15\x0c\x25\x00\x18" + _text(CELL_ID.encode()) + b"\x25\x00\x4c\x1c\x00\x00\x00",
        *(b"\x15\x08\x25\x00\x18" + _text(name) + b"\x00" for name in names),
    ]
    metadata = schema.metadata.items()
    pairs = [b"\x18" + _text(key) + b"\x18" + _text(value) + b"\x00" for key, value in metadata]
    return _Described(names, _list_of_structs(elements), _list_of_structs(pairs))


def _footer(described: _Described, chunks: Sequence[bytes], *, n_rows: int, n_bytes: int) -> bytes:
    n_columns = len(described.names) + 1
    columns = _list_header(n_columns) + b"".join(chunks)
    group = b"\x19" + columns + b"\x16" + _varint(2 * n_bytes) + b"\x16" + _varint(2 * n_rows) + b"\x00"
    return b"".join(
        [
            b"\x15\x02",  # version 1
            b"\x19" + described.elements,
            b"\x16" + _varint(2 * n_rows),
            b"\x19" + _list_header(1) + group,
            b"\x19" + described.metadata,
            b"\x18" + _text(_CREATED_BY),
            b"\x00",
        ]
    )


def _list_of_structs(structs: Sequence[bytes]) -> bytes:
    return _list_header(len(structs)) + b"".join(structs)


def _list_header(n_structs: int) -> bytes:
    return bytes([n_structs << 4 | 0x0C]) if n_structs < 15 else b"\xfc" + _varint(n_structs)


def _text(text: bytes) -> bytes:
    return _varint(len(text)) + text


def _varint(number: int) -> bytes:
    digits = []
    while number >= 128:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _at_least(array: NDArray[np.uint8], n_bytes: int) -> NDArray[np.uint8]:
    return array if len(array) >= n_bytes else np.empty(n_bytes, np.uint8)
