"""Converts the matrix folders of 10x: entries in Matrix Market format, names of features and of barcodes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidIdsError, InvalidMatrixError, NotAnH5adError, UnsafeFileError
from c2s_assets.storage.sources.formats.gzipped import open_inflated
from c2s_assets.storage.sources.formats.matrix_files import MatrixFiles
from c2s_assets.storage.sources.formats.writing import CompressedMatrix, new_h5ad, write_frame

_PIECE_BYTES = 32 * 2**20
_MAX_HEADER_BYTES = 2**20
# 10 million barcodes take 200 MB, the genes of any species 20 MB.
MAX_NAMES_BYTES = 2**30
# Entries in no order are held as a whole, in 40 bytes each.
MAX_UNSORTED = 25_000_000
# As scanpy calls them, so that a folder converted there gives the same tables.
_FEATURE_COLUMNS = ("gene_ids", "name", "feature_types", "chromosome", "start", "end")

_HEADER = re.compile(rb"%%MatrixMarket\s+matrix\s+coordinate\s+(integer|real)\s+general\s*", re.IGNORECASE)
_SIZES = re.compile(rb"\s*(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})\s*")
_UNEVEN = re.compile(rb"[ \t]{2}|\t|\r|(?:^|\n)[ \t\n]|[ \t](?:\n|$)")
# How polars names a value.
_UNREADABLE = re.compile(r"could not parse `(.{1,60}?)`")


@dataclass(frozen=True)
class _Header:
    """What the first lines say: the type of the values, and how many rows, columns and entries follow."""

    dtype: np.dtype[Any]
    n_rows: int
    n_columns: int
    n_entries: int


@dataclass(frozen=True)
class _Matrix:
    """The entries of a file, as cells by features; `is_by_cell` says that its rows are cells."""

    path: Path
    header: _Header
    is_by_cell: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Cells, features."""
        sizes = (self.header.n_rows, self.header.n_columns)
        return sizes if self.is_by_cell else sizes[::-1]

    def entries(self) -> Iterator[pl.DataFrame]:
        """Yield the entries piece by piece: 0-based `cell` and `feature`, and `value`."""
        n_entries = 0
        names = ("cell", "feature") if self.is_by_cell else ("feature", "cell")
        with open_inflated(self.path) as file:
            _read_header(file, self.path.name)
            for piece in _pieces(file, self.path.name):
                entries = _parse(piece, self.path.name, names, is_whole=self.header.dtype.kind == "i")
                n_entries += entries.height
                self._check(entries)
                if n_entries > self.header.n_entries:
                    break
                yield entries
        if n_entries != self.header.n_entries:
            raise InvalidMatrixError(
                f"{self.path.name} announces {self.header.n_entries:,} entries, but holds "
                f"{'more' if n_entries > self.header.n_entries else f'{n_entries:,}'}. Fetch it again."
            )

    def _check(self, entries: pl.DataFrame) -> None:
        n_cells, n_features = self.shape
        for name, n_most in (("cell", n_cells), ("feature", n_features)):
            outside = entries[name].filter((entries[name] < 0) | (entries[name] >= n_most))
            if len(outside):
                raise InvalidMatrixError(
                    f"{self.path.name} has an entry of {name} {outside[0] + 1}, but there are {n_most:,}. "
                    f"Fetch it again."
                )
        if self.header.dtype.kind == "i" and entries["value"].abs().max() > np.iinfo(np.int32).max:  # type: ignore[operator]
            raise InvalidMatrixError(f"{self.path.name} has a count beyond 2,147,483,647. Fetch it again.")


