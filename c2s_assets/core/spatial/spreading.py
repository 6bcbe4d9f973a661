"""Values of the cells that have a place, as columns of all cells."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def spread(values: pa.Array, rows: NDArray[np.bool_]) -> pa.Array:
    """Give values to the rows that have one, in their order, and null to all others."""
    if rows.all():
        return values
    return values.take(pa.array(np.cumsum(rows) - 1, mask=~rows))
