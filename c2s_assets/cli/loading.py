"""Loads the assets, for commands that need them."""

import atexit
import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from c2s_assets.core.loading import without_garbage

if TYPE_CHECKING:
    import dagster as dg

_MODULE = "c2s_assets.definitions"


def load_definitions() -> "dg.Definitions":
    """Load the assets with all that they need, unless they are loaded: to be called before other imports."""
    if _MODULE not in sys.modules:
        with without_garbage():
            import_module(_MODULE)
        atexit.register(gc.unfreeze)  # DuckDB complains of what is left at the end of a process
    from c2s_assets.definitions import defs

    return defs
