"""Writes h5ads whose features are named as tools other than CELLxGENE do."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

CITESEQ = {
    **dict.fromkeys(("CD3D", "MS4A1", "LYZ", "NKX2-1", "TBCE", "TBCE-1"), "Gene Expression"),
    **dict.fromkeys(("CD19", "CD3_TotalSeqB"), "Antibody Capture"),
    "CD19-1": "Gene Expression",
    "ERCC-00002": "Gene Expression",
    "CMO301": "Multiplexing Capture",
    "TP53_guide": "CRISPR Guide Capture",
    "chr1:9790-10673": "Peaks",
}


def write_features(
    path: Path,
    names: Sequence[str],
    *,
    var: Mapping[str, Sequence[str | None]] | None = None,
    raw_names: Sequence[str] | None = None,
    raw_var: Mapping[str, Sequence[str | None]] | None = None,
    cells: Sequence[str] | None = None,
    is_expressed: Sequence[bool] | None = None,
) -> Path:
    """Write counts of 20 cells, or of those that are named; all features are expressed unless it is said.

    With `raw_names` the counts are in `raw.X`, and X is their logarithm.
    """
    cells = cells or [f"barcode-{number}-x" for number in range(20)]
    counts = np.random.default_rng(0).poisson(3, (len(cells), len(names))) + 1
    if is_expressed is not None:
        counts *= np.array(is_expressed)
    matrix = csr_matrix(counts.astype(np.float32))
    donors = [f"donor_{number % 4}" for number in range(len(cells))]
    adata = ad.AnnData(
        X=matrix,
        obs=pd.DataFrame({"donor_id": donors}, index=list(cells)),
        var=pd.DataFrame(var, index=list(names)),
    )
    if raw_names is not None:
        adata.raw = ad.AnnData(X=matrix, obs=adata.obs[[]], var=pd.DataFrame(raw_var, index=list(raw_names)))
        adata.X = matrix.log1p()
    adata.write_h5ad(path)
    return path


def write_citeseq(path: Path) -> Path:
    """Write genes, one of them made unique, beside all that Cell Ranger counts in the same matrix."""
    return write_features(path, list(CITESEQ), var={"feature_types": list(CITESEQ.values())})
