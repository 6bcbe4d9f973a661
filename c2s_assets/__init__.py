"""Dagster assets for single-cell data: tables, cell sentences and donor-safe splits that stay up to date.

`open_lake`, `read_expression` and `batches` are for people who train on what is in the lake, or analyse it;
they are loaded when they are first used, and load no Dagster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2s_assets.storage.batches.opening import batches
    from c2s_assets.storage.reading import open_lake
    from c2s_assets.storage.tables.expression import read_expression

__all__ = ["batches", "open_lake", "read_expression"]

_PLACES = {
    "batches": "c2s_assets.storage.batches.opening",
    "open_lake": "c2s_assets.storage.reading",
    "read_expression": "c2s_assets.storage.tables.expression",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
