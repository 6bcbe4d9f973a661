"""Writes an h5ad in the shape of a published atlas of human muscle; no cell, donor or gene in it is real.

    python -m benchmarks.muscle PATH N_OBS

The figures are those of its card on Hugging Face (longevity-db/skeletal-muscle-atlas) and of the repository
that made it (winternewt/muscle-ageing-cell-atlas).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.atlas import Atlas, Kind, ensembl_ids, symbols, write_atlas

N_OBS, N_VARS = 183_161, 29_400

# Cells and donors by age group, and cells by type, of the original.
_AGE_GROUPS = {
    "15-20": (23_345, 2),
    "20-25": (398, 1),
    "25-30": (30_802, 2),
    "35-40": (29_376, 3),
    "50-55": (4_093, 1),
    "55-60": (5_374, 1),
    "60-65": (29_976, 3),
    "70-75": (59_797, 4),
}
_CELL_TYPES = {
    "MF-I": 42_052,
    "MF-II": 28_558,
    "FB": 27_925,
    "MuSC": 20_215,
    "SMC": 8_049,
    "T-cell": 7_385,
    "MF-IIsc(fg)": 7_075,
    "MF-Isc(fg)": 5_205,
    "Macrophage": 4_723,
    "NK-cell": 3_725,
    "CapEC": 3_361,
    "Specialised MF": 3_285,
    "Monocyte": 2_990,
    "VenEC": 2_839,
    "Pericyte": 2_797,
    "ArtEC": 2_539,
    "B-cell": 1_326,
    "cDC2": 1_158,
    "Neutrophil": 975,
    "PnFB": 934,
    "Tenocyte": 864,
    "EnFB": 842,
    "LymphEC": 769,
    "MF-Isn(fg)": 675,
    "Mast": 631,
    "mSchwann": 486,
    "Hyb": 414,
    "B-plasma": 330,
    "MF-IIsn(fg)": 258,
    "Mesothelium": 203,
    "nmSchwann": 183,
    "cDC1": 152,
    "Adipocyte": 137,
    "pDC": 39,
    "Eosinophil": 36,
    "RBC": 26,
}
_N_FINER_TYPES = {"annotation_level1": 43, "annotation_level2": 82}
_FRAC_EXPRESSED = 1 - 0.9541416
_EMBEDDINGS = {"X_scVI": 30, "X_umap": 2}


def write_published_atlas(path: Path, *, n_obs: int = N_OBS, n_vars: int = N_VARS) -> Path:
    """Write an h5ad with the columns, donors, cell types, embeddings and sparsity of the published atlas.

    With `N_OBS` cells every age group and cell type has exactly as many cells as in the original; of donors
    only their number and their age groups are known. The counts are in X; whether the original's X was
    normalised is not said.
    """
    kind = Kind(
        describe_cells=_describe_cells,
        describe_features=_describe_features,
        uns={"pca": {"params": {"n_comps": 50}}, "neighbors": {"params": {"n_neighbors": 15}}},
        embeddings=_EMBEDDINGS,
        frac_expressed=_FRAC_EXPRESSED,
        donor_cells=[n_cells for n_cells, _ in _cells_and_group_of_donors()],
        type_cells=list(_CELL_TYPES.values()),
    )
    return write_atlas(path, n_obs=n_obs, n_vars=n_vars, kind=kind)


def _cells_and_group_of_donors() -> list[tuple[int, str]]:
    return [
        (n_cells // n_donors + (donor < n_cells % n_donors), group)
        for group, (n_cells, n_donors) in _AGE_GROUPS.items()
        for donor in range(n_donors)
    ]


def _describe_cells(rng: np.random.Generator, atlas: Atlas) -> dict[str, Any]:
    """Columns of obs, in the names of the original."""
    donors = [f"Donor_{donor + 1:02d}" for donor in range(len(_cells_and_group_of_donors()))]
    groups = list(_AGE_GROUPS)
    group = np.array([groups.index(group) for _, group in _cells_and_group_of_donors()])[atlas.donor]
    is_nuclei = rng.integers(0, 2, atlas.donor.size, dtype=np.int8)
    labels = {
        "SampleID": (atlas.donor * 2 + is_nuclei, [f"{donor}_{kind}" for donor in donors for kind in "cn"]),
        "DonorID": (atlas.donor, donors),
        "Age_group": (group, groups),
        "Age_bin": ((group >= groups.index("50-55")).astype(np.int8), ["young", "old"]),
        "Sex": (rng.integers(0, 2, len(donors))[atlas.donor], ["F", "M"]),
        "batch": (is_nuclei, ["cells", "nuclei"]),
        "10X_version": (rng.integers(0, 2, len(donors))[atlas.donor], ["v2", "v3"]),
        "annotation_level0": (atlas.cell_type, list(_CELL_TYPES)),
    }
    for name, n_types in _N_FINER_TYPES.items():
        labels[name] = _refine(rng, *list(labels.values())[-1], n_types=n_types)
    shares = {
        name: rng.random(atlas.donor.size, np.float32)
        for name in ("percent_mito", "percent_ribo", "scrublet_score")
    }
    return {
        name: pd.Categorical.from_codes(codes, categories) for name, (codes, categories) in labels.items()
    } | shares


def _refine(
    rng: np.random.Generator, codes: NDArray[Any], types: list[str], *, n_types: int
) -> tuple[NDArray[Any], list[str]]:
    """Split the first types in two until there are `n_types`."""
    n_split = n_types - len(types)
    finer = [f"{name}_{half}" for name in types[:n_split] for half in "ab"] + types[n_split:]
    is_split = codes < n_split
    half = rng.integers(0, 2, codes.size)
    return np.where(is_split, codes * 2 + half, codes.astype(np.int64) + n_split), finer


def _describe_features(n_cells: NDArray[np.int64]) -> pd.DataFrame:
    """Make the frame var, in the names of the original: symbols are the index."""
    names = symbols(n_cells.size)
    return pd.DataFrame(
        {"ENSEMBL": ensembl_ids(n_cells.size), "SYMBOL": names, "n_cells": n_cells}, index=names
    )


if __name__ == "__main__":
    write_published_atlas(Path(sys.argv[1]), n_obs=int(sys.argv[2]))
