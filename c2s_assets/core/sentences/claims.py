"""Claims about cell sentences, of a sample read again from the source."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes.claims import NAME_THE_SYMBOLS
from c2s_assets.core.reports.counts import some_of
from c2s_assets.core.sentences.fidelity import Fidelity

_OUR_FAULT = "This is a fault of ours: please report it."
# Of the cells of five real data sets that express a gene, all but 8 of 18,249 have a sentence.
_LEAST_WITH_WORDS = 0.5
_MOST_LISTS, _MOST_GENES = 3, 5


def names_no_ensembl_id(found: pl.DataFrame, *, n_cells: int) -> Finding:
    """Claim that no word of a sentence is an Ensembl id; `found` lists those that are."""
    message = f"No Ensembl id in {n_cells:,} sentences."
    if found.height:
        message = (
            f"{found.height:,} words are Ensembl ids, the first is {found['found'][0]!r} of cell "
            f"{found[CELL_ID][0]!r}. {_OUR_FAULT}"
        )
    return Finding("names_no_ensembl_id", found.is_empty(), message, {"n_words": found.height}, found)


def sentences_match_source(broken: pl.DataFrame, *, n_cells: int) -> Finding:
    """Claim that sampled sentences say what the source says; `broken` lists rules that are not kept."""
    message = f"{n_cells:,} sentences agree with the source."
    if broken.height:
        first = broken.row(0, named=True)
        message = (
            f"{broken.height:,} rules broken in {n_cells:,} sentences, the first is {first['rule']!r} of "
            f"cell {first[CELL_ID]!r}: {first['found']}. Was the file changed while it was read? Build again."
        )
    return Finding("sentences_match_source", broken.is_empty(), message, {"n_cells_sampled": n_cells}, broken)


def cells_express_genes(n_expressed: pl.Series) -> Finding:
    """Claim that every cell expresses a gene with a symbol."""
    n_empty = int((n_expressed == 0).sum())
    message = f"All {len(n_expressed):,} cells express a gene with a symbol."
    if n_empty:
        message = (
            f"{n_empty:,} of {len(n_expressed):,} cells express no gene with a symbol; their sentences are "
            f"empty. Leave them out where you load the sentences: n_expressed is 0."
        )
    median = float(np.median(n_expressed)) if len(n_expressed) else 0.0
    figures = {"n_empty": n_empty, "median_n_expressed": median}
    return Finding("cells_express_genes", n_empty == 0, message, figures)


def gene_lists_name_genes(gene_lists: Mapping[str, Sequence[str]], symbols: pl.Series) -> Finding:
    """Claim that every gene list names a symbol of the dataset; without one all sentences of it are empty."""
    known, in_other_letters = set(symbols), {symbol.casefold(): symbol for symbol in symbols}
    named = {name: sorted({*genes} & known) for name, genes in gene_lists.items()}
    empty = [name for name, found in named.items() if not found]
    message = (
        f"All {len(gene_lists)} gene lists name symbols of the dataset." if gene_lists else "No gene list."
    )
    if empty:
        genes = gene_lists[empty[0]]
        meant = next(
            (in_other_letters[gene.casefold()] for gene in genes if gene.casefold() in in_other_letters), None
        )
        message = (
            f"No gene of the list {some_of(empty, most=_MOST_LISTS)} is a symbol of this dataset, and all "
            f"its sentences are empty: it names {some_of(genes, most=_MOST_GENES) or 'none'}, and "
            f"the dataset has {some_of(sorted(known), most=_MOST_GENES) or 'none'}. "
            f"{f'Is {meant!r} meant? ' if meant else ''}Write its genes in sentences.gene_lists of "
            f"datasets.yaml as the column symbol of feature_metadata does."
        )
    figures = {f"n_of_{name}": len(found) for name, found in named.items()}
    return Finding("gene_lists_name_genes", not empty, message, figures)


def sentences_have_words(n_expressed: pl.Series, *, n_silent: int, listing: str) -> Finding:
    """Claim that most of the cells that express genes have a sentence that is not empty.

    Parameters
    ----------
    n_silent
        Cells that express genes, but none with a symbol.
    listing
        Shows the columns of var.
    """
    n_named = int((n_expressed > 0).sum())
    n_cells = n_named + n_silent
    share = n_named / max(n_cells, 1)
    message = f"{n_named:,} of {n_cells:,} cells that express genes have a sentence."
    if share < _LEAST_WITH_WORDS:
        message = (
            f"Only {n_named:,} of {n_cells:,} cells that express genes have a sentence, as of the "
            f"others no gene has a symbol; at least {_LEAST_WITH_WORDS:.0%} must. var has: {listing}. "
            f"{NAME_THE_SYMBOLS}"
        )
    figures = {"n_silent": n_silent, "frac_with_words": share}
    return Finding("sentences_have_words", share >= _LEAST_WITH_WORDS, message, figures)


def ranks_can_be_judged(fidelity: Fidelity | None, *, n_cells: int) -> Finding:
    """Claim that the cells drawn have genes that differ in expression, so that ranks can recover it."""
    if fidelity is None:
        message = (
            f"In none of {n_cells:,} cells do genes differ in expression, so there is nothing to recover."
        )
        return Finding("ranks_can_be_judged", False, message, {"n_cells": n_cells})
    message = f"Ranks explain {fidelity.r_squared:.0%} of the variance of expression in {n_cells:,} cells."
    figures = {"n_cells": n_cells, "r_squared": fidelity.r_squared, "spearman_r": fidelity.spearman_r}
    return Finding("ranks_can_be_judged", True, message, figures)
