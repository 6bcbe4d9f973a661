"""Generated cells of many donors, with or without a mark of each donor, and with or without an age signal."""

import numpy as np
import polars as pl

from c2s_assets.core.leaks.inflation import Sample

N_TYPES = 3


def draw_sample(
    *,
    n_donors: int = 40,
    n_cells: int = 30,
    n_genes: int = 200,
    n_datasets: int = 4,
    donor_effect: float = 0.0,
    age_effect: float = 0.0,
    seed: int = 0,
) -> Sample:
    """Draw the cells of donors between 20 and 80 years, three types in turn, and noise of 1 in every gene.

    Parameters
    ----------
    n_cells
        Of each donor.
    donor_effect
        Standard deviation of what a donor adds to each gene, whatever the age.
    age_effect
        The same of what age adds to each gene.
    """
    rng = np.random.default_rng(seed)
    ages = rng.uniform(20, 80, n_donors)
    of_donors = rng.normal(size=(n_donors, n_genes)) * donor_effect
    of_donors += np.outer((ages - 50) / 17, rng.normal(size=n_genes)) * age_effect
    of_types = rng.normal(size=(N_TYPES, n_genes))
    donor = np.repeat(np.arange(n_donors), n_cells)
    cell_type = np.arange(donor.size) % N_TYPES
    expression = of_donors[donor] + of_types[cell_type] + rng.normal(size=(donor.size, n_genes))
    rows = pl.DataFrame(
        {
            "person": [f"donor_{number:02d}" for number in donor],
            "dataset_id": [f"dataset_{number % n_datasets}" for number in donor],
            "fold": pl.Series(donor // n_datasets % 5, dtype=pl.Int32),
            "age": pl.Series(ages[donor], dtype=pl.Float32),
            "cell_type": [f"type {number}" for number in cell_type],
        }
    )
    return Sample(rows, expression.astype(np.float32))
