"""A simulated CELLxGENE dataset, for demonstrations and tests only: no cell, gene or donor in it is real."""

from dataclasses import dataclass
from pathlib import Path

import anndata as ad  # ships no types
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import (
    DEVELOPMENT_STAGE,
    DEVELOPMENT_STAGE_ID,
    DONOR_ID,
    FEATURE_NAME,
    IS_PRIMARY_DATA,
)
from c2s_assets.core.errors import ConfigError

# Labels of the Cell Ontology, so that the demonstration reads like a blood and lung dataset.
CELL_TYPES = (
    "B cell",
    "naive B cell",
    "memory B cell",
    "plasma cell",
    "plasmablast",
    "T cell",
    "CD4-positive, alpha-beta T cell",
    "CD8-positive, alpha-beta T cell",
    "naive thymus-derived CD4-positive, alpha-beta T cell",
    "naive thymus-derived CD8-positive, alpha-beta T cell",
    "central memory CD4-positive, alpha-beta T cell",
    "central memory CD8-positive, alpha-beta T cell",
    "effector memory CD4-positive, alpha-beta T cell",
    "effector memory CD8-positive, alpha-beta T cell",
    "regulatory T cell",
    "gamma-delta T cell",
    "mucosal invariant T cell",
    "natural killer cell",
    "innate lymphoid cell",
    "classical monocyte",
    "intermediate monocyte",
    "non-classical monocyte",
    "macrophage",
    "conventional dendritic cell",
    "plasmacytoid dendritic cell",
    "mast cell",
    "neutrophil",
    "basophil",
    "eosinophil",
    "erythrocyte",
    "platelet",
    "megakaryocyte",
    "hematopoietic stem cell",
    "fibroblast",
    "endothelial cell",
    "epithelial cell",
)
_TISSUES = {"blood": "UBERON:0000178", "lung": "UBERON:0002048"}
_ASSAYS = {"10x 3' v2": "EFO:0009899", "10x 3' v3": "EFO:0009922"}
_SEXES = {"female": "PATO:0000383", "male": "PATO:0000384"}

_YOUNGEST, _OLDEST = 15, 75
# With 20,000 genes, a median of 2,800 counts and this spread of means, a cell expresses about 1,400 genes.
_COUNTS_PER_GENE = 0.14
_GENE_MEAN_SD = 2.2


@dataclass(frozen=True)
class _Design:
    """Which donor and cell type each cell is of, and how old each donor is in years."""

    donor: NDArray[np.int64]
    cell_type: NDArray[np.int64]
    donor_age: NDArray[np.int64]
    cell_type_names: NDArray[np.str_]


def simulate_h5ad(
    path: Path,
    *,
    n_obs: int = 5_000,
    n_vars: int = 20_000,
    n_donors: int = 17,
    n_cell_types: int = 36,
    seed: int = 0,
) -> Path:
    """Write an h5ad that looks like one of CELLxGENE Discover; the same arguments give the same bytes.

    Counts are multinomial draws from a profile per cell type and donor, with log-normal means and depths.
    Cell types differ by marker genes; one gene in fifty drifts with the age of the donor. ``raw.X`` holds the
    counts, ``X`` is ``log1p`` of counts per 10,000; both are CSR float32. Labels follow schema 7.

    Raises
    ------
    ConfigError
        If a size is below 1, or there are more donors or cell types than cells or names for them.
    """
    _check_sizes(n_obs=n_obs, n_vars=n_vars, n_donors=n_donors, n_cell_types=n_cell_types)
    rng = np.random.default_rng(seed)
    design = _draw_design(rng, n_obs=n_obs, n_donors=n_donors, n_cell_types=n_cell_types)
    counts = _draw_counts(rng, design, n_vars=n_vars)
    var = _describe_features(rng, n_vars=n_vars)
    adata = ad.AnnData(
        X=_normalise(counts, is_filtered=var["feature_is_filtered"].to_numpy()),
        obs=_describe_cells(rng, design),
        var=var,
        uns=_describe_dataset(),
        obsm={"X_umap": _lay_out(rng, design)},
    )
    adata.raw = ad.AnnData(X=counts, var=var.drop(columns="feature_is_filtered"))
    adata.write_h5ad(path, compression="gzip")
    return path


