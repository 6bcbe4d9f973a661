"""Finds the three files of a 10x matrix: entries, features and barcodes, also under names with a prefix."""

from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError

_MATRIX = ("matrix.mtx.gz", "matrix.mtx", ".mtx.gz", ".mtx")
_FEATURES = ("features.tsv.gz", "features.tsv", "genes.tsv.gz", "genes.tsv")
_BARCODES = ("barcodes.tsv.gz", "barcodes.tsv", "cells.tsv.gz", "cells.tsv")


@dataclass(frozen=True)
class MatrixFiles:
    """The files of one matrix; `prefix` is what their names begin with, such as `GSM123_sample_`."""

    prefix: str
    matrix: Path
    features: Path
    barcodes: Path


def list_matrices(folder: Path) -> list[Path]:
    """List the files of a folder that are named as matrices, by name; of two that are one, the inflated."""
    paths = [path for path in folder.iterdir() if path.name.endswith((".mtx", ".mtx.gz"))]
    by_stem = {path.name.removesuffix(".gz"): path for path in sorted(paths, reverse=True)}
    return sorted(by_stem.values())


def matrix_files_at(path: Path) -> MatrixFiles:
    """Find the files of the matrix at a path: its folder, if it is the only one there, or its own file."""
    return find_matrix_files(list_matrices(path)[0] if path.is_dir() else path)


def find_matrix_files(matrix: Path) -> MatrixFiles:
    """Find the features and barcodes that belong to a matrix: those beside it whose names begin alike.

    Raises
    ------
    NotAnH5adError
        If one of them is not there.
    """
    ending = next((ending for ending in _MATRIX if matrix.name.endswith(ending)), "")
    prefix = matrix.name.removesuffix(ending)
    return MatrixFiles(
        prefix,
        matrix,
        _beside(matrix, prefix, _FEATURES, what="features"),
        _beside(matrix, prefix, _BARCODES, what="barcodes"),
    )


def _beside(matrix: Path, prefix: str, names: tuple[str, ...], *, what: str) -> Path:
    for name in names:
        for joint in ("", "_", ".", "-"):  # `GSM1.mtx` has `GSM1_genes.tsv`
            path = matrix.with_name(f"{prefix}{joint}{name}")
            if path.is_file():
                return _within(path)
    raise NotAnH5adError(
        f"{matrix.name} is a matrix without its {what}: none of {', '.join(prefix + name for name in names)} "
        f"is beside it. Put them there, or add an h5ad."
    )


def _within(path: Path) -> Path:
    """Refuse a link that leads out of the folder, which somebody else may have made."""
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
        raise UnsafeFileError(
            f"{path} is a link to {path.resolve()}, outside its folder. If that is right, copy all with "
            f"cp -rL, and add the copy."
        )
    return path
