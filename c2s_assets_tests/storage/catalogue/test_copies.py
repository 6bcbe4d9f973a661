"""The catalogue shows which cells have copies, of the cells that it shows."""

from pathlib import Path

import polars as pl

from c2s_assets.storage.catalogue.building import build_catalogue
from c2s_assets.storage.catalogue.snapshot import lake_state
from c2s_assets.storage.catalogue.versions import open_catalogue
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.storage.leaks.planting import draw, put_cells, renew_lake

QUERY = """
    select c.dataset_id, count(*), count(distinct c.copy_group), bool_and(cells.donor_uid = c.donor_uid)
    from cell_copies c join cells using (dataset_id, cell_id) group by all order by all
"""


def asked(layout: Layout) -> list[tuple[object, ...]]:
    layout.catalogue.unlink(missing_ok=True)
    build_catalogue(layout, layout.catalogue)
    with open_catalogue(layout.catalogue) as reader:
        return list(reader.connection.sql(QUERY).fetchall())


def test_copies_are_shown_of_the_cells_that_are_there(tmp_path: Path) -> None:
    layout, cells = Layout(tmp_path / "lake"), draw(20, seed=1)
    put_cells(layout, "study", cells, donors=["Ann"])
    put_cells(layout, "atlas", cells[:8], donors=["P1"])
    assert asked(layout) == []
    before = lake_state(layout)
    renew_lake(layout)
    assert lake_state(layout) != before
    assert asked(layout) == [("atlas", 8, 8, True), ("study", 8, 8, True)]
    # Built of another file since then: which of its cells are copies is not known yet.
    put_cells(layout, "atlas", draw(8, seed=2), donors=["P1"], version="b")
    assert asked(layout) == [("study", 8, 8, True)]
    assert pl.read_parquet(layout.cell_copies("atlas")).height == 8
