"""Renews `donor_aliases`, `cell_copies` and the pairs of cells that both are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.core.leaks.columns import COPY_GROUP, HAS_PRIMARY, IS_SAME_PERSON
from c2s_assets.schemas.leaks import CellCopies, DonorAliases
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.leaks.corpus import CorpusCopies
from c2s_assets.storage.leaks.output import Output
from c2s_assets.storage.leaks.pairs import PairsOfDatasets, compare, read_pairs, write_pairs
from c2s_assets.storage.leaks.search import datasets_in_common
from c2s_assets.storage.leaks.sources import FingerprintTable, find_fingerprints
from c2s_assets.storage.tables.inputs import SOURCE


@dataclass(frozen=True)
class Figures:
    """What a renewal found.

    `n_copies` rows of all datasets are `n_cells_copied` cells; of these `n_without_primary` have no canonical
    copy.
    """

    n_datasets: int
    n_pairs_of_datasets: int
    n_compared_anew: int
    n_copies: int
    n_cells_copied: int
    n_without_primary: int
    n_donor_pairs: int
    n_same_person: int


@dataclass(frozen=True)
class Renewal:
    """What a renewal found and staged; `targets` are to be committed together.

    Attributes
    ----------
    left_out
        Datasets that were not compared, and why.
    by_symbols
        Datasets most of whose genes have no Ensembl id.
    """

    figures: Figures
    aliases: pl.DataFrame
    targets: list[Path]
    left_out: Mapping[str, str]
    by_symbols: Sequence[str]
    keeps_schemas: Finding


def renew(stage: Stage, layout: Layout) -> Renewal:
    """Search the lake for copies of cells, and stage what has changed; to be called by who is `alone`.

    Only datasets that are new or were built again are compared.
    """
    tables, left_out = find_fingerprints(layout)
    output = Output(stage, (layout.all_cell_pairs, layout.all_copies))
    pairs = [
        _pairs(output, layout, tables[left], tables[right]) for left, right in datasets_in_common(tables)
    ]
    n_compared = len(output.staged)
    corpus = CorpusCopies.of_pairs(pairs, tables)
    described, aliases = corpus.describe(), corpus.aliases()
    output.write(layout.donor_aliases, aliases, model=DonorAliases, table="donor_aliases")
    for place in corpus.cells:
        target = layout.cell_copies(tables[place].dataset_id)
        source = {SOURCE: tables[place].source_sha256}
        output.write(
            target, corpus.table_of(place, described), model=CellCopies, table="cell_copies", **source
        )
    groups = described.unique(COPY_GROUP)
    figures = Figures(
        n_datasets=len(tables),
        n_pairs_of_datasets=len(pairs),
        n_compared_anew=n_compared,
        n_copies=described.height,
        n_cells_copied=groups.height,
        n_without_primary=groups.filter(~pl.col(HAS_PRIMARY)).height,
        n_donor_pairs=aliases.height,
        n_same_person=int(aliases[IS_SAME_PERSON].sum()),
    )
    by_symbols = [table.dataset_id for table in tables if table.goes_by_symbols]
    return Renewal(figures, aliases, output.changed(), left_out, by_symbols, output.keeps_schemas())


def _pairs(
    output: Output, layout: Layout, left: FingerprintTable, right: FingerprintTable
) -> PairsOfDatasets:
    """Take what is known of two datasets, or compare them."""
    path = layout.cell_pairs(left.dataset_id, right.dataset_id)
    known = read_pairs(path, left, right)
    if known is not None:
        output.keep(path)
        return known
    found = compare(left, right)
    write_pairs(output.place(path), found)
    return found
