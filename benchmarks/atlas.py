"""Writes an h5ad of any size that looks like an atlas of CELLxGENE Discover; no cell or gene in it is real.

    python -m benchmarks.atlas PATH N_OBS

The matrix is new in every cell, nothing is tiled. What is not as in a real atlas: genes vary independently
of each other given the cell type, every feature has a symbol of its own, the counts are in `X` (as
CELLxGENE keeps them where there is no normalised layer), and chunks of `X/data` and `X/indices` lie
alternately in the file, because both are written as the cells are drawn.
"""

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from c2s_assets.storage.streams import N_THREADS, map_ahead

N_VARS = 29_400

# As in the file of DESIGN.md section 6: 1,430 of 29,400 genes in the mean cell.
_FRAC_EXPRESSED = 1_430 / 29_400
# Spread of gene means and of depths, in natural logarithms; 10x data of one tissue are near these.
_GENE_MEAN_SD, _CELL_TYPE_SD, _DEPTH_SD = 2.2, 0.5, 0.4
# A negative binomial is a Poisson number of bursts, each of a logarithmic number of molecules. This
# parameter of the latter makes the variance of a count 1.43 times its mean, before depths differ.
_BURST = 0.3
_LONGEST_BURST = 32

_N_DONORS, _CELLS_PER_DONOR = 17, 5_000
_CELL_TYPES = {
    "B cell": "CL:0000236",
    "T cell": "CL:0000084",
    "natural killer cell": "CL:0000623",
    "classical monocyte": "CL:0000860",
    "macrophage": "CL:0000235",
    "conventional dendritic cell": "CL:0000990",
    "mast cell": "CL:0000097",
    "neutrophil": "CL:0000775",
    "fibroblast": "CL:0000057",
    "endothelial cell": "CL:0000115",
    "epithelial cell": "CL:0000066",
    "plasma cell": "CL:0000786",
}
_SEXES = {"female": "PATO:0000383", "male": "PATO:0000384"}
_ASSAYS = {"10x 3' v2": "EFO:0009899", "10x 3' v3": "EFO:0009922"}
_TISSUES = {"blood": "UBERON:0000178", "lung": "UBERON:0002048"}
_UNS = {
    "schema_version": "7.0.0",
    "title": "Simulated atlas",
    "citation": "Simulated by c2s_assets for benchmarks; no publication, no real cell.",
    "organism": "Homo sapiens",
    "organism_ontology_term_id": "NCBITaxon:9606",
}

# 1,024 cells are 12 MB of values and indices, and some three blocks are held at a time.
_ROWS_PER_BLOCK = 1_024
_IDS_PER_BLOCK = 65_536
_GZIP_LEVEL = 4  # h5py's default, which anndata and CELLxGENE leave as it is
_GZIP = {"compression": "gzip"}


def write_atlas(
    path: Path, *, n_obs: int, n_vars: int = N_VARS, seed: int = 0, kind: "Kind | None" = None
) -> Path:
    """Write an h5ad of `n_obs` cells; the same arguments give the same cells, however large the machine.

    Counts are negative binomial, with log-normal gene means per cell type and log-normal depths. Memory is
    that of a few blocks of cells and some 30 bytes per cell.

    Parameters
    ----------
    kind
        What else is in the file; by default what CELLxGENE asks for.
    """
    kind = kind or Kind()
    rng = np.random.default_rng(seed)
    atlas = _design(rng, kind, n_obs=n_obs, n_vars=n_vars)
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        for name in ("layers", "obsm", "obsp", "varm", "varp"):
            ad.io.write_elem(file, name, {})
        ad.io.write_elem(file, "uns", dict(kind.uns))
        n_genes, n_counts, n_cells = _write_counts(file, atlas, kind, seed=seed)
        ad.io.write_elem(file, "var", kind.describe_features(n_cells), dataset_kwargs=_GZIP)
        _write_obs(file, kind.describe_cells(rng, atlas) | {"n_genes": n_genes, "n_counts": n_counts})
        for name, n_dims in kind.embeddings.items():
            embedding = _embed(rng, atlas.cell_type, n_dims=n_dims)
            ad.io.write_elem(file["obsm"], name, embedding, dataset_kwargs=_GZIP)
    return path


