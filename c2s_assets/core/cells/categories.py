"""Which column says most of what the cells of a dataset are."""

from collections.abc import Mapping

from c2s_assets.core.columns import CELL_TYPE

_MOST_CATEGORIES = 60


def choose_category(n_distinct: Mapping[str, int | None], *, has_cell_types: bool) -> str | None:
    """Choose `cell_type` if there is one, else the first column of some values; None if there is none.

    Parameters
    ----------
    n_distinct
        How many values a column has, by its name, of columns whose values are names.
    has_cell_types
        Whether `cell_type` is made of another column.

    >>> choose_category({"batch": 1, "clone": 400, "cluster": 12}, has_cell_types=False)
    'cluster'
    """
    if CELL_TYPE in n_distinct or has_cell_types:
        return CELL_TYPE
    return next((name for name, n in n_distinct.items() if n and 1 < n <= _MOST_CATEGORIES), None)
