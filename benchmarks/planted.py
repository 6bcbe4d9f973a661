"""Makes a lake of fingerprints with copies of cells and aliases of donors planted in it.

Every fingerprint is that of counts: each cell is drawn from the genes of its cell type, which differ from
dataset to dataset, and hashed by the kernel that hashes real cells. What is not as in a real lake: cells are
of 380 genes (real ones of 500 to 5,000), genes vary independently given the cell type, and there
are no source files. Cells of fewer genes agree more often by chance, so that this is the harder case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.hashes import mix
from c2s_assets.core.leaks.columns import HASHES
from c2s_assets.core.leaks.fingerprints import Fingerprints, fingerprint_rows
from c2s_assets.core.leaks.genes import NO_GENE, gene_ids, gene_keys
from c2s_assets.core.leaks.spec import SPEC_ID
from c2s_assets.core.leaks.tables import fingerprint_table
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.record import Built, MadeFrom
from c2s_assets.schemas.registry import CELLS, FINGERPRINTS
from c2s_assets.schemas.tables import CellFingerprints, CellMetadata
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.parquet import with_metadata, write_blocks, write_table

N_COPIES, N_ALIASES = 10_000, 200
_COPIES_PER_ALIAS = N_COPIES // N_ALIASES
# What may have become of a copy; the aliases take turns.
CLASSES = ("same ids", "other barcodes", "floats, unsorted", "genes renamed", "1 %", "5 %", "15 %")

N_VARS, _N_TYPES, _N_DONORS = 20_000, 12, 20
_CELLS_PER_BLOCK = 4_096
_MEAN_MOLECULES, _DEPTH_SD = 450, 0.35
_GENE_SD, _TYPE_SD, _DATASET_SD = 2.0, 0.7, 0.3
# Genes with fewer than one molecule in so many are left out.
_LISTED_BITS = 16
_N_LISTED = 2**_LISTED_BITS
VAR_NAMES = pl.Series("index", [f"ENSG{number:011d}" for number in range(N_VARS)])


_mix: Any = njit(nogil=True)(mix)


@dataclass(frozen=True)
class Alias:
    """A donor of one dataset who is in another under another name, with some of the cells."""

    source: int
    target: int
    donor: int
    what_became: str

    @property
    def donor_uids(self) -> tuple[str, str]:
        """The names of the two, in alphabetical order."""
        names = (f"{dataset_id(place)}/donor_{self.donor}" for place in (self.source, self.target))
        first, second = sorted(names)
        return first, second

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the copied cells, the same in both datasets."""
        return self.donor + _N_DONORS * np.arange(_COPIES_PER_ALIAS)


def dataset_id(place: int) -> str:
    """Name a dataset."""
    return f"d{place:04d}"


