"""Three files as biologists have them: none follows CELLxGENE, and each calls things by names of its own."""

from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

_OF_PEOPLE = ("ACTB", "GAPDH", "MALAT1", "B2M", "CD3D", "CD3E", "MS4A1", "LYZ", "NKG7", "EPCAM")
_OF_MICE = ("Actb", "Gapdh", "Malat1", "B2m", "Gm1992", "Gm37381", "Gm6085", "1700001G17Rik", "Cd3e", "Lyz2")


def write_tenx(path: Path, *, n_obs: int = 120, n_vars: int = 60) -> Path:
    """Write counts as scanpy reads them of 10x, with the lab's own columns for patients and ages."""
    cells = np.arange(n_obs)
    obs = pd.DataFrame(
        {
            "batch": np.where(cells % 2, "run1", "run2"),
            "PatientID": pd.Categorical([f"P{cell % 6:02d}" for cell in cells]),
            "Age_at_sampling": 24.0 + 11 * (cells % 6),
            "CellType": pd.Categorical(np.array(["T cell", "B cell", "monocyte"])[cells // 3 % 3]),
        },
        index=[f"{_barcode(cell)}-1" for cell in cells],
    )
    var = pd.DataFrame(
        {
            "gene_ids": [f"ENSG{number:011d}" for number in range(n_vars)],
            "feature_types": "Gene Expression",
        },
        index=_symbols(_OF_PEOPLE, n_vars),
    )
    ad.AnnData(_counts(n_obs, n_vars), obs, var).write_h5ad(path, compression="gzip")
    return path


def write_seurat(path: Path, *, n_obs: int = 120, n_vars: int = 60) -> Path:
    """Write counts as anndata did before 0.8: categories lie beside the codes, in ``obs/__categories``."""
    cells = np.arange(n_obs)
    labels = {
        "orig.ident": [f"donor{number}" for number in range(5)],
        "celltype.l2": ["Hepatocyte", "Kupffer", "LSEC"],
    }
    codes = {"orig.ident": cells % 5, "celltype.l2": cells // 5 % 3}
    counts = _counts(n_obs, n_vars)
    with h5py.File(path, "w") as file:
        obs, var, x = (file.create_group(name) for name in ("obs", "var", "X"))
        obs["_index"] = [f"cell{cell}".encode() for cell in cells]
        obs["nCount_RNA"] = np.asarray(counts.sum(axis=1)).ravel()
        obs["age_yrs"] = (31 + 9 * (cells % 5)).astype(np.int32)
        _write_categories(obs, labels, codes)
        var["_index"] = [name.encode() for name in _symbols(_OF_PEOPLE, n_vars)]
        for group, columns in ((obs, ["nCount_RNA", "age_yrs", *labels]), (var, [])):
            group.attrs.update(
                {"_index": "_index", "encoding-type": "dataframe", "encoding-version": "0.1.0"}
            )
            group.attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype())
        for name in ("data", "indices", "indptr"):
            x[name] = getattr(counts, name)
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": counts.shape})
    return path


def write_mouse(path: Path, *, n_obs: int = 120, n_vars: int = 60) -> Path:
    """Write counts of mice of three ages, in months."""
    cells = np.arange(n_obs)
    obs = pd.DataFrame(
        {
            "mouse.id": pd.Categorical([f"{3 + 15 * (cell % 6 // 2)}-M-{cell % 6}" for cell in cells]),
            "age": pd.Categorical(np.array(["3m", "18m", "24m"])[cells % 6 // 2]),
            "cell_ontology_class": pd.Categorical(np.array(["B cell", "T cell"])[cells // 6 % 2]),
        },
        index=[f"{cell}_mouse" for cell in cells],
    )
    var = pd.DataFrame(index=_symbols(_OF_MICE, n_vars))
    ad.AnnData(_counts(n_obs, n_vars), obs, var).write_h5ad(path, compression="gzip")
    return path


def _write_categories(
    obs: h5py.Group,
    labels: Mapping[str, list[str]],
    codes: Mapping[str, "np.ndarray[tuple[int], np.dtype[np.int64]]"],
) -> None:
    categories = obs.create_group("__categories")
    for name, values in labels.items():
        categories[name] = [value.encode() for value in values]
        obs[name] = codes[name].astype(np.int8)
        obs[name].attrs["categories"] = categories[name].ref


def _barcode(number: int) -> str:
    """Write a number in letters of DNA, as many as 10x writes."""
    return "".join("ACGT"[number >> 2 * place & 3] for place in reversed(range(16)))


def _symbols(famous: tuple[str, ...], n_vars: int) -> list[str]:
    is_of_mice = famous is _OF_MICE
    return [*famous, *(f"Gene{n}" if is_of_mice else f"GENE{n}" for n in range(len(famous), n_vars))]


def _counts(n_obs: int, n_vars: int) -> csr_matrix:
    rng = np.random.default_rng(0)
    n_stored = max(20, n_vars // 20)
    columns = np.sort(
        np.argsort(rng.random((n_obs, min(n_vars, 4 * n_stored))), axis=1)[:, :n_stored], axis=1
    )
    values = 1 + rng.poisson(1.0, columns.shape)
    indptr = np.arange(0, columns.size + 1, n_stored)
    return csr_matrix((values.ravel().astype(np.float32), columns.ravel(), indptr), shape=(n_obs, n_vars))
