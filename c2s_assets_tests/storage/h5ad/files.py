"""Writes small h5ad files for the tests, byte by byte where anndata would refuse to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

SHARED_DATA = Path(__file__).parents[4] / "shared" / "data"

# Three cells by four features; cell 1 expresses nothing.
COUNTS = np.array([[1, 0, 2, 0], [0, 0, 0, 0], [0, 3, 0, 4]], dtype=np.float32)


@contextmanager
def new_h5ad(path: Path, *, n_obs: int = 3, n_vars: int = 4) -> Iterator[h5py.File]:
    """Write obs and var with an index each, and leave the rest to the caller."""
    with h5py.File(path, "w") as file:
        add_frame(file, "obs", [f"cell{row}" for row in range(n_obs)])
        add_frame(file, "var", [f"gene{row}" for row in range(n_vars)])
        yield file


def write_counts(path: Path) -> Path:
    """Write the smallest complete file: COUNTS as CSR."""
    with new_h5ad(path) as file:
        add_sparse(file, "X", COUNTS)
    return path


def add_frame(
    parent: h5py.Group, name: str, ids: list[str], *, column_order: tuple[str, ...] = ()
) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["encoding-type"] = "dataframe"
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(column_order, dtype=h5py.string_dtype())
    group.create_dataset("_index", data=np.array(ids, dtype=object), dtype=h5py.string_dtype())
    return group


def add_categorical(parent: h5py.Group, name: str, codes: list[int], categories: Any) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["encoding-type"] = "categorical"
    group["codes"] = np.array(codes, dtype=np.int8)
    group["categories"] = categories
    return group


def add_masked(parent: h5py.Group, name: str, encoding: str, values: Any, mask: list[bool]) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["encoding-type"] = encoding
    group["values"] = values
    group["mask"] = np.array(mask)
    return group


def add_sparse(
    parent: h5py.Group,
    name: str,
    dense: NDArray[Any],
    *,
    encoding: str = "csr",
    dtype: type = np.float32,
    index_dtype: type = np.int32,
    **storage: Any,
) -> h5py.Group:
    """Write the non-zero values of a matrix."""
    sparse = csr_array(dense) if encoding == "csr" else csc_array(dense)
    return add_parts(
        parent,
        name,
        encoding=encoding,
        shape=dense.shape,
        data=sparse.data.astype(dtype),
        indices=sparse.indices.astype(index_dtype),
        indptr=sparse.indptr.astype(index_dtype),
        **storage,
    )


def add_parts(
    parent: h5py.Group,
    name: str,
    *,
    encoding: str,
    shape: Any,
    data: Any,
    indices: Any,
    indptr: Any,
    **storage: Any,
) -> h5py.Group:
    """Write the three arrays of a sparse matrix as they are given, right or wrong."""
    group = parent.create_group(name)
    group.attrs["encoding-type"] = f"{encoding}_matrix"
    group.attrs["shape"] = np.array(shape) if isinstance(shape, tuple) else shape
    for part, values in {"data": data, "indices": indices, "indptr": indptr}.items():
        group.create_dataset(part, data=np.asarray(values), **_fitting(storage, np.size(values)))
    return group


def _fitting(storage: dict[str, Any], n_values: int) -> dict[str, Any]:
    """Shorten the chunks to the values there are; HDF5 has no chunks of nothing."""
    if n_values == 0:
        return {}
    return storage | {"chunks": (min(storage["chunks"][0], n_values),)} if "chunks" in storage else storage
