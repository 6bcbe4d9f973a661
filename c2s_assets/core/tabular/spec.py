"""How many cells make up a pseudocell, and how many are drawn."""

from pydantic import Field

from c2s_assets.core.section import Section


class PseudocellSettings(Section):
    """How pseudocells are drawn, for all datasets; by default as for the clocks of scImmuAging."""

    n_cells: int = Field(default=15, ge=1, le=1_000, description="Cells of each pseudocell.")
    n_draws: int = Field(default=100, ge=1, le=1_000, description="Pseudocells of each group of cells.")
    seed: int = Field(default=0, description="Seed of the draws.")
