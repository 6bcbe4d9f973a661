"""Which datasets a folder holds: it is one itself, or has files of several."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import C2SError
from c2s_assets.storage.sources.formats.matrix_files import list_matrices
from c2s_assets.storage.sources.formats.tissue_folders import find_tissue
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store

_ENDINGS = (".h5ad", ".h5ad.gz", ".h5", ".h5mu", ".loom")
_BESIDE_MATRICES = (".tsv", ".tsv.gz")


@dataclass(frozen=True)
class FolderContents:
    """What a path holds that can be added, and the names of what else lies there."""

    datasets: tuple[Path, ...]
    others: tuple[str, ...] = ()


def datasets_at(path: Path) -> FolderContents:
    """Find what can be added at a path: itself or, of a folder that is no dataset, what is in it, by name.

    Files are told by their names, and folders by what they hold; those that are no dataset are not looked
    through. A folder without any is given back, to be refused for what it is.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    if not path.is_dir() or is_zarr_store(path) or _is_tissue(path):
        return FolderContents((path,))
    names = sorted(child.name for child in path.iterdir() if not child.name.startswith("."))
    found = tuple(_datasets_among(path, names))
    if not found or found == tuple(list_matrices(path)[:1]):
        return FolderContents((path,))
    known = {child.name for child in found}
    others = [name for name in names if name not in known and not name.endswith(_BESIDE_MATRICES)]
    return FolderContents(found, tuple(others))


def _datasets_among(folder: Path, names: list[str]) -> Iterator[Path]:
    matrices = {matrix.name for matrix in list_matrices(folder)}
    for name in names:
        child = folder / name
        if name in matrices or (_is_dataset(child) if child.is_dir() else name.endswith(_ENDINGS)):
            yield child


def _is_dataset(folder: Path) -> bool:
    return is_zarr_store(folder) or len(list_matrices(folder)) == 1 or _is_tissue(folder)


def _is_tissue(folder: Path) -> bool:
    """Whether a folder is that of an instrument; one that lacks a file is refused when it is added."""
    try:
        return find_tissue(folder) is not None
    except C2SError:
        return True