@dataclass(frozen=True)
class Atlas:
    """What decides the counts: the donor, the type and the expected number of bursts of each cell.

    `threshold` and `alias`, shape ``(n_types, n_vars)``, are tables to draw genes from (Walker's method).
    """

    donor: NDArray[np.int16]
    cell_type: NDArray[np.int8]
    n_bursts: NDArray[np.float32]
    threshold: NDArray[np.uint32]
    alias: NDArray[np.int32]

    @property
    def shape(self) -> tuple[int, int]:
        """Cells, features."""
        return self.donor.size, self.alias.shape[1]


@dataclass(frozen=True)
class Kind:
    """What is in an atlas beside its counts, and how the cells are shared out.

    Attributes
    ----------
    describe_cells
        Columns of obs, but `n_genes` and `n_counts`.
    describe_features
        The frame var, given the number of cells that express each feature.
    embeddings
        Arrays of obsm, with their dimensions.
    donor_cells, type_cells
        Cells of each donor and type, if that is known of `n_obs` cells; their shares of more or fewer.
    """

    describe_cells: Callable[[np.random.Generator, Atlas], dict[str, Any]] = field(
        default_factory=lambda: _describe_cells
    )
    describe_features: Callable[[NDArray[np.int64]], pd.DataFrame] = field(
        default_factory=lambda: _describe_features
    )
    uns: Mapping[str, Any] = field(default_factory=lambda: _UNS)
    embeddings: Mapping[str, int] = field(default_factory=dict)
    frac_expressed: float = _FRAC_EXPRESSED
    donor_cells: Sequence[int] | None = None
    type_cells: Sequence[int] | None = None


