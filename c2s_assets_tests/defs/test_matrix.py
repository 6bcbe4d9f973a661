"""The expression tables: what they hold, for which files, and which checks speak up."""

from pathlib import Path

import anndata as ad
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from scipy.sparse import csr_array

from c2s_assets.core.expression import claims
from c2s_assets.defs.assets import matrix
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables import sparse, wide
from c2s_assets_tests.defs.building import build_only, debris, files_below, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

INGEST = ("raw_h5ad", "dataset_profile", "cell_metadata", "feature_metadata")
TABLES = ("expression", "expression_matrix")


def dense(layout: Layout, dataset_id: str, layer: str) -> np.ndarray:
    adata = ad.read_h5ad(layout.raw_h5ad(dataset_id))
    found = adata.raw.X if layer == "raw.X" else adata.X
    return np.asarray(found if isinstance(found, np.ndarray) else found.toarray(), dtype=np.float32)


@pytest.mark.parametrize(
    ("options", "layer"),
    [
        ({}, "raw.X"),
        ({"matrices": "normalised X", "encoding": "dense", "dtype": "float64"}, "X"),
        ({"matrices": "normalised X", "encoding": "csc"}, "X"),
    ],
    ids=["counts", "dense", "normalised"],
)
def test_both_tables_hold_every_value_of_the_source(
    tmp_path: Path, options: dict[str, object], layer: str
) -> None:
    layout = make_lake(tmp_path)
    symbols = [*(f"GENE{number}" for number in range(1, 39)), "GENE1", None]
    drop_toy_h5ad(layout, "toy", var={"feature_name": symbols}, **options)
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", *INGEST, *TABLES)
        assert result.success
        evaluated = result.get_asset_check_evaluations()
        sparse, dense_table = (workshop.read(table, "toy") for table in TABLES)
    of_matrix = {(check.asset_key.to_user_string(), check.check_name): check.passed for check in evaluated}
    source = dense(layout, "toy", layer)
    features = pl.read_parquet(layout.table("feature_metadata", "toy"))

    assert {key: passed for key, passed in of_matrix.items() if key[0] in TABLES} == {
        ("expression", "keeps_schema"): True,
        ("expression", "rows_match_cells"): True,
        ("expression", "matches_source"): True,
        ("expression_matrix", "features_fit_into_columns"): True,
        ("expression_matrix", "keeps_schema"): True,
        ("expression_matrix", "rows_match_cells"): True,
        ("expression_matrix", "agrees_with_expression"): True,
    }
    assert (
        sparse["cell_id"].to_list()
        == dense_table["cell_id"].to_list()
        == [f"cell_{n:04d}" for n in range(60)]
    )
    for row, (indices, values) in enumerate(sparse.select("feature_index", "value").iter_rows()):
        rebuilt = np.zeros(40, np.float32)
        rebuilt[indices] = values
        np.testing.assert_array_equal(rebuilt, source[row])
        assert 0 not in values
    np.testing.assert_array_equal(dense_table.drop("cell_id").to_numpy(), source)
    names = features["symbol"].to_list()
    names[0], names[38], names[39] = "GENE1_ENSG00000000001", "GENE1_ENSG00000000039", "ENSG00000000040"
    assert dense_table.columns[1:] == names


def test_other_tools_read_them_and_the_ui_shows_what_they_are(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", *INGEST, *TABLES)
        shown = {
            event.asset_key.to_user_string(): event.materialization.metadata
            for event in result.get_asset_materialization_events()
        }
    folders = {table: layout.parts(table, "toy") for table in TABLES}

    query = "select cell_id, unnest(feature_index), unnest(value) from read_parquet(?)"
    triples = duckdb.execute(query, [f"{folders['expression']}/*.parquet"]).fetchall()
    source = dense(layout, "toy", "raw.X")
    assert len(triples) == np.count_nonzero(source)
    assert all(source[int(cell[-4:]), feature] == value for cell, feature, value in triples)
    schema = pq.read_schema(next(folders["expression"].iterdir()))
    assert [str(field.type) for field in schema] == ["string", "list<element: int32>", "list<element: float>"]
    frame = pd.read_parquet(folders["expression_matrix"])
    assert frame.columns[0] == "cell_id"
    assert frame.shape == (60, 41)
    one = pl.read_parquet(folders["expression_matrix"] / "*.parquet", columns=["cell_id", "GENE7"])
    assert one["GENE7"].to_list() == source[:, 6].tolist()

    sparse, wide_table = shown["expression"], shown["expression_matrix"]
    assert sparse["frac_zero"].value == pytest.approx(np.mean(source == 0))
    assert sparse["n_values"].value == np.count_nonzero(source)
    for picture in ("counts_per_cell", "sparsity"):
        assert "(data:image/png;base64," in str(sparse[picture].value)
        assert len(str(sparse[picture].value)) < 200_000
    columns = wide_table["dagster/column_schema"].value.columns
    assert [column.name for column in columns] == [
        "cell_id",
        "GENE1",
        "GENE2",
        "GENE3",
        "GENE4",
        "GENE5",
        "...",
    ]
    assert columns[-1].description.startswith("35 further features")
    assert wide_table["dagster/row_count"].value == sparse["dagster/row_count"].value == 60
    assert wide_table["dagster/column_lineage"].value.deps_by_column["GENE5"]


def test_cells_read_at_once_never_change_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "CELLS_PER_PART", 25)
    written = []
    for rows_per_block in (1, 7, 1024):
        layout = make_lake(tmp_path / str(rows_per_block), "toy")
        with open_workshop(layout, rows_per_block=rows_per_block) as workshop:
            assert build_only(workshop, "toy", *INGEST, *TABLES).success
        written.append([files_below(layout.parts(table, "toy")) for table in TABLES])
        assert debris(layout) == []

    assert written[0] == written[1] == written[2]
    assert len(written[0][1]) == 3


def test_a_value_lost_on_the_way_stops_the_table_and_leaves_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "toy", *INGEST, *TABLES).success
        before = [files_below(layout.parts(table, "toy")) for table in TABLES]
        plain_table, plain_write = sparse.expression_table, matrix.write_wide

        def lossy_table(block: csr_array, cell_ids: pl.Series) -> object:
            changed = block.copy()
            changed.data[-1] += 1
            return plain_table(changed, cell_ids)

        def lossy_write(folder: Path, blocks: object, **options: object) -> None:
            plain_write(folder, ((start, 2 * block) for start, block in blocks), **options)  # type: ignore[attr-defined,arg-type]

        monkeypatch.setattr(sparse, "expression_table", lossy_table)
        monkeypatch.setattr(matrix, "write_wide", lossy_write)
        for table, claim in zip(TABLES, ("matches_source", "agrees_with_expression"), strict=True):
            result = build_only(workshop, "toy", table)
            assert not result.success
            broken = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
            assert broken == [claim]

    assert [files_below(layout.parts(table, "toy")) for table in TABLES] == before


def test_more_features_than_a_table_has_columns_are_refused_before_any_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_MOST_COLUMNS", 39)
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", *INGEST, "expression_matrix")
    shown = [c for c in result.get_asset_check_evaluations() if c.asset_key.path == ["expression_matrix"]]
    assert [(check.check_name, check.passed) for check in shown] == [("features_fit_into_columns", False)]
    assert not layout.parts("expression_matrix", "toy").exists()
