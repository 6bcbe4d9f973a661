"""Cells that express genes of which none has a symbol, so that their sentences say nothing."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def count_silent_cells(
    expression: csr_array, n_expressed: NDArray[np.int32], *, is_gene: NDArray[np.bool_]
) -> int:
    """Count the cells of a block that express a gene, but none with a symbol.

    Parameters
    ----------
    expression
        Shape ``(n_obs, n_vars)``, without values below zero.
    n_expressed
        Distinct symbols that each cell expresses, ``(n_obs,)``.
    is_gene
        Features that are genes, ``(n_vars,)``: a cell that expresses none has nothing to say.
    """
    # Few cells have no symbol, so that it costs nothing to look at all of their values.
    without = expression[np.flatnonzero(n_expressed == 0)]
    return int(np.count_nonzero(without @ is_gene.astype(np.float32)))