def convert_matrix(files: MatrixFiles, target: Path) -> None:
    """Write the matrix as h5ad: all barcodes, features of all types, as scanpy names their columns.

    Entries that are sorted by barcode, as Cell Ranger writes them, or by feature are written as they come:
    memory is bounded by 32 MB of text, and by the names. Others are sorted in memory.

    Raises
    ------
    NotAnH5adError, InvalidMatrixError, InvalidIdsError
        If a file is not what it is called, or they contradict each other.
    UnsafeFileError
        If a line or all names are longer than those of any dataset, or too many entries are in no order.
    """
    with open_inflated(files.matrix) as file:
        header = _read_header(file, files.matrix.name)
    barcodes, features = _read_names(files.barcodes), _read_names(files.features)
    is_by_cell = _is_by_cell(header, barcodes.height, features.height, files)
    matrix = _Matrix(files.matrix, header, is_by_cell)
    barcodes, features = (
        names.tail(n_rows) for names, n_rows in zip((barcodes, features), matrix.shape, strict=True)
    )
    index, columns = _describe_features(features, files.features)
    with new_h5ad(target) as written:
        if not (_write_in_order(written, matrix, "csr") or _write_in_order(written, matrix, "csc")):
            _write_sorted(written, matrix)
        write_frame(written, "obs", index=_names(barcodes, files.barcodes), columns={})
        write_frame(written, "var", index=index, columns=columns)


def _describe_features(features: pl.DataFrame, path: Path) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Return the names of the features and their columns; a file may hold nothing but names."""
    if features.width == 1:
        return _names(features, path), {}
    known = dict(zip(features.columns, _FEATURE_COLUMNS, strict=False))
    named = features.rename({old: new for old, new in known.items() if old in features.columns})
    index = _names(named.select(pl.coalesce("name", "gene_ids")), path)
    return index, {column: named[column] for column in named.columns if column != "name"}


def _read_header(file: IO[bytes], name: str) -> _Header:
    """Read up to the line with the sizes, after which the entries come."""
    line = file.readline(_MAX_HEADER_BYTES)
    found = _HEADER.fullmatch(line)
    if found is None:
        raise NotAnH5adError(
            f"{name} begins with {line[:80].decode(errors='replace')!r}. A 10x matrix begins with "
            f"'%%MatrixMarket matrix coordinate integer general'; write it so, or add an h5ad."
        )
    n_bytes = len(line)
    while n_bytes < _MAX_HEADER_BYTES and (line.startswith(b"%") or not line.strip()):
        line = file.readline(_MAX_HEADER_BYTES - n_bytes)
        n_bytes += len(line)
        if not line:
            break
    sizes = _SIZES.fullmatch(line)
    if sizes is None:
        raise NotAnH5adError(f"{name} has no line of rows, columns and entries. Fetch it again.")
    is_whole = found[1].lower() == b"integer"
    return _Header(np.dtype(np.int32 if is_whole else np.float32), *(int(size) for size in sizes.groups()))


def _pieces(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Read the rest of a file in whole lines."""
    rest = b""
    while piece := file.read(_PIECE_BYTES):
        end = piece.rfind(b"\n") + 1
        if end == 0:
            raise UnsafeFileError(f"{name} has a line of more than {_PIECE_BYTES:,} bytes. Fetch it again.")
        yield rest + piece[:end]
        rest = piece[end:]
    if rest.strip():
        yield rest


def _parse(piece: bytes, name: str, names: tuple[str, str], *, is_whole: bool) -> pl.DataFrame:
    if _UNEVEN.search(piece):
        lines = (b" ".join(line.split()) for line in piece.splitlines())
        piece = b"\n".join(line for line in lines if line)
    schema = {names[0]: pl.Int64, names[1]: pl.Int64, "value": pl.Int64 if is_whole else pl.Float64}
    if not piece:
        return pl.DataFrame(schema=schema)
    try:
        entries = pl.read_csv(piece, separator=" ", has_header=False, schema=schema, quote_char=None)
    except pl.exceptions.PolarsError as error:
        bad = _UNREADABLE.search(str(error))
        shown = f": {bad[1]!r} cannot be read" if bad else ""
        raise NotAnH5adError(
            f"{name} has a line that is no entry of row, column and {'whole ' * is_whole}number{shown}. "
            f"Fetch it again."
        ) from error
    if sum(entries.null_count().row(0)):
        raise NotAnH5adError(f"{name} has a line with less than row, column and value. Fetch it again.")
    return entries.with_columns(pl.col(names) - 1)


