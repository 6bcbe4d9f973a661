"""What the catalogue declares, and how it hangs together with the tables of the lake."""

import pyarrow as pa
import pytest

from c2s_assets.core.cells.curated import CURATED_COLUMNS
from c2s_assets.core.cells.labels import MEMBER_LISTS
from c2s_assets.schemas.catalogue import CATALOGUE, duckdb_type, promised_columns
from c2s_assets.schemas.columns import declared_columns
from c2s_assets.schemas.registry import TABLES, shown

# Those of tables of datasets; one shows a table that is made for the whole lake.
VIEWS = {table.name: table for table in CATALOGUE.values() if table.shows in TABLES}


def test_every_table_that_the_registry_shows_has_a_view():
    assert {view.shows: name for name, view in VIEWS.items()} == {d.name: d.view for d in shown()}


@pytest.mark.parametrize("view", [view for name, view in VIEWS.items() if name != "projections"])
def test_a_view_shows_every_declared_column_of_its_table(view):
    assert set(declared_columns(TABLES[view.shows].model)) <= set(view.types)
    assert "dataset_id" in view.types


def test_cells_show_what_is_curated():
    """`core` names the columns of CELLxGENE, and here it is said what they hold: neither may miss one."""
    further = set(CATALOGUE["cells"].types) - set(declared_columns(TABLES["cell_metadata"].model))
    assert further | {"is_primary_data"} == {*CURATED_COLUMNS, *MEMBER_LISTS.values()}


@pytest.mark.parametrize("table", CATALOGUE.values(), ids=CATALOGUE)
def test_every_column_says_what_it_holds(table):
    assert all(column.says.endswith(".") for column in table.columns)
    assert table.description.endswith(".")


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (pa.string(), "VARCHAR"),
        (pa.int64(), "BIGINT"),
        (pa.float32(), "FLOAT"),
        (pa.list_(pa.string()), "VARCHAR[]"),
        (pa.date32(), "DATE"),
    ],
    ids=str,
)
def test_types_have_the_names_of_duckdb(of, expected):
    assert duckdb_type(of) == expected


def test_of_projections_the_coordinates_are_promised_that_the_view_is_made_of():
    names = promised_columns()["projections"].names
    assert {"dataset_id", "projection", "cell_id", "UMAP1", "TSNE2", "PCA1"} <= set(names)
    assert "x" not in names