def _check_sizes(*, n_obs: int, n_vars: int, n_donors: int, n_cell_types: int) -> None:
    limits = {
        "n_obs": (n_obs, 10**9),
        "n_vars": (n_vars, 10**6),
        "n_donors": (n_donors, n_obs),
        "n_cell_types": (n_cell_types, min(n_obs, len(CELL_TYPES))),
    }
    for name, (value, most) in limits.items():
        if not 1 <= value <= most:
            raise ConfigError(f"simulate: {name} is {value}. Set it between 1 and {most}.")


def _draw_design(rng: np.random.Generator, *, n_obs: int, n_donors: int, n_cell_types: int) -> _Design:
    """Give donors and cell types unequal numbers of cells, at least one each; cells stand donor by donor."""
    ages = np.linspace(_YOUNGEST, _OLDEST, n_donors).round().astype(np.int64)
    return _Design(
        donor=np.sort(_draw_groups(rng, n_obs=n_obs, n_groups=n_donors)),
        cell_type=rng.permutation(_draw_groups(rng, n_obs=n_obs, n_groups=n_cell_types)),
        donor_age=rng.permutation(ages),
        cell_type_names=np.array(CELL_TYPES[:n_cell_types]),
    )


def _draw_groups(rng: np.random.Generator, *, n_obs: int, n_groups: int) -> NDArray[np.int64]:
    sizes = rng.lognormal(0, 0.7, n_groups)
    others = rng.choice(n_groups, n_obs - n_groups, p=sizes / sizes.sum())
    return np.concatenate([np.arange(n_groups), others])


def _draw_counts(rng: np.random.Generator, design: _Design, *, n_vars: int) -> csr_array:
    """Draw integer counts, shape ``(n_obs, n_vars)``, one profile of donor and cell type after the other.

    Each count is drawn as one molecule, so time and memory follow the counts and not the size of the matrix.
    """
    n_obs, n_types = design.donor.size, design.cell_type_names.size
    log_mean = rng.normal(0, _GENE_MEAN_SD, n_vars)
    marker = rng.normal(2, 0.7, (n_types, n_vars)) * (rng.random((n_types, n_vars)) < 0.01)
    drift = rng.normal(0, 1, n_vars) * (rng.random(n_vars) < 0.02)
    depth = np.maximum(rng.lognormal(np.log(_COUNTS_PER_GENE * n_vars), 0.3, n_obs), 10).astype(np.int64)
    years = (design.donor_age - (_YOUNGEST + _OLDEST) / 2) / (_OLDEST - _YOUNGEST)

    molecule_cell, molecule_gene = [], []
    group = design.donor * n_types + design.cell_type
    by_group = np.argsort(group, kind="stable")
    for cells in np.split(by_group, np.flatnonzero(np.diff(group[by_group])) + 1):
        donor, cell_type = design.donor[cells[0]], design.cell_type[cells[0]]
        donor_effect = rng.normal(0, 0.2, n_vars)
        profile = np.exp(log_mean + marker[cell_type] + 2 * years[donor] * drift + donor_effect)
        cumulative = np.cumsum(profile)
        molecules = rng.random(depth[cells].sum()) * cumulative[-1]
        molecule_gene.append(np.searchsorted(cumulative, molecules, side="right").astype(np.int32))
        molecule_cell.append(np.repeat(cells.astype(np.int32), depth[cells]))
    gene = np.minimum(np.concatenate(molecule_gene), n_vars - 1)
    ones = np.ones(gene.size, dtype=np.float32)
    return csr_array((ones, (np.concatenate(molecule_cell), gene)), shape=(n_obs, n_vars))


