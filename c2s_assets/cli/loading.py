"""Loads the assets, for commands that need them."""

import atexit
import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

_MODULE = "c2s_assets.definitions"


def load_definitions() -> "dg.Definitions":
    """Load the assets with all that they need, unless they are loaded: to be called before other imports.

    While they are loaded nobody looks for garbage: there is none, and that would be a sixth of the time.
    """
    if _MODULE not in sys.modules:
        gc.disable()
        try:
            import_module(_MODULE)
        finally:
            gc.freeze()  # nor is it looked for among them later
            gc.enable()
        atexit.register(gc.unfreeze)  # DuckDB complains of what is left at the end of a process
    from c2s_assets.definitions import defs

    return defs
