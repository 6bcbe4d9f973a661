"""What must hold of fingerprints, and of what is found by them."""

import polars as pl

from c2s_assets.core.columns import DONOR_UID
from c2s_assets.core.expression.layers import Kind
from c2s_assets.core.findings import Finding
from c2s_assets.core.leaks.columns import IS_SAME_PERSON, N_SHARED_CELLS, OTHER_DONOR_UID
from c2s_assets.core.leaks.spec import MIN_GENES
from c2s_assets.core.leaks.tables import Evidence


def cells_have_counts(evidence: Evidence, *, layer: str, kind: Kind) -> Finding:
    """Claim that the cells have counts, without which no copy of a cell is found.

    Parameters
    ----------
    layer, kind
        The matrix, and what its values are.
    """
    figures = {
        "n_cells": evidence.n_cells,
        "n_evidence": evidence.n_evidence,
        "n_few_genes": evidence.n_few_genes,
        "n_not_counts": evidence.n_not_counts,
    }
    message = (
        f"{evidence.n_evidence:,} of {evidence.n_cells:,} cells have counts of at least {MIN_GENES} genes, "
        f"by which copies of them are found."
    )
    if evidence.n_not_counts:
        message += (
            f" {evidence.n_not_counts:,} have values that are no counts ({layer} holds {kind} values). If "
            f"the file has counts elsewhere, name them as layer in the dataset's entry of datasets.yaml."
        )
    return Finding("cells_have_counts", evidence.n_not_counts == 0, message, figures)


def copies_have_a_primary(*, n_cells_copied: int, n_without_primary: int) -> Finding:
    """Claim that of every cell with copies the lake holds the canonical one."""
    message = f"Of {n_cells_copied:,} cells there are copies, and of each of them the canonical one."
    if n_without_primary:
        message = (
            f"{n_without_primary:,} of {n_cells_copied:,} cells that are there several times have no "
            f"canonical copy in the lake (is_primary_data), and are not used where only canonical cells are. "
            f"Add the dataset that holds it, or see split.non_primary in datasets.yaml."
        )
    figures = {"n_cells_copied": n_cells_copied, "n_without_primary": n_without_primary}
    return Finding("copies_have_a_primary", n_without_primary == 0, message, figures)


def donors_have_one_name(aliases: pl.DataFrame) -> Finding:
    """Claim that no two donors are one person.

    Parameters
    ----------
    aliases
        See schemas.leaks.DonorAliases.
    """
    same = aliases.filter(IS_SAME_PERSON)
    message = f"None of {aliases.height:,} pairs of donors that share cells are one person."
    if same.height:
        first = same.row(0, named=True)
        message = (
            f"{same.height:,} of {aliases.height:,} pairs of donors that share cells are one person under "
            f"two names, the first {first[DONOR_UID]} and {first[OTHER_DONOR_UID]}: they share "
            f"{first[N_SHARED_CELLS]:,} cells. All cells of such donors are on one side of the split."
        )
    figures = {"n_donor_pairs": aliases.height, "n_same_person": same.height}
    return Finding("donors_have_one_name", same.is_empty(), message, figures, same)
