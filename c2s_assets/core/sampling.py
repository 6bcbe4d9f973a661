"""Which cells to look at when looking at all would cost too much."""


def windows(n_rows: int, *, size: int) -> list[tuple[int, int]]:
    """Choose head, middle and tail as (start, stop), `size` rows each, or all if there are no more."""
    if n_rows <= 3 * size:
        return [(0, n_rows)] if n_rows else []
    middle = (n_rows - size) // 2
    return [(0, size), (middle, middle + size), (n_rows - size, n_rows)]
