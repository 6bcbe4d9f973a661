"""The one writer and reader of parquet.

Rows are cut into row groups and parts at fixed positions, whatever blocks they come in, so that the
same rows give the same bytes.
"""

import io
import json
import os
import shutil
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.columns import SPLIT
from c2s_assets.core.errors import LakeError, MissingInputError, SourceError
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.images import stored_columns, with_features
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.shapes import is_of_shape, peek, present
from c2s_assets.storage.streams import N_THREADS
from c2s_assets.storage.tables.scanning import scan_files

if TYPE_CHECKING:  # see schemas.arrow
    from c2s_assets.schemas.tables import Table

# Cells have about 1,400 expressed genes of 6 letters: 8,192 sentences are 80 MB, near the 100 MB that
# the Hugging Face viewer reads well, and a file of 35 MB.
ROWS_PER_GROUP = 8_192
# Several blocks are alive while others are read and ranked. Sentences of 200,000 cells, on two cores: blocks
# of 512 rows 11.2 s and 760 MB, 1,024 10.1 s and 830 MB, 2,048 11.2 s and 980 MB.
ROWS_PER_BLOCK = 1_024

# Groups, and what is cut of blocks for them, end earlier where rows are large: 8,192 sentences with all
# that train_test puts beside them come to 170 MB, 1,024 cells with 8,000 values each to 64 MB.
_BYTES_PER_GROUP = 256 * 2**20
_BYTES_PER_UNIT = 64 * 2**20

# Rows with three images are 75 kB: the viewer of the Hub decodes a row group whole, a file is 40 MB. Of each
# side, up to three files are in memory.
_IMAGES_PER_GROUP, _IMAGES_PER_PART = 256, 1_024

_METADATA_KEY = b"c2s"


class TableWriter:
    """Writes a stream of rows as one parquet file or, if `path` has no suffix, as a folder of numbered parts.

    A part is one row group, unless `rows_per_draw` says otherwise; parts are compressed side by side. An
    error of a part is raised by a later `write`, or at the end.

    Parameters
    ----------
    path
        Is made when the first row group is written. A table without rows leaves nothing, nor does one whose
        writing ends with an error.
    schema
        Of every file, see `to_arrow`.
    part_name
        Name of each part, with a place for its 0-based number.
    rows_per_group
        `ROWS_PER_GROUP`, unless rows are so large that fewer make a group.
    plain
        Columns whose values do not repeat, such as hashes and sums. A dictionary of hashes takes four times
        as long to write as they do, and a fifth more space.
    rows_per_draw
        Rows of a row group within a part, for a table of which few rows here and there are read: no reader
        decodes less than a row group.
    """

    def __init__(
        self,
        path: Path,
        *,
        schema: pa.Schema,
        part_name: str = "part-{:05d}.parquet",
        rows_per_group: int | None = None,
        plain: Collection[str] = (),
        rows_per_draw: int | None = None,
    ) -> None:
        self.n_rows = 0
        self._path = path
        self._schema = schema
        self._part_name = part_name
        self._rows_per_group = rows_per_group or ROWS_PER_GROUP
        self._plain = plain
        self._rows_per_draw = rows_per_draw
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._group: list[pa.Table] = []
        self._group_bytes = 0
        self._file: pq.ParquetWriter | None = None
        self._pool = ThreadPoolExecutor(N_THREADS)
        self._parts: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        is_whole = False
        try:
            if error is None:
                self._cut(at_least=1)
                self._write_group()
                for part in self._parts:
                    part.result()
                is_whole = True
        finally:
            self._pool.shutdown()
            if self._file is not None:
                self._file.close()
            if not is_whole:  # closing has made what there is look like a whole table
                self._remove()

    def write(self, rows: pa.Table | pl.DataFrame) -> None:
        """Add rows behind those already written."""
        table = to_arrow(rows, self._schema)
        self.n_rows += table.num_rows
        self._pending.append(table)
        self._pending_bytes += table.nbytes
        self._cut(at_least=self._n_unit)

    def _cut(self, *, at_least: int) -> None:
        """Cut what is pending into units of the same rows whatever the blocks were, and write full groups.

        The pages of a column depend on where its Arrow chunks begin. A block that is one unit is not copied.
        """
        n_rows = sum(table.num_rows for table in self._pending)
        if n_rows < at_least and self._pending_bytes < _BYTES_PER_UNIT:
            return
        table = pa.concat_tables(self._pending)
        ends = np.cumsum(row_bytes(table))
        start = 0
        while start < n_rows:
            n_unit, is_full = self._measure_unit(ends, start)
            if n_unit < at_least and not is_full:
                break
            self._add_unit(table.slice(start, n_unit).combine_chunks(), ends, start)
            start += n_unit
        self._pending = [table.slice(start)] if start < n_rows else []
        self._pending_bytes = sum(rest.nbytes for rest in self._pending)

    def _measure_unit(self, ends: NDArray[np.int64], start: int) -> tuple[int, bool]:
        """Count the rows of the next unit, and tell whether the row after it would make it too large."""
        before = int(ends[start - 1]) if start else 0
        n_fitting = max(1, int(np.searchsorted(ends, before + _BYTES_PER_UNIT, side="right")) - start)
        return min(self._n_unit, n_fitting), start + n_fitting < len(ends)

    def _add_unit(self, unit: pa.Table, ends: NDArray[np.int64], start: int) -> None:
        before = int(ends[start - 1]) if start else 0
        self._group.append(unit)
        self._group_bytes += int(ends[start + unit.num_rows - 1]) - before
        n_rows = sum(unit.num_rows for unit in self._group)
        if n_rows >= self._rows_per_group or self._group_bytes >= _BYTES_PER_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        if not self._group:
            return
        group = pa.concat_tables(self._group)
        self._group, self._group_bytes = [], 0
        if not self._is_parted:
            self._file = self._file or _open(self._path, self._schema, plain=self._plain)
            self._file.write_table(group, row_group_size=group.num_rows)
            return
        n_finished = max(len(self._parts) - N_THREADS + 1, 0)
        for part in self._parts[:n_finished]:  # no more at once than there are threads: memory is bounded
            part.result()
        path = self._path / self._part_name.format(len(self._parts))
        writing = self._pool.submit(
            _write_file, path, group, self._schema, plain=self._plain, rows_per_draw=self._rows_per_draw
        )
        self._parts.append(writing)

    @property
    def _n_unit(self) -> int:
        return min(ROWS_PER_BLOCK, self._rows_per_group)

    @property
    def _is_parted(self) -> bool:
        return self._path.suffix == ""

    def _remove(self) -> None:
        if self._is_parted:
            shutil.rmtree(self._path, ignore_errors=True)
        else:
            self._path.unlink(missing_ok=True)


