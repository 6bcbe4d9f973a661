import polars as pl

from c2s_assets.defs.plots import cells_per_category


def test_a_label_in_a_script_that_the_font_lacks_is_drawn_without_a_warning() -> None:
    """Guards the terminal: warnings are errors here, and matplotlib has one for every such letter."""
    assert "data:image/png" in cells_per_category(pl.Series("tissue", ["血液", "blood"])).md_str
