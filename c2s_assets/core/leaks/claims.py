"""What must hold of fingerprints, and of what is found by them."""

from c2s_assets.core.expression.layers import Kind
from c2s_assets.core.findings import Finding
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