def write_table(path: Path, rows: pl.DataFrame | pa.Table, *, schema: pa.Schema) -> int:
    """Write a table as one file; return its number of rows."""
    table = to_arrow(rows, schema).combine_chunks()
    _write_file(path, table, schema)
    return int(table.num_rows)


def write_blocks(
    path: Path,
    blocks: Iterable[pl.DataFrame | pa.Table],
    *,
    model: "Table",
    footer: Mapping[str, object],
    rows_per_group: int | None = None,
    plain: Collection[str] = (),
    rows_per_draw: int | None = None,
) -> int:
    """Write a table block by block, with the types of its model and, for further columns, of the first block.

    Parameters
    ----------
    footer
        What the file is, see `read_footer`.
    rows_per_group, plain, rows_per_draw
        See `TableWriter`.

    Returns
    -------
    The number of rows; without any, nothing is written.
    """
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        return 0
    further = first.schema if isinstance(first, pl.DataFrame) else pl.DataFrame(first.slice(0, 0)).schema
    schema = with_metadata(arrow_schema(model, further=further), footer)
    with TableWriter(
        path, schema=schema, rows_per_group=rows_per_group, plain=plain, rows_per_draw=rows_per_draw
    ) as writer:
        writer.write(first)
        for block in blocks:
            writer.write(block)
    return writer.n_rows


def write_sides(
    folders: Mapping[str, Path],
    blocks: Iterable[pl.DataFrame],
    *,
    model: "Table",
    footer: Mapping[str, object],
) -> None:
    """Write the rows of each side of a split into its folder; a side without rows gets none.

    The first block decides the types of further columns, even if all its rows are on one side.
    """
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        return
    schema = with_metadata(arrow_schema(model, further=first.schema), footer)
    with ExitStack() as stack:
        writers = {
            side: stack.enter_context(TableWriter(folder, schema=schema, part_name="chunk_{:04d}.parquet"))
            for side, folder in folders.items()
        }
        _write_by_side(writers, chain([first], blocks))


