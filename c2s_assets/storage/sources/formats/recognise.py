"""Recognises what somebody wants to add: a format that becomes an h5ad, or what else it is."""

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from c2s_assets.core.errors import C2SError, NotAnH5adError, UnsafeFileError
from c2s_assets.storage.h5ad.kinds import Contents, Kind
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.h5ad.survey import Survey, survey_hdf5
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.sources.formats.matrix_files import (
    MatrixFiles,
    find_matrix_files,
    list_matrices,
    matrix_files_at,
)
from c2s_assets.storage.sources.formats.signatures import (
    HDF5,
    MATRIX_MARKET,
    N_BYTES,
    compression_of,
    inflate_head,
    name_bytes,
)
from c2s_assets.storage.sources.formats.spatialdata_elements import list_tables, parts_with_cells
from c2s_assets.storage.sources.formats.tissue_folders import TissueFiles, TissueKind, find_tissue
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store

MAX_FILES = 1_000_000
# HDF5 looks for its signature here and at every doubling, after a block of the writer's own.
_FIRST_USER_BLOCK, _LAST_USER_BLOCK = 512, 2**20


class Format(StrEnum):
    """What can be added, in words."""

    H5AD = str(Kind.H5AD)
    GZIPPED = "HDF5 file compressed with gzip"
    TENX_H5 = str(Kind.TENX_H5)
    TENX_FOLDER = "10x matrix folder"
    H5MU = str(Kind.H5MU)
    ZARR = "zarr store of AnnData"
    SPATIALDATA = "store of SpatialData"
    LOOM = str(Kind.LOOM)
    SPOTS = str(TissueKind.SPOTS)
    CELLS = str(TissueKind.CELLS)
    CELLS_OF_BINS = str(TissueKind.CELLS_OF_BINS)
    XENIUM = str(TissueKind.XENIUM)


