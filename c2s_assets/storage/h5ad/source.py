"""Opens an h5ad file and gives access to its parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from c2s_assets.core.errors import (
    EmptyDatasetError,
    MissingColumnError,
    NotAnH5adError,
    SourceError,
    UnsafeFileError,
)
from c2s_assets.storage.h5ad.access import Array, as_array, open_member, reading
from c2s_assets.storage.h5ad.embeddings import find_embeddings, read_rows
from c2s_assets.storage.h5ad.frames import Frame, open_frame
from c2s_assets.storage.h5ad.hdf5 import open_hdf5
from c2s_assets.storage.h5ad.headers import (
    refuse_impossible_index,
    refuse_inflated_matrix,
    refuse_more_cells_than_bytes,
)
from c2s_assets.storage.h5ad.levels import categories_in_uns
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.h5ad.links import Link
from c2s_assets.storage.h5ad.matrix import (
    DenseMatrix,
    MatrixInfo,
    MatrixReader,
    SparseMatrix,
    open_matrix,
    unsupported_matrix,
)
from c2s_assets.storage.h5ad.obsm import FurtherObsm, find_further_obsm
from c2s_assets.storage.h5ad.rows import CsrReader, DenseReader
from c2s_assets.storage.h5ad.structure import describe_structure
from c2s_assets.storage.h5ad.transpose import CscReader
from c2s_assets.storage.h5ad.uns import read_uns


@contextmanager
def open_h5ad(
    path: Path, *, scratch: Path | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator["H5ad"]:
    """Open an h5ad file for reading, after checking that it is one and that it does not lead out of itself.

    Some damaged files end the process that reads them. A file that `survey.survey_h5ad` has not passed is
    opened in a process made for that only; `sources.raw.open_source` opens those of the lake.

    `scratch` is where a matrix stored by column is sorted into rows (the system's temporary folder if None);
    it takes 12 bytes per stored value. `limits` are what the file may claim.

    Raises
    ------
    NotAnH5adError
        If the file is not HDF5, is truncated, is open elsewhere, or has no obs, no var or no matrix.
    UnsafeFileError
        If it refers to other files, contains itself, or claims more than `limits`.
    InvalidIdsError
        If obs or var has no index, so that its length is unknown, or one that cannot tell its rows apart.
    EmptyDatasetError
        If it has no cells or no features.
    """
    with open_hdf5(path, limits=limits) as hdf5:
        h5ad = H5ad(hdf5.file, hdf5.links, scratch, limits)
        h5ad._check()
        yield h5ad


@dataclass(frozen=True)
class H5ad:
    """The parts of an open h5ad file; made by `open_h5ad`, and of no use after it is closed."""

    _file: h5py.File
    links: tuple[Link, ...]
    _scratch: Path | None
    _limits: Limits = DEFAULT_LIMITS

    @property
    def n_obs(self) -> int:
        """Number of cells."""
        return self.obs.n_rows

    @cached_property
    def obs(self) -> Frame:
        """Metadata of the cells."""
        return self._frame("obs")

    @cached_property
    def var(self) -> Frame:
        """Metadata of the features of X and of the layers."""
        return self._frame("var")

    @cached_property
    def raw_var(self) -> Frame | None:
        """Metadata of the features of `raw.X`, or None if there is no raw."""
        path = self._first_path("raw/var", "raw.var")
        return None if path is None else self._frame(path)

    @cached_property
    def matrices(self) -> dict[str, MatrixInfo]:
        """All matrices by name: "X", "raw.X", "layers/<name>".

        One that is stored in a way we do not read, or contradicts itself, has encoding "unsupported" and says
        why in `problem`: it is no reason to do without the others.
        """
        return {name: self._describe_matrix(name) for name in self._matrix_paths}

    def matrix(self, name: str) -> MatrixReader:
        """Open a matrix by its name in `matrices`.

        Raises
        ------
        MissingColumnError
            If there is no matrix of that name.
        UnsupportedEncodingError
            If it is stored in a way that we do not read.
        InvalidMatrixError
            If its headers contradict each other, or obs and var.
        UnsafeFileError
            If the file is too short to hold as many values.
        """
        if name not in self._matrix_paths:
            raise MissingColumnError(
                f"there is no matrix {name!r}. The file has: {', '.join(self._matrix_paths)}."
            )
        opened = self._open_matrix(name)
        refuse_inflated_matrix(opened, limits=self._limits)
        return self._reader(opened)

    def embeddings(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the numeric arrays of obsm that have two axes or more, by name."""
        return {name: array.shape or () for name, array in self._embeddings.items()}

    def read_embedding(self, name: str, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Read the rows ``[start, stop)`` of an embedding, by default all, in its stored type; NaN stays NaN.

        Raises
        ------
        MissingColumnError
            If obsm has no embedding of that name.
        """
        if name not in self._embeddings:
            listing = ", ".join(self._embeddings) or "none"
            raise MissingColumnError(f"obsm has no embedding {name!r}. It has: {listing}.")
        return read_rows(self._embeddings[name], start, stop, n_obs=self.n_obs)

    @cached_property
    def further_obsm(self) -> FurtherObsm:
        """What obsm holds besides its embeddings, and what of it cannot be read."""
        return find_further_obsm(
            self._member("obsm"), embeddings=self._embeddings, place="obsm", n_obs=self.n_obs
        )

    def obsm_matrix(self, name: str) -> MatrixReader:
        """Open a matrix of `further_obsm`; errors are those of `matrix`."""
        return self._reader(self.further_obsm.matrices[name])

    @cached_property
    def uns_keys(self) -> list[str]:
        """Names of what `uns` holds, sorted."""
        uns = self._member("uns")
        with reading("uns"):
            return sorted(uns) if isinstance(uns, h5py.Group) else []

    def uns(self, *, max_values: int) -> dict[str, Any]:
        """Read `uns` as JSON-able values; see `uns.read_uns` for what becomes what."""
        return read_uns(self._member("uns"), max_values=max_values, limits=self._limits)

    def uns_array(self, path: str) -> Array | None:
        """Open an array of `uns` by its path below it, without reading it; None if there is none."""
        return as_array(self._member(f"uns/{path}"), place=f"uns/{path}")

    def structure(self) -> list[dict[str, Any]]:
        """Describe every element of the file; see `structure.describe_structure` for the keys."""
        return describe_structure(self._file, self.links)

    def arrays(self) -> Iterator[Array]:
        """Yield every dataset of the file once, under the first of its names."""
        for link in self.links:
            with reading(link.path):
                element = self._file[link.path] if link.same_as is None else None
            if isinstance(element, h5py.Dataset):
                yield Array(element, link.path.removeprefix("/"))

    def _reader(self, opened: SparseMatrix | DenseMatrix) -> MatrixReader:
        if isinstance(opened, DenseMatrix):
            return DenseReader(opened)
        if opened.info.encoding == "csr":
            return CsrReader(opened)
        return CscReader(opened, self._scratch)

    @cached_property
    def _embeddings(self) -> dict[str, Array]:
        return find_embeddings(self._member("obsm"), place="obsm")

    @cached_property
    def _matrix_paths(self) -> dict[str, str]:
        paths = {"X": self._first_path("X"), "raw.X": self._first_path("raw/X", "raw.X")}
        layers = self._member("layers")
        if isinstance(layers, h5py.Group):
            self._limits.refuse_more("layers", len(layers), where="there are", unit="layers")
            with reading("layers"):
                paths |= {f"layers/{name}": self._first_path(f"layers/{name}") for name in sorted(layers)}
        return {name: path for name, path in paths.items() if path is not None}

    def _check(self) -> None:
        for part in ("obs", "var"):
            if self._first_path(part) is None:
                raise NotAnH5adError(
                    f"the file has no {part}. It is HDF5, but not an h5ad; export it with anndata."
                )
        if not self._matrix_paths:
            raise NotAnH5adError("the file has no X, no raw.X and no layer. Export it with its matrix.")
        self._require_length(self.obs, "cells")
        refuse_more_cells_than_bytes(self.obs.index_values)
        self._require_length(self.var, "features")
        if "raw.X" in self._matrix_paths:
            self._check_raw()

    def _check_raw(self) -> None:
        """Refuse features of raw that are a danger, or that spoil the only matrix there is."""
        try:
            self._features_of("raw.X")
        except UnsafeFileError:
            raise
        except SourceError:
            if len(self._matrix_paths) == 1:
                raise

    def _features_of(self, name: str) -> Frame:
        """Find the frame that names the features of a matrix; SourceError if it cannot."""
        if name != "raw.X":
            return self.var
        if self.raw_var is None:
            raise NotAnH5adError(
                "raw has X but no var, so its features have no names. Export it with raw.var."
            )
        self._require_length(self.raw_var, "features")
        return self.raw_var

    def _require_length(self, frame: Frame, what: str) -> None:
        if frame.n_rows == 0:
            raise EmptyDatasetError(
                f"{frame.place} has no rows: the file has no {what}. Leave the dataset out."
            )
        self._limits.refuse_more(what, frame.n_rows, where=f"{frame.place} claims", unit=what)
        refuse_impossible_index(frame.index_values)

    def _describe_matrix(self, name: str) -> MatrixInfo:
        try:
            return self._open_matrix(name).info
        except UnsafeFileError:
            raise
        except SourceError as error:
            return unsupported_matrix(name, str(error))

    def _open_matrix(self, name: str) -> SparseMatrix | DenseMatrix:
        path = self._matrix_paths[name]
        shape = (self.n_obs, self._features_of(name).n_rows)
        return open_matrix(self._member(path), name=name, place=path, shape=shape)

    def _frame(self, path: str) -> Frame:
        return open_frame(
            self._member(path),
            place=path,
            legacy_categories=self._legacy_categories(path),
            limits=self._limits,
        )

    def _legacy_categories(self, path: str) -> dict[str, Array]:
        uns = self._member("uns")
        is_legacy = isinstance(uns, h5py.Group) and not isinstance(self._member(path), h5py.Group)
        return categories_in_uns(uns) if is_legacy else {}

    def _first_path(self, *paths: str) -> str | None:
        return next((path for path in paths if self._member(path) is not None), None)

    def _member(self, path: str) -> Any:
        element = self._file
        for name in path.split("/"):
            element = open_member(element, name, place=path) if isinstance(element, h5py.Group) else None
        if isinstance(element, h5py.Dataset) and Array(element, path).shape is None:
            return None  # how AnnData writes None
        return element
