import polars as pl

from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.leaks import CellCopies, DonorAliases
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.leaks.published import read_aliases, read_copies
from c2s_assets.storage.tables.parquet import write_table


def test_without_a_table_nothing_is_known_in_the_columns_that_there_would_be(tmp_path):
    layout = Layout(tmp_path)
    assert read_aliases(layout).is_empty()
    assert read_aliases(layout).schema == frame_schema(DonorAliases)
    assert read_copies(layout, "one").is_empty()
    assert read_copies(layout, "one").schema == frame_schema(CellCopies)


def test_a_dataset_has_the_copies_of_its_own_table(tmp_path):
    layout = Layout(tmp_path)
    copy = {
        "cell_id": "AAAC-1",
        "donor_uid": None,
        "is_primary_data": False,
        "copy_group": 7,
        "n_datasets": 2,
        "has_primary": True,
        "is_exact": True,
    }
    written = pl.DataFrame([copy], schema=frame_schema(CellCopies))
    layout.all_copies.mkdir(parents=True)
    write_table(layout.cell_copies("two"), written, schema=arrow_schema(CellCopies))
    assert read_copies(layout, "one").is_empty()
    assert read_copies(layout, "two").to_dicts() == [copy]
