"""How long a cell sentence may be."""

from typing import Literal

# It ends where nothing but ties is left: behind the last symbol above the cell's lowest tie block.
AUTO: Literal["auto"] = "auto"

TopN = int | Literal["auto"]
