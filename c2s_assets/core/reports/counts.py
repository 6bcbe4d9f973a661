"""Numbers of things in a sentence."""

from collections.abc import Sequence


def counted(n: int, thing: str) -> str:
    """Say how many there are: ``1 donor``, ``1,200 donors``."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def some_of(names: Sequence[str], *, most: int) -> str:
    """List the first names, and say how many more there are: ``a, b and 3 more``."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
