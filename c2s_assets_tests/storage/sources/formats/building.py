"""Writes one small dataset in every format that is taken, byte by byte where no library is there to do it."""

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_matrix

N_OBS, N_VARS = 12, 9
BARCODES = [f"AAAC{cell:04d}-1" for cell in range(N_OBS)]
SYMBOLS = ["ACTB", "MYH7", "TTN", "DES", "GAPDH", "CD3E", "MS4A1", "CD3_TotalSeqB", "TTN"]
GENE_IDS = [f"ENSG{number:011d}" for number in range(1, 8)] + ["CD3", "ENSG00000000099"]
FEATURE_TYPES = ["Gene Expression"] * 7 + ["Antibody Capture", "Gene Expression"]
# Every cell and every feature has a count, one has a large one.
COUNTS = (np.random.default_rng(0).poisson(1, (N_OBS, N_VARS)) + np.eye(N_OBS, N_VARS)).astype(np.int64)
COUNTS[3, 2] = 70_000


def as_anndata(*, feature_types: bool = True) -> ad.AnnData:
    """The dataset as scanpy reads it."""
    columns = {"gene_ids": GENE_IDS} | ({"feature_types": FEATURE_TYPES} if feature_types else {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two features share a symbol
        return ad.AnnData(
            csr_matrix(COUNTS.astype(np.float32)),
            obs=pd.DataFrame(index=BARCODES),
            var=pd.DataFrame(columns, index=SYMBOLS),
        )


def write_h5ad(path: Path, *, feature_types: bool = True) -> Path:
    as_anndata(feature_types=feature_types).write_h5ad(path)
    return path


def write_gzipped(path: Path) -> Path:
    plain = write_h5ad(path.with_name("plain.h5ad"))
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return path


def write_tenx_v3(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        group = add_tenx_matrix(file, "matrix")
        features = group.create_group("features")
        features["id"], features["name"] = (np.array(names, dtype="S") for names in (GENE_IDS, SYMBOLS))
        features["feature_type"] = np.array(FEATURE_TYPES, dtype="S")
        features["_all_tag_keys"] = np.array(["genome"], dtype="S")
    return path


def write_tenx_v2(path: Path, *genomes: str) -> Path:
    with h5py.File(path, "w") as file:
        for genome in genomes or ("GRCh38",):
            group = add_tenx_matrix(file, genome)
            group["genes"], group["gene_names"] = (
                np.array(names, dtype="S") for names in (GENE_IDS, SYMBOLS)
            )
    return path


def add_tenx_matrix(file: h5py.File, name: str) -> h5py.Group:
    by_barcode = csc_array(COUNTS.T)
    group = file.create_group(name)
    group["barcodes"] = np.array(BARCODES, dtype="S")
    for part, dtype in (("data", np.int32), ("indices", np.int64), ("indptr", np.int64)):
        values = getattr(by_barcode, part).astype(dtype)
        group.create_dataset(part, data=values, chunks=(5,), compression="gzip")
    group["shape"] = np.array(by_barcode.shape, dtype=np.int32)
    return group


def write_matrix_folder(
    folder: Path, *, prefix: str = "", version: int = 3, order: str = "barcode", field: str = "integer"
) -> Path:
    folder.mkdir(exist_ok=True)
    ending, write = (".gz", _write_gzip) if version == 3 else ("", Path.write_bytes)
    columns = [GENE_IDS, SYMBOLS, FEATURE_TYPES][: 3 if version == 3 else 2]
    features = "features" if version == 3 else "genes"
    write(folder / f"{prefix}matrix.mtx{ending}", matrix_text(order=order, field=field).encode())
    write(folder / f"{prefix}barcodes.tsv{ending}", lines(BARCODES))
    write(folder / f"{prefix}{features}.tsv{ending}", lines(map("\t".join, zip(*columns, strict=True))))
    return folder


def matrix_text(*, order: str = "barcode", field: str = "integer", is_by_cell: bool = False) -> str:
    cells, features = np.nonzero(COUNTS)
    keys = {
        "barcode": (features, cells),
        "feature": (cells, features),
        "none": (np.random.default_rng(1).random(len(cells)),),
    }
    entries = [
        (cells[at] + 1, features[at] + 1) if is_by_cell else (features[at] + 1, cells[at] + 1)
        for at in np.lexsort(keys[order])
    ]
    counts = COUNTS if is_by_cell else COUNTS.T
    rows = [f"{row} {column} {counts[row - 1, column - 1]}" for row, column in entries]
    sizes = f"{counts.shape[0]} {counts.shape[1]} {len(rows)}"
    head = [
        f"%%MatrixMarket matrix coordinate {field} general",
        '%metadata_json: {"format_version": 2}',
        sizes,
    ]
    return "\n".join([*head, *rows]) + "\n"


def lines(texts: Any) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def _write_gzip(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content))


def write_loom(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=COUNTS.T.astype(np.float32), chunks=(4, 4), compression="gzip")
        for name in ("layers", "row_attrs", "col_attrs", "row_graphs", "col_graphs"):
            file.create_group(name)
        text = h5py.string_dtype()
        file["col_attrs"].create_dataset("CellID", data=BARCODES, dtype=text)
        file["row_attrs"].create_dataset("Gene", data=SYMBOLS, dtype=text)
        file["row_attrs"].create_dataset("Accession", data=GENE_IDS, dtype=text)
        file["row_attrs"].create_dataset("feature_types", data=FEATURE_TYPES, dtype=text)
    return path


def write_h5mu(path: Path, *modalities: str) -> Path:
    """Write each modality, and the columns of obs that all share; cells of `prot` are the even ones only."""
    with h5py.File(path, "w") as file:
        donors = [f"donor_{cell % 3}" for cell in range(N_OBS)]
        shared = pd.DataFrame({"donor_id": donors, "rna:depth": 1.0}, index=BARCODES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ad.io.write_elem(file, "obs", shared)
            ad.io.write_elem(file, "var", pd.DataFrame(index=SYMBOLS))
            group = file.create_group("mod")
            for modality in modalities or ("rna",):
                adata = as_anndata()
                ad.io.write_elem(group, modality, adata[::2].copy() if modality == "prot" else adata)
    return path


def write_zarr(folder: Path, *, version: int = 2) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ad.settings.override(zarr_write_format=version):
            as_anndata().write_zarr(folder)
    return folder


# Each with the name under which it is written, and what of the dataset it can hold.
FORMATS: dict[str, tuple[str, Callable[[Path], Path], set[str]]] = {
    "gzipped": ("toy.h5ad.gz", write_gzipped, {"gene_ids", "feature_types"}),
    "10x v3": ("toy.h5", write_tenx_v3, {"gene_ids", "feature_types"}),
    "10x v2": ("toy.h5", write_tenx_v2, {"gene_ids"}),
    "matrix folder v3": ("toy", write_matrix_folder, {"gene_ids", "feature_types"}),
    "matrix folder v2": ("toy", lambda path: write_matrix_folder(path, version=2), {"gene_ids"}),
    "h5mu": ("toy.h5mu", write_h5mu, {"gene_ids", "feature_types", "donor_id"}),
    "zarr v2": ("toy.zarr", write_zarr, {"gene_ids", "feature_types"}),
    "zarr v3": ("toy.zarr", lambda path: write_zarr(path, version=3), {"gene_ids", "feature_types"}),
    "loom": ("toy.loom", write_loom, {"gene_ids", "feature_types"}),
}
