"""The genes that count in a fingerprint, each by a key that is the same in every dataset."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import APPROVED_SYMBOL, FEATURE_ID, SYMBOL
from c2s_assets.core.genes.approved import approved_symbols
from c2s_assets.core.genes.features import feature_ids
from c2s_assets.core.genes.kinds import GENE, feature_kinds
from c2s_assets.core.genes.symbols import is_ensembl_id
from c2s_assets.core.hashes import keys_of

# Key of what does not count.
NO_GENE = 0


def gene_ids(var_names: pl.Series, var: pl.DataFrame, *, hgnc: pl.DataFrame | None = None) -> pl.Series:
    """Take the id of each gene, ``(n_vars,)``: its Ensembl id without version, else its name.

    Spike-ins and whatever else is no gene have none. Features that CELLxGENE marks as filtered count: that
    says something of the normalised matrix, and copies of a cell differ in it, see benchmarks/LEAKS.md.

    Parameters
    ----------
    hgnc
        The approved genes, as `parse_hgnc` returns them, by which human genes without an id get one by their
        symbol, see `approved_symbols`; None if they were never fetched.
    """
    ids = feature_ids(var_names, var)
    has_id = pl.select(is_ensembl_id(pl.lit(ids))).to_series()
    # Of most files none is left, whose name could show that it is no gene.
    names = ids.set(has_id, None)
    if hgnc is not None and not has_id.all():
        ids = _ids_by_symbol(ids, hgnc)
    return ids.set(feature_kinds([names], var) != GENE, None)


def gene_keys(ids: pl.Series) -> NDArray[np.uint64]:
    """Hash the id of each gene, from `gene_ids`; what has none has the key `NO_GENE`."""
    keys = keys_of(ids.fill_null(""), seed=0)
    keys[ids.is_null().to_numpy()] = NO_GENE
    return keys


def count_ensembl_ids(ids: pl.Series) -> int:
    """Count the genes that have an Ensembl id, of `gene_ids`."""
    return int(pl.select(is_ensembl_id(pl.lit(ids)).sum()).item())


def _ids_by_symbol(ids: pl.Series, hgnc: pl.DataFrame) -> pl.Series:
    """Give human genes that go by a symbol, or by one that they had, the Ensembl id of HGNC."""
    by_symbol = hgnc.drop_nulls(FEATURE_ID).unique(SYMBOL, keep="first").select(SYMBOL, by_symbol=FEATURE_ID)
    named = pl.DataFrame({FEATURE_ID: ids, APPROVED_SYMBOL: approved_symbols(ids, ids, hgnc)})
    joined = named.join(
        by_symbol, left_on=APPROVED_SYMBOL, right_on=SYMBOL, how="left", maintain_order="left"
    )
    has_id = is_ensembl_id(pl.col(FEATURE_ID))
    return joined.select(
        pl.when(has_id).then(FEATURE_ID).otherwise(pl.coalesce("by_symbol", FEATURE_ID)).alias(FEATURE_ID)
    ).to_series()
