"""Tells by the names in an HDF5 file what it holds: an h5ad, or another format of cells by features."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from c2s_assets.core.errors import NotAnH5adError


class Kind(StrEnum):
    """Formats of cells by features in HDF5."""

    H5AD = "h5ad"
    TENX_H5 = "10x HDF5 matrix"
    H5MU = "h5mu"
    LOOM = "loom"


@dataclass(frozen=True)
class Contents:
    """What a file holds; `parts` are modalities of an h5mu, or genomes of a 10x matrix of version 2."""

    kind: Kind
    parts: tuple[str, ...] = ()


# Of files that hold no matrix for us: a name at their top, what they are, and what to do.
_OTHERS = {
    "cell.names": "an h5Seurat file. Write an h5ad from R: "
    'SeuratDisk::Convert("data.h5seurat", dest = "h5ad")',
    "molecule_info": "a file of molecules of Cell Ranger. Add filtered_feature_bc_matrix.h5 beside it.",
    "barcode_idx": "a file of molecules of Cell Ranger. Add filtered_feature_bc_matrix.h5 beside it.",
    "model_weights": "a model of Keras. Add an h5ad.",
}


def contents_of(paths: Iterable[str]) -> Contents:
    """Tell from the paths of all its elements; what is of no known kind counts as a bad h5ad.

    Raises
    ------
    NotAnH5adError
        If it is a file of another purpose.
    """
    names = {path.removeprefix("/") for path in paths}
    top = {name.partition("/")[0] for name in names}
    if "mod" in top and "X" not in top:
        return Contents(Kind.H5MU, _children(names, "mod"))
    if {"obs", "var"} <= top:
        return Contents(Kind.H5AD)
    if {"matrix", "row_attrs", "col_attrs"} <= top:
        return Contents(Kind.LOOM)
    if "matrix/barcodes" in names:
        return Contents(Kind.TENX_H5)
    genomes = tuple(sorted(name for name in top if {f"{name}/barcodes", f"{name}/indptr"} <= names))
    if genomes:
        return Contents(Kind.TENX_H5, genomes)
    for name, what in _OTHERS.items():
        if name in top:
            raise NotAnH5adError(f"it is {what}")
    return Contents(Kind.H5AD)


def _children(names: Iterable[str], parent: str) -> tuple[str, ...]:
    parts = (name.split("/") for name in names)
    return tuple(sorted(part[1] for part in parts if len(part) == 2 and part[0] == parent))