def write_images_of_sides(
    path: Path, blocks: Iterable[pl.DataFrame], *, model: "Table", footer: Mapping[str, object]
) -> None:
    """Write rows with images into one folder, files called by their side; those on no side are left out.

    Its name is by what `datasets` tells the sides of a folder apart.
    """
    schema = with_features(with_metadata(arrow_schema(model), footer))
    with ExitStack() as stack:
        writers = {
            side: stack.enter_context(
                TableWriter(
                    path,
                    schema=schema,
                    part_name=side + "-{:05d}.parquet",
                    rows_per_group=_IMAGES_PER_PART,
                    rows_per_draw=_IMAGES_PER_GROUP,
                )
            )
            for side in SIDES
        }
        _write_by_side(writers, blocks)


def read_table(path: Path, *, columns: list[str] | None = None) -> pl.DataFrame:
    """Read a table of one file or one folder of parts."""
    return pl.concat([scan_files(file).select(columns or pl.all()).collect() for file in _files(path)])


def iter_table(
    path: Path, *, columns: list[str] | None = None, rows: int | None = None
) -> Iterator[pl.DataFrame]:
    """Read a table in blocks of at most `rows` (`ROWS_PER_BLOCK`), cut alike in all tables of a dataset."""
    rows = rows or ROWS_PER_BLOCK
    for file in _files(path):
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            for groups in _groups_of_blocks(opened.metadata, rows=rows):
                batches = opened.iter_batches(rows, row_groups=groups, columns=columns)
                for batch in batches:
                    yield pl.DataFrame(batch).select(columns or pl.all())


def iter_text(path: Path, *, rows: int | None = None) -> Generator[pl.DataFrame]:
    """Read a table of parts that nobody replaces meanwhile as `iter_table` does, two of its parts at once.

    While one is given block by block, the next one is read into memory. Two threads take little more than
    half the time of one for text: 200,000 sentences in 25 parts 1.8 s instead of 3.1 s. For lists they take
    as long, and 200 MB.
    """
    parts = files_of_tree(path)
    with ThreadPoolExecutor(1) as thread:
        for part in parts:
            following = next(parts, None)
            read = thread.submit(list, () if following is None else iter_table(following, rows=rows))
            yield from iter_table(part, rows=rows)
            blocks = read.result()
            blocks.reverse()
            while blocks:
                yield blocks.pop()


def iter_together(*paths: Path) -> Iterator[tuple[pl.DataFrame, ...]]:
    """Read tables with the same rows in blocks of the same rows, each no larger than in its own table.

    Raises
    ------
    MissingInputError
        If one has more rows than another.
    """
    tables = [iter_table(path) for path in paths]
    blocks = [next(table, None) for table in tables]
    while all(block is not None for block in blocks):
        there = [block for block in blocks if block is not None]
        n_rows = min(block.height for block in there)
        yield tuple(block.head(n_rows) for block in there)
        blocks = [
            block.slice(n_rows) if block.height > n_rows else next(table, None)
            for block, table in zip(there, tables, strict=True)
        ]
    if any(block is not None for block in blocks):
        names = " and ".join(str(path) for path in paths)
        raise MissingInputError(f"{names} do not have the same number of rows. Build both again.")


def read_rows(path: Path, start: int, stop: int, *, columns: list[str] | None = None) -> pl.DataFrame:
    """Read rows `start` to `stop` of a table, without `stop`; fewer where it ends before."""
    found = []
    for file in _files(path):
        n_rows = pq.read_metadata(file).num_rows
        file.seek(0)
        first, end = max(start, 0), min(stop, n_rows)
        rows = scan_files(file).select(columns or pl.all()).slice(first, max(end - first, 0))
        found.append(rows.collect())
        start, stop = start - n_rows, stop - n_rows
    return pl.concat(found)


def count_rows(path: Path) -> int:
    """Count the rows of a table by its footers; 0 where there is no table."""
    if not path.exists():
        return 0
    return sum(int(pq.read_metadata(file).num_rows) for file in _footers(path))


def size_bytes(path: Path) -> int:
    """Add up the sizes of a table's files; 0 where there is no table."""
    return sum(file.stat().st_size for file in files_of_tree(path))


def table_schema(path: Path) -> pa.Schema:
    """Read the schema of a table from the footer of its first file."""
    with closing(_footers(path)) as files:
        return pq.read_schema(next(files))


