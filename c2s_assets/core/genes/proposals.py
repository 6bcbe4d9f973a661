"""Which column of var may hold the gene symbols, where those that usually do have none."""

import polars as pl

from c2s_assets.core.columns import FEATURE_KIND, SYMBOL
from c2s_assets.core.genes.features import describe_features
from c2s_assets.core.genes.kinds import GENE
from c2s_assets.core.genes.naming import find_symbols

# As many as a claim asks for, see claims.symbols_are_known.
_LEAST_NAMED = 0.5


def propose_symbols(var_names: pl.Series, var: pl.DataFrame) -> str | None:
    """Name the column of text that names most genes, if it names at least half of them."""
    is_gene = describe_features(var_names, var)[FEATURE_KIND] == GENE
    columns = [column for column in var if column.dtype == pl.String]
    named = {
        column.name: find_symbols([column], is_gene=is_gene, trusted=None)[SYMBOL].count()
        for column in columns
    }
    best = max(named, key=lambda name: named[name], default=None)
    return best if best is not None and 0 < _LEAST_NAMED * int(is_gene.sum()) <= named[best] else None
