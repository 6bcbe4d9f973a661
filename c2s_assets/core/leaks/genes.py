"""The genes that count in a fingerprint, each by a key that is the same in every dataset."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.cells.flags import read_flags
from c2s_assets.core.genes.features import feature_ids
from c2s_assets.core.genes.kinds import GENE, feature_kinds
from c2s_assets.core.hashes import keys_of

# Key of what does not count.
NO_GENE = 0
# CELLxGENE's mark of what is in the counts, but was left out of the normalised matrix.
IS_FILTERED = "feature_is_filtered"


def gene_keys(var_names: pl.Series, var: pl.DataFrame) -> NDArray[np.uint64]:
    """Hash the id of each gene, ``(n_vars,)``: its Ensembl id without version, else its name.

    Spike-ins and whatever else is no gene have the key `NO_GENE`, as have features that were filtered out.
    Features that share an id, such as two versions of it, share a key.
    """
    ids = feature_ids(var_names, var)
    is_counted = feature_kinds([ids], var) == GENE
    if IS_FILTERED in var.columns:
        is_counted &= ~read_flags(var[IS_FILTERED]).fill_null(value=False)
    keys = keys_of(ids, seed=0)
    keys[~is_counted.to_numpy()] = NO_GENE
    return keys