def _write_in_order(file: h5py.File, matrix: _Matrix, encoding: Literal["csr", "csc"]) -> bool:
    """Write entries that come sorted by cell (if `csc`, by feature); False, and nothing, if they do not."""
    major, minor = ("cell", "feature") if encoding == "csr" else ("feature", "cell")
    written = CompressedMatrix(file, "X", encoding=encoding, shape=matrix.shape, dtype=matrix.header.dtype)
    n_values = np.zeros(matrix.shape[0 if encoding == "csr" else 1] + 1, dtype=np.int64)
    last = 0
    for entries in matrix.entries():
        if not entries.height:
            continue
        if entries[major][0] < last or not entries[major].is_sorted():
            del file["X"]
            return False
        last = entries[major][-1]
        counts = entries[major].value_counts()
        n_values[counts[major].to_numpy() + 1] += counts["count"].to_numpy()
        written.append(entries[minor].to_numpy(), entries["value"].to_numpy())
    written.finish(np.cumsum(n_values))
    return True


def _write_sorted(file: h5py.File, matrix: _Matrix) -> None:
    if matrix.header.n_entries > MAX_UNSORTED:
        raise UnsafeFileError(
            f"{matrix.path.name} has {matrix.header.n_entries:,} entries in no order; at most "
            f"{MAX_UNSORTED:,} are sorted here. Write it sorted by cell."
        )
    entries = pl.concat(matrix.entries()).sort("cell", "feature", maintain_order=True)
    written = CompressedMatrix(file, "X", encoding="csr", shape=matrix.shape, dtype=matrix.header.dtype)
    written.append(entries["feature"].to_numpy(), entries["value"].to_numpy())
    written.finish(_bounds(entries["cell"].to_numpy(), matrix.shape[0]))


def _bounds(cells: NDArray[np.int64], n_cells: int) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=n_cells))])


def _read_names(path: Path) -> pl.DataFrame:
    """Read a table without header, all of it text."""
    with open_inflated(path) as file:
        text = file.read(MAX_NAMES_BYTES + 1)
    if len(text) > MAX_NAMES_BYTES:
        raise UnsafeFileError(
            f"{path.name} holds more than {MAX_NAMES_BYTES:,} bytes of names. Fetch it again, or add an h5ad."
        )
    try:
        return pl.read_csv(text, separator="\t", has_header=False, infer_schema=False, quote_char=None)
    except pl.exceptions.PolarsError as error:
        begin = str(error).splitlines()[0][:200]
        raise NotAnH5adError(
            f"{path.name} is no table of text with tabs ({begin}). Fetch it again."
        ) from error


def _is_by_cell(header: _Header, n_barcodes: int, n_features: int, files: MatrixFiles) -> bool:
    """Whether the rows of the matrix are cells; a first line of headings in a file of names is allowed."""
    sizes = (header.n_rows, header.n_columns)
    for is_by_cell, names in ((False, (n_features, n_barcodes)), (True, (n_barcodes, n_features))):
        if all(n_names - size in (0, 1) for n_names, size in zip(names, sizes, strict=True)):
            return is_by_cell
    raise InvalidMatrixError(
        f"{files.matrix.name} has {header.n_rows:,} rows and {header.n_columns:,} columns, but "
        f"{files.features.name} {n_features:,} and {files.barcodes.name} {n_barcodes:,} lines. Put the files "
        f"together that belong together."
    )


def _names(table: pl.DataFrame, path: Path) -> pl.Series:
    """Return the first column, of which no value may be missing."""
    names = table.to_series()
    if names.null_count():
        row = names.is_null().arg_max()
        raise InvalidIdsError(f"{path.name} has no name in row {row}, counted from 0. Fetch it again.")
    return names