def _design(rng: np.random.Generator, kind: Kind, *, n_obs: int, n_vars: int) -> Atlas:
    n_types = len(kind.type_cells or _CELL_TYPES)
    drawn = rng.lognormal(0, 0.7, max(_N_DONORS, n_obs // _CELLS_PER_DONOR))
    cells_before = np.cumsum(kind.donor_cells or drawn)
    last_rows = (cells_before / cells_before[-1] * n_obs).astype(np.int64)
    means = np.exp(rng.normal(0, _GENE_MEAN_SD, n_vars) + rng.normal(0, _CELL_TYPE_SD, (n_types, n_vars)))
    shares = means / means.sum(axis=1, keepdims=True)
    tables = [_alias_table(row) for row in shares]
    depth = rng.lognormal(0, _DEPTH_SD, n_obs).astype(np.float32)
    return Atlas(
        donor=np.searchsorted(last_rows, np.arange(n_obs), side="right").astype(np.int16),
        cell_type=_draw_types(rng, kind, n_obs=n_obs),
        n_bursts=depth * np.float32(_typical_bursts(shares[0], frac_expressed=kind.frac_expressed)),
        threshold=np.stack([threshold for threshold, _ in tables]),
        alias=np.stack([alias for _, alias in tables]),
    )


def _draw_types(rng: np.random.Generator, kind: Kind, *, n_obs: int) -> NDArray[np.int8]:
    if kind.type_cells is None:
        return rng.integers(0, len(_CELL_TYPES), n_obs, dtype=np.int8)
    cells_before = np.cumsum(kind.type_cells)
    places = (np.arange(n_obs) + 0.5) / n_obs * cells_before[-1]
    return rng.permutation(np.searchsorted(cells_before, places, side="right").astype(np.int8))


def _embed(rng: np.random.Generator, cell_type: NDArray[np.int8], *, n_dims: int) -> NDArray[np.float32]:
    """Place the cells of a type around a point of their own."""
    centres = rng.normal(0, 5, (int(cell_type.max()) + 1, n_dims)).astype(np.float32)
    return centres[cell_type] + rng.standard_normal((cell_type.size, n_dims), np.float32)


def _typical_bursts(shares: NDArray[np.float64], *, frac_expressed: float) -> float:
    """Find the bursts of a cell of median depth with which the mean cell expresses enough genes."""
    depths = [np.exp(_DEPTH_SD * NormalDist().inv_cdf(quantile)) for quantile in np.arange(0.05, 1, 0.1)]
    candidates = np.geomspace(0.1, 10 * shares.size, 50)
    expected = [
        np.mean([-np.expm1(-n_bursts * depth * shares).mean() for depth in depths]) for n_bursts in candidates
    ]
    return float(np.interp(frac_expressed, expected, candidates))


def _write_counts(
    file: h5py.File, atlas: Atlas, kind: Kind, *, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Write X as CSR; return the genes and the sum of counts of each cell, and the cells of each gene."""
    n_obs, n_vars = atlas.shape
    group = file.create_group("X")
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": atlas.shape})
    n_genes, n_counts = np.empty(n_obs, np.int32), np.empty(n_obs, np.float32)
    n_cells = np.zeros(n_vars, np.int64)

    def draw(start: int) -> tuple[slice, Any]:
        rows = slice(start, min(start + _ROWS_PER_BLOCK, n_obs))
        return rows, _draw_rows(atlas, rows, seed=seed)

    with ThreadPoolExecutor(N_THREADS) as pool:
        expected = round(kind.frac_expressed * n_obs * n_vars)
        data = _GzipStream(group, "data", np.float32, n_expected=expected, pool=pool)
        indices = _GzipStream(group, "indices", np.int32, n_expected=expected, pool=pool)
        for rows, (lengths, genes, counts) in map_ahead(draw, range(0, n_obs, _ROWS_PER_BLOCK), n_threads=1):
            data.append(counts)
            indices.append(genes)
            n_genes[rows] = lengths
            n_cells += np.bincount(genes, minlength=n_vars)
            bounds = np.cumsum(np.concatenate([[0], lengths]))
            n_counts[rows] = np.diff(np.concatenate([[0], np.cumsum(counts, dtype=np.float64)])[bounds])
        data.close()
        indices.close()
    indptr = np.concatenate([[0], np.cumsum(n_genes, dtype=np.int64)])
    index_type = np.int32 if indptr[-1] <= np.iinfo(np.int32).max else np.int64
    group.create_dataset("indptr", data=indptr.astype(index_type), maxshape=(None,), **_GZIP)
    return n_genes, n_counts, n_cells


class _GzipStream:
    """Appends to a dataset whose chunks are compressed on several threads, to what HDF5 would have written.

    h5py chooses the size of a chunk by the expected size of the dataset, as it does for anndata.
    """

    def __init__(
        self, group: h5py.Group, name: str, dtype: type, *, n_expected: int, pool: ThreadPoolExecutor
    ) -> None:
        self._dataset = group.create_dataset(name, (n_expected,), dtype, maxshape=(None,), **_GZIP)
        self._pool = pool
        self._rest: NDArray[Any] = np.empty(0, dtype)
        self._n_written = 0

    def append(self, values: NDArray[Any]) -> None:
        """Write all whole chunks there are."""
        (size,) = self._dataset.chunks
        values = np.concatenate([self._rest, values])
        n_whole = values.size // size * size
        self._rest = values[n_whole:]
        if self._dataset.size < self._n_written + n_whole:
            self._dataset.resize((self._n_written + n_whole,))
        for chunk in self._pool.map(_gzip, values[:n_whole].reshape(-1, size)):
            self._dataset.id.write_direct_chunk((self._n_written,), chunk)
            self._n_written += size

    def close(self) -> None:
        """Write the last chunk, filled up with zeros as HDF5 does, and give the dataset its true length."""
        (size,) = self._dataset.chunks
        n_values = self._n_written + self._rest.size
        if self._rest.size:
            self.append(np.zeros(size - self._rest.size, self._rest.dtype))
        self._dataset.resize((n_values,))


def _gzip(chunk: NDArray[Any]) -> bytes:
    return zlib.compress(chunk.tobytes(), _GZIP_LEVEL)


def _draw_rows(
    atlas: Atlas, rows: slice, *, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Draw the counts of some cells: genes per cell, then genes and counts, cell after cell."""
    rng = np.random.default_rng([seed, rows.start])
    n_bursts = np.maximum(rng.poisson(atlas.n_bursts[rows]), 1)
    states = rng.integers(0, 2**63, n_bursts.size, dtype=np.uint64)
    lengths = np.empty(n_bursts.size, np.int32)
    genes, counts = np.empty(n_bursts.sum(), np.int32), np.empty(n_bursts.sum(), np.float32)
    n_stored = _draw(
        n_bursts,
        states,
        atlas.cell_type[rows],
        atlas.threshold,
        atlas.alias,
        _burst_thresholds(),
        lengths,
        genes,
        counts,
    )
    return lengths, genes[:n_stored], counts[:n_stored]


def _burst_thresholds() -> NDArray[np.uint64]:
    """Of 2**64 numbers, how many stand for bursts of at most 1, 2, ... molecules."""
    sizes = np.arange(1, _LONGEST_BURST)
    at_most = np.cumsum(-(_BURST**sizes) / sizes / np.log1p(-_BURST))
    return (at_most * 2.0**63).astype(np.uint64) * np.uint64(2)


# numba knows no keyword-only arguments.
@njit(cache=True, nogil=True)
def _draw(  # type: ignore[no-untyped-def] # noqa: PLR0917
    n_bursts, states, cell_type, threshold, alias, burst_thresholds, lengths, genes, counts
):
    """Draw cells into the last three arrays, genes ascending, and return how many values there are.

    Each burst takes a gene by the alias table of the cell's type, then a number of molecules.
    """
    n_vars = np.uint64(alias.shape[1])
    in_cell = np.zeros(alias.shape[1], np.int32)
    n_stored = 0
    for row in range(n_bursts.size):
        of_type = cell_type[row]
        state = states[row]
        for _ in range(n_bursts[row]):
            state += np.uint64(0x9E3779B97F4A7C15)
            number = _scramble(state)
            gene = np.int64(((number >> np.uint64(32)) * n_vars) >> np.uint64(32))
            if (number & np.uint64(0xFFFFFFFF)) >= threshold[of_type, gene]:
                gene = np.int64(alias[of_type, gene])
            number = _scramble(number ^ state)
            size = 1
            while size <= burst_thresholds.size and number >= burst_thresholds[size - 1]:
                size += 1
            in_cell[gene] += size
        first = n_stored
        for drawn in range(in_cell.size):
            if in_cell[drawn] > 0:
                genes[n_stored] = drawn
                counts[n_stored] = in_cell[drawn]
                in_cell[drawn] = 0
                n_stored += 1
        lengths[row] = n_stored - first
    return n_stored


@njit(cache=True, nogil=True)
def _scramble(number):  # type: ignore[no-untyped-def]
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@njit(cache=True)
def _alias_table(shares):  # type: ignore[no-untyped-def]
    n = shares.size
    scaled = shares * n
    alias, threshold = np.arange(n).astype(np.int32), np.full(n, 2**32 - 1, np.uint32)
    light, heavy = [i for i in range(n) if scaled[i] < 1], [i for i in range(n) if scaled[i] >= 1]
    while len(light) > 0 and len(heavy) > 0:
        giver, taker = heavy.pop(), light.pop()
        threshold[taker] = np.uint32(scaled[taker] * (2**32 - 1))
        alias[taker] = giver
        scaled[giver] -= 1 - scaled[taker]
        if scaled[giver] < 1:
            light.append(giver)
        else:
            heavy.append(giver)
    return threshold, alias


def _describe_features(n_cells: NDArray[np.int64]) -> pd.DataFrame:
    """Name features as CELLxGENE does."""
    n_vars = n_cells.size
    numbers = range(1, n_vars + 1)
    return pd.DataFrame(
        {
            "feature_is_filtered": False,
            "feature_name": pd.Categorical(symbols(n_vars)),
            "feature_reference": pd.Categorical(["NCBITaxon:9606"] * n_vars),
            "feature_biotype": pd.Categorical(["gene"] * n_vars),
            "feature_type": pd.Categorical(["lncRNA" if n % 5 == 0 else "protein_coding" for n in numbers]),
        },
        index=ensembl_ids(n_vars),
    )


def symbols(n_vars: int) -> list[str]:
    """Name features, each with its own symbol of 4 to 9 letters, 6 in the mean."""
    numbers = range(1, n_vars + 1)
    return [f"LINC{n:05d}" if n % 5 == 0 else f"{_letters(n // 20)}{n % 20 + 1}" for n in numbers]


def ensembl_ids(n_vars: int) -> list[str]:
    """Name features by ids that look like those of Ensembl."""
    return [f"ENSG00099{n:06d}" for n in range(1, n_vars + 1)]


def _letters(family: int) -> str:
    """Four letters that look drawn and never repeat: the factor has no divisor in common with 26**4."""
    number = (family + 1) * 188_729 % 26**4
    return "".join(chr(ord("A") + number // 26**place % 26) for place in range(4))


def _describe_cells(rng: np.random.Generator, atlas: Atlas) -> dict[str, Any]:
    """Columns of obs, all categorical but one: labels and terms of types, donors and what donors share."""
    n_obs, n_donors = atlas.donor.size, max(_N_DONORS, atlas.donor.size // _CELLS_PER_DONOR)
    age = rng.integers(15, 80, n_donors, np.int8)
    stages = {f"{years}-year-old stage": f"HsapDv:{years + 94:07d}" for years in range(15, 80)}
    labels = {
        "donor_id": (atlas.donor, [f"SIM{donor:04d}" for donor in range(n_donors)]),
        "suspension_type": (np.zeros(n_obs, np.int8), ["cell"]),
        "tissue_type": (np.zeros(n_obs, np.int8), ["tissue"]),
    }
    terms = {
        "cell_type": (atlas.cell_type, _CELL_TYPES),
        "development_stage": ((age - 15)[atlas.donor], stages),
        "disease": (np.zeros(n_obs, np.int8), {"normal": "PATO:0000461"}),
        "self_reported_ethnicity": (np.zeros(n_obs, np.int8), {"unknown": "unknown"}),
    }
    for name, choices in (("sex", _SEXES), ("assay", _ASSAYS), ("tissue", _TISSUES)):
        terms[name] = (rng.integers(0, len(choices), n_donors, np.int8)[atlas.donor], choices)
    for name, (codes, term_of) in terms.items():
        labels[name] = (codes, list(term_of))
        labels[f"{name}_ontology_term_id"] = (codes, list(term_of.values()))
    columns = {
        name: pd.Categorical.from_codes(codes, categories) for name, (codes, categories) in labels.items()
    }
    return columns | {"is_primary_data": rng.random(n_obs, np.float32) >= 0.03}


def _write_obs(file: h5py.File, columns: dict[str, Any]) -> None:
    """Write a frame column by column and its index in blocks; a frame of pandas would hold it all."""
    group = file.create_group("obs")
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    group.attrs["column-order"] = list(columns)
    n_obs = len(columns["n_genes"])
    index = group.create_dataset("_index", (n_obs,), h5py.string_dtype(), **_GZIP)
    index.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
    for start, ids in _cell_ids(n_obs):
        index[start : start + len(ids)] = ids
    for name, values in columns.items():
        ad.io.write_elem(group, name, values, dataset_kwargs=_GZIP)


def _cell_ids(n_obs: int) -> Iterator[tuple[int, list[str]]]:
    """Barcodes of sixteen letters that never repeat: the factor is odd, so it permutes 32-bit numbers."""
    letters = np.frombuffer(b"ACGT", np.uint8)
    shifts = np.arange(0, 32, 2, dtype=np.uint64)
    for start in range(0, n_obs, _IDS_PER_BLOCK):
        numbers = np.arange(start + 1, min(start + _IDS_PER_BLOCK, n_obs) + 1, dtype=np.uint64)
        numbers = numbers * np.uint64(2_654_435_761) % np.uint64(2**32)
        spelled = letters[(numbers[:, np.newaxis] >> shifts) & np.uint64(3)]
        yield start, [f"{barcode.decode()}-1" for barcode in spelled.view("S16")[:, 0]]


if __name__ == "__main__":
    write_atlas(Path(sys.argv[1]), n_obs=int(sys.argv[2]))