def _normalise(counts: csr_array, *, is_filtered: NDArray[np.bool_]) -> csr_array:
    """Log-normalise, without the features that the simulated authors filtered out of ``X``."""
    depth = np.repeat(counts.sum(axis=1), np.diff(counts.indptr))
    values = np.log1p(counts.data / depth * 10_000).astype(np.float32)
    values[is_filtered[counts.indices]] = 0
    normalised = csr_array((values, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    normalised.eliminate_zeros()
    return normalised


def _describe_cells(rng: np.random.Generator, design: _Design) -> pd.DataFrame:
    n_obs, n_donors = design.donor.size, design.donor_age.size
    donor_id = np.char.mod("SIM%03d", design.donor + 1)
    age = design.donor_age[design.donor]
    is_staged = rng.random(n_obs) >= 0.01
    # In HsapDv the stages of 15 to 79 years are numbered on end, from HsapDv:0000109.
    stage_id = np.char.mod("HsapDv:%07d", age - 15 + 109)
    obs = {
        DONOR_ID: donor_id,
        DEVELOPMENT_STAGE_ID: np.where(is_staged, stage_id, "unknown"),
        DEVELOPMENT_STAGE: np.where(is_staged, np.char.mod("%d-year-old stage", age), "unknown"),
        "cell_type": design.cell_type_names[design.cell_type],
        "disease_ontology_term_id": "PATO:0000461",
        "disease": "normal",
        "self_reported_ethnicity_ontology_term_id": "unknown",
        "self_reported_ethnicity": "unknown",
        "suspension_type": "cell",
        "tissue_type": "tissue",
        IS_PRIMARY_DATA: rng.random(n_obs) >= 0.03,
    }
    for column, terms in (("sex", _SEXES), ("assay", _ASSAYS), ("tissue", _TISSUES)):
        label = rng.choice(list(terms), n_donors)[design.donor]
        obs[column] = label
        obs[f"{column}_ontology_term_id"] = np.array([terms[name] for name in label])
    return pd.DataFrame(obs, index=np.char.add(np.char.add(_barcodes(n_obs), "-1_"), donor_id))


def _barcodes(n: int) -> NDArray[np.str_]:
    """Sixteen letters that look drawn and never repeat: the factor is odd, so it permutes 32-bit numbers."""
    numbers = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(2_654_435_761) % np.uint64(2**32)
    letters = (numbers[:, np.newaxis] >> np.arange(0, 32, 2, dtype=np.uint64)) % np.uint64(4)
    return np.array(["".join(row) for row in np.array(list("ACGT"))[letters]])


def _describe_features(rng: np.random.Generator, *, n_vars: int) -> pd.DataFrame:
    """Name features as CELLxGENE does, with the cases that make symbols hard, a few of each."""
    number = np.arange(1, n_vars + 1)
    feature_id = np.char.mod("ENSG00099%06d", number)
    symbol = np.char.mod("SIMG%d", number)
    other_symbol = np.char.mod("SIMG%d", number - 1)
    name = np.select(
        [number % 100 == 7, number % 100 == 13, number % 200 == 29],
        [feature_id, np.char.add(np.char.add(other_symbol, "_"), feature_id), other_symbol],
        default=symbol,
    )
    var = {
        "feature_is_filtered": rng.random(n_vars) < 0.005,
        FEATURE_NAME: name,
        "feature_reference": "NCBITaxon:9606",
        "feature_biotype": "gene",
        "feature_type": np.where(rng.random(n_vars) < 0.8, "protein_coding", "lncRNA"),
    }
    return pd.DataFrame(var, index=feature_id)


def _describe_dataset() -> dict[str, str]:
    return {
        "schema_version": "7.0.0",
        "title": "Simulated blood and lung cells of donors aged 15 to 75",
        "citation": "Simulated by c2s_assets for demonstrations and tests; no publication, no real cell.",
        "organism_ontology_term_id": "NCBITaxon:9606",
        "organism": "Homo sapiens",
        "default_embedding": "X_umap",
    }


def _lay_out(rng: np.random.Generator, design: _Design) -> NDArray[np.float32]:
    """Scatter cells around a point per cell type, shape ``(n_obs, 2)``: what a UMAP might look like."""
    centres = rng.uniform(-12, 12, (design.cell_type_names.size, 2))
    layout = centres[design.cell_type] + rng.normal(0, 0.6, (design.cell_type.size, 2))
    return layout.astype(np.float32)