def least_text(path: Path, column: str) -> str | None:
    """Read the first text of a column in alphabetical order, as footers state it; None if they do not."""
    found: list[str] = []
    for file in _footers(path):
        footer = pq.read_metadata(file)
        if column in footer.schema.names:
            place = footer.schema.names.index(column)
            groups = [footer.row_group(group).column(place) for group in range(footer.num_row_groups)]
            stated = [group.statistics for group in groups if group.is_stats_set]
            found += [statistics.min for statistics in stated if statistics.has_min_max]
    return min(found, default=None)


def with_metadata(schema: pa.Schema, metadata: Mapping[str, object]) -> pa.Schema:
    """Attach what the file is to the schema it is written with."""
    return schema.with_metadata({_METADATA_KEY: json.dumps(metadata, sort_keys=True)})


def read_footer(path: Path) -> dict[str, object]:
    """Read what `with_metadata` attached."""
    return _what_it_is(table_schema(path).metadata, path)


def read_footer_of_file(path: Path) -> tuple[dict[str, object], int, pa.Schema]:
    """Read what `with_metadata` attached to one file, its number of rows, and its columns."""
    with peek(path) as file:
        return footer_of(file, path)


def footer_of(file: IO[bytes] | io.RawIOBase, path: Path) -> tuple[dict[str, object], int, pa.Schema]:
    """Read what `read_footer_of_file` does of a file that is open, and is called by that path in errors."""
    footer = pq.read_metadata(file)
    return _what_it_is(footer.metadata, path), int(footer.num_rows), footer.schema.to_arrow_schema()


def to_arrow(rows: pl.DataFrame | pa.Table, schema: pa.Schema) -> pa.Table:
    """Give rows the columns of `schema`, in its order and with its exact types.

    Raises
    ------
    SourceError
        If a value does not fit the type of its column, or is missing where one must be; rather than lose it.
    """
    table = rows if isinstance(rows, pa.Table) else rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.select(schema.names)
    try:
        return table.cast(schema)
    except ValueError as error:
        field = next(field for field in schema if not _fits(table.select([field.name]), field))
        raise SourceError(
            f"column {field.name!r} cannot be stored as {field.type}: {error}. Correct that value in the "
            f"source, or leave the column out, and add the file again."
        ) from error


def row_bytes(table: pa.Table) -> NDArray[np.int64]:
    """Bytes of the values of each row: of texts, images and lists, how long they are; of all else, 8."""
    n_bytes = np.zeros(table.num_rows, np.int64)
    for name in table.column_names:
        at = 0
        for values in table[name].chunks:
            n_bytes[at : at + len(values)] += _value_bytes(values)
            at += len(values)
    return n_bytes


def _value_bytes(values: pa.Array) -> NDArray[np.int64] | int:
    if pa.types.is_string(values.type) or pa.types.is_binary(values.type):
        return np.diff(_offsets(values))
    if pa.types.is_struct(values.type):
        return sum((_value_bytes(inner) for inner in values.flatten()), 0)
    if pa.types.is_list(values.type):
        offsets = _offsets(values)
        if not pa.types.is_string(values.type.value_type):
            return 8 * np.diff(offsets)
        return np.diff(_offsets(values.values)[offsets])
    return 8


def _offsets(values: pa.Array) -> NDArray[np.int64]:
    buffer = values.buffers()[1]
    if buffer is None:  # no rows
        return np.zeros(len(values) + 1, np.int64)
    all_offsets = np.frombuffer(buffer, np.int32)
    return all_offsets[values.offset : values.offset + len(values) + 1].astype(np.int64)


def _what_it_is(metadata: Mapping[bytes, bytes] | None, path: Path) -> dict[str, object]:
    try:
        says = json.loads((metadata or {})[_METADATA_KEY])
    except (KeyError, ValueError, RecursionError):
        says = None
    if not isinstance(says, dict):
        raise LakeError(
            f"{path} was not written by c2s_assets: its footer does not say what it is. Build it again."
        )
    return says


def _fits(table: pa.Table, field: pa.Field) -> bool:
    try:
        table.cast(pa.schema([field]))
    except ValueError:
        return False
    return True