def choose_aliases(n_datasets: int) -> list[Alias]:
    """Choose 200 donors, each with the dataset that has copies of its cells: always one beside its own."""
    rng = np.random.default_rng(0)
    # Each donor of each second dataset at most once, so that no two aliases are of one donor.
    chosen = rng.choice(n_datasets // 2 * _N_DONORS, N_ALIASES, replace=False)
    return [
        Alias(
            source=int(number) // _N_DONORS * 2,
            target=int(number) // _N_DONORS * 2 + 1,
            donor=int(number) % _N_DONORS,
            what_became=CLASSES[turn % len(CLASSES)],
        )
        for turn, number in enumerate(chosen)
    ]


def plant(folder: Path, *, n_cells: int, n_datasets: int) -> Layout:
    """Write the fingerprints and donors of all datasets of a new lake."""
    layout = Layout(folder)
    aliases = choose_aliases(n_datasets)
    n_obs = n_cells // n_datasets
    for place in range(n_datasets):
        _write_dataset(layout, place, n_obs, [alias for alias in aliases if alias.target == place])
    return layout


def _write_dataset(layout: Layout, place: int, n_obs: int, aliases: list[Alias]) -> None:
    names = [f"{dataset_id(place)}-{row}" for row in range(n_obs)]
    for alias in aliases:
        if alias.what_became == "same ids":
            for row in alias.rows.tolist():
                names[row] = f"{dataset_id(alias.source)}-{row}"
    ids = pl.Series("cell_id", names)
    source = {"dataset_id": dataset_id(place), "source_sha256": f"{place:064x}"}
    cells = pl.DataFrame(
        {
            "cell_id": ids,
            "donor_uid": [f"{dataset_id(place)}/donor_{row % _N_DONORS}" for row in range(n_obs)],
            "has_known_donor": True,
            "is_primary_data": place % 2 == 0,
        }
    )
    targets = [layout.table(name, dataset_id(place)) for name in (CELLS, FINGERPRINTS)]
    with stage(layout, dataset_id(place)) as staged:
        declared = arrow_schema(CellMetadata)
        schema = with_metadata(pa.schema([declared.field(name) for name in cells.columns]), source)
        write_table(staged.path(targets[0]), cells, schema=schema)
        blocks = _fingerprints(place, ids, aliases)
        footer = {**source, "spec_id": SPEC_ID}
        write_blocks(staged.path(targets[1]), blocks, model=CellFingerprints, footer=footer, plain=HASHES)
        made_from = MadeFrom(source_sha256=f"{place:064x}", inputs={}, settings={}, code_version="1")
        digest = tree_digest(staged.path(targets[1]))
        built = Built(files={}, n_rows=n_obs, digest=digest, made_from=made_from, checks=[])
        staged.commit(*targets, record=lambda record: record.with_built(FINGERPRINTS, built))


def _fingerprints(place: int, ids: pl.Series, aliases: list[Alias]) -> Iterator[pa.Table]:
    """Hash the cells of a dataset; its aliases have, in the first block, what became of cells of others."""
    keys = gene_keys(VAR_NAMES)
    for start in range(0, len(ids), _CELLS_PER_BLOCK):
        block_ids = ids.slice(start, _CELLS_PER_BLOCK)
        found = fingerprint_rows(draw(place, start, len(block_ids)), keys)
        for alias in aliases if start == 0 else ():
            for column, copies in zip(found, _hash_copies(alias, keys), strict=True):
                column[alias.rows] = copies
        yield fingerprint_table(found, block_ids)


def _hash_copies(alias: Alias, keys: NDArray[np.uint64]) -> Fingerprints:
    """Hash what has become of the cells of an alias."""
    rng = np.random.default_rng([alias.source, alias.donor])
    counts = draw(alias.source, 0, _CELLS_PER_BLOCK)
    entries = [np.arange(counts.indptr[row], counts.indptr[row + 1]) for row in alias.rows]
    values = counts.values
    if alias.what_became == "floats, unsorted":
        entries = [rng.permutation(of_cell) for of_cell in entries]
        values = values.astype(np.float64).astype(np.float32)
    if alias.what_became == "genes renamed":
        renamed = pl.DataFrame({"feature_name": [f"GENE{number}" for number in range(N_VARS)]})
        keys = gene_keys(gene_ids(VAR_NAMES + ".7", renamed))
    if alias.what_became.endswith("%"):
        is_dropped = rng.random(N_VARS) < float(alias.what_became.removesuffix("%")) / 100
        keys = np.where(is_dropped, np.uint64(NO_GENE), keys)
    bounds = np.cumsum([0, *map(len, entries)])
    kept = np.concatenate(entries)
    return fingerprint_rows(Csr(bounds, counts.indices[kept], values[kept]), keys)


def draw(place: int, start: int, n_obs: int) -> Csr:
    """Draw the counts of cells; they are those of the dataset and the rows, whatever else is drawn."""
    rows = np.arange(start, start + n_obs)
    seeds = mix(rows.astype(np.uint64) * np.uint64(2**20) + np.uint64(place))
    spread = np.random.default_rng([place, start]).normal(0, _DEPTH_SD, n_obs)
    n_molecules = (_MEAN_MOLECULES * np.exp(spread)).astype(np.int64)
    size = int(n_molecules.sum())
    indptr, indices = np.zeros(n_obs + 1, np.int64), np.empty(size, np.int32)
    values = np.empty(size, np.float32)
    n_stored = _draw_cells(_genes(place), rows // _N_DONORS, seeds, n_molecules, indptr, indices, values)
    return Csr(indptr, indices[:n_stored], values[:n_stored])


@lru_cache(maxsize=3)
def _genes(place: int) -> NDArray[np.uint16]:
    """List the genes of each cell type of a dataset, each as often as its share of the molecules."""
    shared = np.random.default_rng(0)
    weights = shared.normal(0, _GENE_SD, N_VARS) + shared.normal(0, _TYPE_SD, (_N_TYPES, N_VARS))
    weights = np.exp(weights + np.random.default_rng([1, place]).normal(0, _DATASET_SD, N_VARS))
    shares = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    evenly = (np.arange(_N_LISTED) + 0.5) / _N_LISTED
    listed = [np.minimum(np.searchsorted(of_type, evenly), N_VARS - 1) for of_type in shares]
    return np.stack(listed).astype(np.uint16)


@njit(cache=True, nogil=True)
def _draw_cells(  # noqa: PLR0917  numba takes no keywords here
    genes: NDArray[np.uint16],
    groups: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    n_molecules: NDArray[np.int64],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[np.float32],
) -> int:
    """Draw molecules one by one, and count them by gene; return how many counts there are."""
    counts = np.zeros(N_VARS, np.int32)
    stored = 0
    for row in range(seeds.size):
        listed, state, begin = genes[groups[row] % _N_TYPES], seeds[row], stored
        for _ in range(n_molecules[row]):
            state += np.uint64(0x9E3779B97F4A7C15)
            gene = listed[_mix(state) >> np.uint64(64 - _LISTED_BITS)]
            if counts[gene] == 0:
                indices[stored] = gene
                stored += 1
            counts[gene] += 1
        for position in range(begin, stored):
            gene = indices[position]
            values[position] = counts[gene]
            counts[gene] = 0
        indptr[row + 1] = stored
    return stored
