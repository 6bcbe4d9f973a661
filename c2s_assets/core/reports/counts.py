"""Numbers of things in a sentence."""


def counted(n: int, thing: str) -> str:
    """Say how many there are: ``1 donor``, ``1,200 donors``."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
