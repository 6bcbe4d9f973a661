"""What the kernels of `communication` are given: who can say what, and how far."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr


class Roles(NamedTuple):
    """The genes of each pair of a ligand and a receptor, those that need contact last.

    Attributes
    ----------
    ligand_begins, receptor_begins
        Where the subunits of each pair begin, shape ``(n_pairs + 1,)``.
    ligand_genes, receptor_genes
        Columns of the genes of the subunits.
    n_far
        How many pairs do not need contact.
    """

    ligand_begins: NDArray[np.int64]
    ligand_genes: NDArray[np.int32]
    receptor_begins: NDArray[np.int64]
    receptor_genes: NDArray[np.int32]
    n_far: int


class Speech(NamedTuple):
    """What cells say and can hear, a row per position of `Places`.

    Attributes
    ----------
    genes
        Scaled expression, from 0 to 1, of the genes of all pairs.
    row
        Of the cell in obs.
    """

    roles: Roles
    genes: Csr
    row: NDArray[np.int32]


class Reach(NamedTuple):
    """How far cells are heard, in microns: in general, and where a pair needs contact."""

    radius_um: float
    contact_um: float