@dataclass(frozen=True)
class Found:
    """A file or folder that can be added: its format, and the files that it consists of.

    Attributes
    ----------
    name
        Of which an id can be made.
    survey
        Of an h5ad.
    parts
        Modalities of an h5mu, tables of a store of SpatialData, or genomes of a 10x matrix of version 2.
    """

    path: Path
    name: str
    format: Format
    files: tuple[Path, ...]
    survey: Survey | None = None
    parts: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(file.stat().st_size for file in self.files)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of its bytes; of several files, of their names below the folder and their bytes."""
        if self.files == (self.path,):
            return file_digest(self.path)
        digest = hashlib.sha256()
        folder = self.path if self.path.is_dir() else self.path.parent
        for file in self.files:
            digest.update(f"{file.relative_to(folder).as_posix()}\0{file_digest(file)}\n".encode())
        return digest.hexdigest()


def recognise(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Found:
    """Say what a file or a folder is, if it is something that becomes an h5ad.

    `limits` are what an HDF5 file may claim.

    Raises
    ------
    NotAnH5adError
        If it is something else; the message says what, and what to do.
    UnsafeFileError
        If it leads out of itself, or reading it does harm: an HDF5 file is surveyed in a process of its own.
    OSError
        If it is not there, or cannot be read; see `readable`.
    """
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        return _recognise_folder(path, limits)
    if not stat.S_ISREG(kind):
        raise NotAnH5adError(f"{path} is neither a file nor a folder. Give the path of an h5ad.")
    head = read_head(path)
    if is_hdf5(path, head):
        return _recognise_hdf5(path, limits)
    inner = inflate_head(head, "gzip") if compression_of(head) == "gzip" else head
    if inner.startswith(MATRIX_MARKET):
        return _found_matrix(path, find_matrix_files(path))
    if inner.startswith(HDF5):
        return Found(path, path.name, Format.GZIPPED, (path,))
    raise _other(path, head)


def describe_dropped(path: Path) -> str:
    """Say of a file or folder that is not named as an h5ad what it is by its first bytes, and what to do."""
    if path.is_dir():
        return "it is a folder. If it is a zarr store or holds a 10x matrix, add it with: c2s add PATH."
    if not path.is_file():
        return "it is neither a file nor a folder. Remove it."
    head = read_head(path)
    inner = inflate_head(head, "gzip") if compression_of(head) == "gzip" else head
    if is_hdf5(path, head) or inner.startswith((HDF5, MATRIX_MARKET)):
        return (
            f"it is {name_bytes(head).what}, but not named as an h5ad. Take it out of the inbox and add it "
            f"with: c2s add PATH."
        )
    signature = name_bytes(head)
    return f"it is {signature.what}. {signature.advice}"


def refuse_other_bytes(path: Path) -> None:
    """Refuse a file that does not begin as HDF5, for what it is; the rest of it is not looked at.

    Raises
    ------
    NotAnH5adError
        If it is something else.
    """
    head = read_head(path)
    if not is_hdf5(path, head):
        raise _other(path, head)


def _other(path: Path, head: bytes) -> NotAnH5adError:
    signature = name_bytes(head)
    return NotAnH5adError(
        f"{path.name} ({path.stat().st_size:,} bytes) is {signature.what}. {signature.advice}"
    )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in words what keeps a path from being read."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise C2SError(
            f"{path} is not a file, nor a folder. Give the path of an h5ad, or its http(s) address."
        ) from error
    except PermissionError as error:
        raise C2SError(
            f"{error.filename or path}: you have no permission to read it. Ask its owner for it."
        ) from error
    except OSError as error:
        raise C2SError(
            f"{path} cannot be read: {error.strerror}. Copy it elsewhere, and add the copy."
        ) from error


def read_head(path: Path) -> bytes:
    """Read the first bytes of a file, as many as it takes to say what it is."""
    with path.open("rb") as file:
        return file.read(N_BYTES)


def is_hdf5(path: Path, head: bytes) -> bool:
    """Whether a file that begins so has the signature of HDF5 where it may stand."""
    if head.startswith(HDF5):
        return True
    at = _FIRST_USER_BLOCK
    with path.open("rb") as file:
        while at <= _LAST_USER_BLOCK:
            file.seek(at)
            if file.read(len(HDF5)) == HDF5:
                return True
            at *= 2
    return False


def _recognise_hdf5(path: Path, limits: Limits) -> Found:
    found = survey_hdf5(path, limits=limits)
    if isinstance(found, Contents):
        return Found(path, path.name, Format(found.kind), (path,), parts=found.parts)
    return Found(path, path.name, Format.H5AD, (path,), survey=found)


def _recognise_folder(folder: Path, limits: Limits) -> Found:
    if is_zarr_store(folder):
        return _found_zarr(folder)
    if (tissue := find_tissue(folder)) is not None:
        return _found_tissue(folder, tissue, limits)
    matrices = list_matrices(folder)
    if len(matrices) == 1:
        return _found_matrix(folder, matrix_files_at(folder))
    if matrices:
        names = ", ".join(path.name for path in matrices[:10])
        raise NotAnH5adError(
            f"{folder} holds {len(matrices)} matrices. Add each of them by its path: {names}."
        )
    raise NotAnH5adError(_describe_folder(folder))


def _found_matrix(path: Path, matrix: MatrixFiles) -> Found:
    files = (matrix.matrix, matrix.features, matrix.barcodes)
    folder = path if path.is_dir() else path.parent
    name = matrix.prefix.strip("._- ") or folder.resolve().name
    return Found(path, name, Format.TENX_FOLDER, files)


def _found_tissue(folder: Path, tissue: TissueFiles, limits: Limits) -> Found:
    matrix = _recognise_hdf5(tissue.matrix, limits)
    if matrix.format is not Format.TENX_H5:
        raise NotAnH5adError(
            f"{tissue.matrix} is a {matrix.format}, and no matrix of 10x. Copy the folder as it was written."
        )
    return Found(folder, tissue.name, Format(tissue.kind), tissue.all)


def _found_zarr(folder: Path) -> Found:
    name = folder.resolve().name
    if {"obs", "var"} <= {child.name for child in folder.iterdir()}:
        return Found(folder, name, Format.ZARR, tuple(_files_below(folder)))
    tables = list_tables(folder)
    if not tables:
        raise NotAnH5adError(
            f"{folder} is a zarr store that has neither obs and var, as of AnnData, nor tables, as of "
            f"SpatialData. Write the dataset with AnnData.write_zarr, or as h5ad."
        )
    files = tuple(file for part in parts_with_cells(folder) for file in _files_below(part))
    return Found(folder, name, Format.SPATIALDATA, files, parts=tables)


def _files_below(folder: Path) -> Iterator[Path]:
    """List all files of a folder in the order of their names, and refuse what leads out of it."""
    n_files = 0
    for path in (folder, *sorted(folder.rglob("*"))):
        if path.is_symlink():
            raise UnsafeFileError(
                f"{path} is a symbolic link; it could lead out of the store. Copy the store with cp -rL, and "
                f"add the copy."
            )
        if path.is_dir():
            continue
        if not path.is_file():
            raise UnsafeFileError(f"{path} is neither a file nor a folder. Copy the store without it.")
        n_files += 1
        if n_files > MAX_FILES:
            raise UnsafeFileError(
                f"{folder} has more than {MAX_FILES:,} files. Write it with larger chunks, or as h5ad."
            )
        yield path


_FITTING = (".h5ad", ".h5ad.gz", ".h5", ".h5mu", ".loom", ".zarr", "_bc_matrix", "_bc_matrices")


def _describe_folder(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    shown = ", ".join(names[:10]) or "nothing"
    return (
        f"{folder} is a folder without matrix.mtx, features.tsv (or genes.tsv) and barcodes.tsv, and no zarr "
        f"store either. It holds {shown}. Give the path of an h5ad, or of such a folder."
    )
