"""Dagster assets for single-cell data: tables, cell sentences and donor-safe splits that stay up to date.

`read_expression` is for people who analyse what is in the lake; it is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2s_assets.storage.tables.expression import read_expression

__all__ = ["read_expression"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("c2s_assets.storage.tables.expression"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