def _groups_of_blocks(footer: pq.FileMetaData, *, rows: int) -> Iterator[list[int]]:
    """Take row groups one by one or, where they are smaller than a block, as many as make one."""
    groups: list[int] = []
    n_rows = 0
    for group in range(footer.num_row_groups):
        n_further = footer.row_group(group).num_rows
        if groups and n_rows + n_further > rows:
            yield groups
            groups, n_rows = [], 0
        groups.append(group)
        n_rows += n_further
    if groups:
        yield groups


def _open(
    path: Path, schema: pa.Schema, *, plain: Collection[str] = (), is_drawn_from: bool = False
) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    # 20,000 sentences, 206 MB, on one core: zstd 1 0.7 s and 101 MB, 2 1.0 s and 86 MB, 3 1.2 s and 83 MB,
    # lz4 0.8 s and 154 MB, snappy 0.8 s and 143 MB. Content-defined chunks make a file 2 % larger, and an
    # upload of its next version much smaller; what they and the page index cost in time is not measurable.
    # They cut the small groups of a table that is drawn from into more pages, a quarter more time to read.
    # Lists of integers are positions that ascend: 16,384 cells of 1,924 values in groups of 128, the values
    # with a dictionary, are 74 MB with one of the positions as well, 37 MB with their differences instead,
    # and those are read 5 % faster. Sums of counts, of which few are alike, take three quarters of the time
    # to write with their first bytes together, then their second ones, and a twentieth more space.
    encodings = {
        name: encoding
        for field in schema
        if (encoding := _encoding(field, is_plain=field.name in plain)) is not None
        for name in stored_columns(field)
    }
    stored = chain.from_iterable(map(stored_columns, schema))
    without = {*plain, *encodings}
    return pq.ParquetWriter(
        path,
        schema,
        use_dictionary=[name for name in stored if name not in without] if without else True,
        column_encoding=encodings or None,
        compression="zstd",
        compression_level=2,
        write_page_index=True,
        use_content_defined_chunking=not is_drawn_from,
    )


def _encoding(field: pa.Field, *, is_plain: bool) -> str | None:
    """Name the encoding of a column's values; None for a dictionary, or nothing where `is_plain`."""
    kind = field.type.value_type if pa.types.is_list(field.type) else field.type
    if is_plain and pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    return "DELTA_BINARY_PACKED" if kind != field.type and pa.types.is_integer(kind) else None


def _write_by_side(writers: Mapping[str, TableWriter], blocks: Iterable[pl.DataFrame]) -> None:
    for block in blocks:
        for side, writer in writers.items():
            writer.write(block.filter(pl.col(SPLIT) == side))


def _write_file(
    path: Path,
    table: pa.Table,
    schema: pa.Schema,
    *,
    plain: Collection[str] = (),
    rows_per_draw: int | None = None,
) -> None:
    with _open(path, schema, plain=plain, is_drawn_from=rows_per_draw is not None) as file:
        file.write_table(table, row_group_size=rows_per_draw or ROWS_PER_GROUP)


def _footers(path: Path) -> Generator[IO[bytes]]:
    """Open the files of a table as `_files` does, for a look at their ends: none in a bucket is fetched."""
    yield from _opened(path)


def _files(path: Path) -> Generator[IO[bytes]]:
    """Open the files of a table one after the other, all of one version.

    A folder that is replaced meanwhile is still read through the descriptor, as long as its files exist.

    Raises
    ------
    MissingInputError
        If there is no table, or a new version took its place and the rest of the old one is gone.
    """
    yield from _opened(present(path))


def _opened(path: Path) -> Generator[IO[bytes]]:
    if path.is_file():
        with peek(path) as file:
            yield file
        return
    try:
        folder = os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise _not_built(path) from error
    try:
        for name in _part_names(folder, path):
            with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
                if not is_of_shape(os.fstat(file.fileno())):
                    yield file
                    continue
            with peek(path / name) as shape:
                yield shape
    except FileNotFoundError as error:
        raise MissingInputError(f"{path} was built anew while it was read. Build this again.") from error
    finally:
        os.close(folder)


def _part_names(folder: int, path: Path) -> list[str]:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".parquet"))
    if not os.path.samestat(os.fstat(folder), path.stat()):
        raise FileNotFoundError(path)  # some names may be missing: it is the old version, being removed
    if not names:
        raise _not_built(path)
    return names


def _not_built(path: Path) -> MissingInputError:
    return MissingInputError(
        f"{path} does not exist yet. Build it first: c2s build, or materialize it in the UI."
    )
