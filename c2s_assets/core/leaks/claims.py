"""What must hold of fingerprints, and of what is found by them."""

from collections.abc import Mapping, Sequence

import polars as pl

from c2s_assets.core.columns import DONOR_UID
from c2s_assets.core.expression.layers import Kind
from c2s_assets.core.findings import Finding
from c2s_assets.core.leaks.audit import (
    COPY,
    DATASETS,
    DONOR,
    EXACT_COPY,
    KIND,
    N_CELLS,
    NOT_AS_PLANNED,
    PERSON,
    QUARANTINE,
    SIDES_OF,
    WHAT,
)
from c2s_assets.core.leaks.columns import IS_SAME_PERSON, N_SHARED_CELLS, OTHER_DONOR_UID
from c2s_assets.core.leaks.scores import (
    BY_DONOR,
    REASON,
    SCORE,
    SPLIT_BY,
    TASK,
    UNIT,
    compare_with_random,
)
from c2s_assets.core.leaks.spec import MIN_GENES
from c2s_assets.core.leaks.tables import Evidence
from c2s_assets.core.reports.counts import some_of

_BUILD_AGAIN = "c2s audit renews the plan and builds what it changes."


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


def genes_go_by_ids(by_symbols: Sequence[str], *, n_datasets: int) -> Finding:
    """Claim that the genes of all datasets go by ids of one kind, so that their cells can be compared.

    Parameters
    ----------
    by_symbols
        Datasets most of whose genes have no Ensembl id.
    """
    is_mixed = 0 < len(by_symbols) < n_datasets
    message = f"Genes of {n_datasets - len(by_symbols):,} of {n_datasets:,} datasets go by Ensembl ids."
    if is_mixed:
        message = (
            f"Genes of {len(by_symbols):,} of {n_datasets:,} datasets go by symbols ({_few(by_symbols)}), so "
            f"that their cells are compared with each other, but not with those of other datasets. Human "
            f"genes get their ids from HGNC: c2s symbols --refresh, then c2s build --only cell_fingerprints "
            f"{by_symbols[0]}"
        )
    figures = {"n_datasets": n_datasets, "n_by_symbols": len(by_symbols)}
    return Finding("genes_go_by_ids", not is_mixed, message, figures)


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


def no_donor_is_on_two_sides(leaks: pl.DataFrame) -> Finding:
    """Claim that in the written files of the whole lake every person is on one side, that of the plan.

    Parameters
    ----------
    leaks
        See schemas.leaks.Leaks.
    """
    kinds = (DONOR, PERSON, QUARANTINE, NOT_AS_PLANNED)
    torn = leaks.filter(pl.col(KIND).is_in(kinds))
    message = "Every donor is on one side in all datasets, that of the plan."
    if torn.height:
        first = torn.row(0, named=True)
        message = (
            f"{torn.height:,} donors are where they must not be, the first is {first[WHAT]!r} "
            f"({first[KIND]}): {first[N_CELLS]:,} cells in {' and '.join(first[SIDES_OF])} of "
            f"{_few(first[DATASETS])}. {_BUILD_AGAIN}"
        )
    return Finding(
        "no_donor_is_on_two_sides", torn.is_empty(), message, {"n_donors": torn.height}, _shown(torn)
    )


def no_copy_is_on_two_sides(leaks: pl.DataFrame) -> Finding:
    """Claim that no cell is on two sides, under whatever name and with whatever genes; see above."""
    torn = leaks.filter(pl.col(KIND).is_in((EXACT_COPY, COPY)))
    n_cells = int(torn[N_CELLS].sum())
    message = "No cell is on two sides, under whatever name."
    if torn.height:
        first = torn.row(0, named=True)
        message = (
            f"{n_cells:,} cells are on two sides, under other names or with fewer genes; the first is "
            f"{first[WHAT]}, in {' and '.join(first[SIDES_OF])} of {_few(first[DATASETS])}. {_BUILD_AGAIN}"
        )
    return Finding("no_copy_is_on_two_sides", torn.is_empty(), message, {"n_cells": n_cells}, _shown(torn))


def sides_are_as_written(changed: Mapping[str, str]) -> Finding:
    """Claim that manifests and sides are what was built; `changed` names the first that is not."""
    message = "All manifests and sides are as they were written."
    if changed:
        dataset_id, asset = next(iter(changed.items()))
        message = (
            f"Of {len(changed):,} datasets files were changed by hand, the first is {asset} of {dataset_id}. "
            f"Build it again: c2s build --only split_manifest,train_test {dataset_id}"
        )
    rows = pl.DataFrame({"dataset_id": list(changed), "table": list(changed.values())})
    return Finding("sides_are_as_written", not changed, message, {"n_datasets": len(changed)}, rows)


def every_cell_can_be_compared(n_without: int, *, n_cells: int) -> Finding:
    """Claim that copies of every cell that is used would be found."""
    message = f"All {n_cells:,} cells are of datasets with fingerprints."
    if n_without:
        message = (
            f"{n_without:,} of {n_cells:,} cells are of datasets without fingerprints, so copies of them are "
            f"not found. Build those: c2s build --outdated"
        )
    return Finding("every_cell_can_be_compared", n_without == 0, message, {"n_cells": n_without})


def random_split_is_not_better(inflation: pl.DataFrame) -> Finding:
    """Claim that cells held out at random pretend no skill that is not there for donors who were not seen.

    Parameters
    ----------
    inflation
        See schemas.leaks.LeakInflation.
    """
    scored = inflation.drop_nulls(SCORE).select(TASK, UNIT, SPLIT_BY, SCORE).rows()
    figures = {f"{task}_{unit}_{split}": round(score, 3) for task, unit, split, score in scored}
    compared = compare_with_random(inflation)
    better = compared.filter((pl.col(SPLIT_BY) == BY_DONOR) & pl.col("is_better"))
    if compared.is_empty():
        message = f"There is nothing to compare: {'; '.join(inflation[REASON].drop_nulls().unique().sort())}."
    elif better.is_empty():
        message = "Rows held out at random are predicted no better than those of donors who were not seen."
    else:
        first = better.row(0, named=True)
        message = (
            f"A split by random rows would have pretended skill in {better.height} of "
            f"{compared.filter(pl.col(SPLIT_BY) == BY_DONOR).height} comparisons, most for {first[TASK]} by "
            f"{first[UNIT]}: a score of {first['random_score']:.2f}, which is {first[SCORE]:.2f} for donors "
            f"that were not seen. Test only on donors of which no cell was trained on, as the sides are made."
        )
    return Finding("random_split_is_not_better", better.is_empty(), message, figures, compared)


def _few(names: Sequence[str]) -> str:
    return some_of(names, most=3)


def _shown(leaks: pl.DataFrame) -> pl.DataFrame:
    return leaks.with_columns(pl.col(SIDES_OF, DATASETS).list.join(", "))
