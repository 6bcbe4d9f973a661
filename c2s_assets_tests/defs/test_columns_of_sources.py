"""Columns of a source that are called like ours, or nearly: from the h5ad to tables and catalogue."""

from pathlib import Path

from c2s_assets.defs.service import build_catalogue
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.lake.documents import read_document
from c2s_assets_tests.defs.building import failures, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

# What an author has, before the labels that CELLxGENE appends.
AUTHORS = {
    "Sex": "F",
    "Tissue": "Blood, left arm",
    "Age": 7,
    "filename": "a.csv",
    "FILE_ROW_NUMBER": 3,
    "Split": "A",
}


def test_the_curated_column_is_the_one_that_every_table_and_query_shows(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(
        layout,
        "upper",
        obs={**AUTHORS, "tissue": None, "__file__": "x"},
        var={"FILENAME": "f", "dataset_id": 1, "Symbol": "?", "Feature_Biotype": "mine"},
    )
    drop_toy_h5ad(layout, "plain")
    with open_workshop(layout) as workshop:
        reports = [workshop.build(name) for name in ("upper", "plain")]
        assert build_catalogue(workshop.instance, workshop.definitions).succeeded
        cells, features = (workshop.read(f"{name}_metadata", "upper") for name in ("cell", "feature"))
        records = workshop.train_test("upper").drop("side")

    assert [failures(report) for report in reports] == [{}, {}]
    for table in (cells, features, records):
        assert len({name.casefold() for name in table.columns}) == table.width
    renamed = {"Sex": "F", "Tissue": "Blood, left arm", "Age": 7, "__file__": "x"}
    for table in (cells, records):
        assert table.select(f"{name}_in_source" for name in renamed).row(0) == tuple(renamed.values())
        assert table.select("filename", "FILE_ROW_NUMBER").row(0) == ("a.csv", 3)
        assert set(table["sex"]) == {"female", "male"}
    assert (cells["Split"][0], records["Split_in_source"][0]) == ("A", "A")
    assert features.select("FILENAME", "dataset_id_in_source", "Symbol_in_source").row(0) == ("f", 1, "?")

    figures = {step.asset: step.figures for step in reports[0].steps}
    assert "Sex is Sex_in_source, Tissue is Tissue_in_source" in figures["cell_metadata"]["renamed"]
    lineage = figures["cell_metadata"]["dagster/column_lineage"].deps_by_column
    assert lineage["Sex_in_source"][0].column_name == "obs/Sex"
    origins = figures["train_test"]["dagster/column_lineage"].deps_by_column
    assert origins["Split_in_source"][0].column_name == "Split"
    profile = read_document(layout.profile("upper"), DatasetProfile)
    named = {column.name: column.name_in_table for column in (*profile.obs_columns, *profile.var_columns)}
    found = [named[name] for name in ("Sex", "Symbol", "cell_type")]
    assert found == ["Sex_in_source", "Symbol_in_source", "cell_type"]

    def ask(sql: str) -> list[tuple[object, ...]]:
        return answer_query(layout, sql, max_rows=20).rows.rows()

    sql = "select dataset_id, min(sex), any_value(tissue) from cells group by all order by all"
    assert ask(sql) == [("plain", "female", "blood"), ("upper", "female", None)]
    own = "select distinct filename, file_row_number, tissue_in_source from files.cell_metadata order by 1"
    assert ask(own) == [("a.csv", 3, "Blood, left arm"), (None, None, None)]
    of_features = "select distinct dataset_id, feature_biotype from features order by all"
    assert ask(of_features) == [("plain", "gene"), ("upper", "gene")]
