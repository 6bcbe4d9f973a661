"""`pseudobulk` and `pseudocells`: what NumPy makes of the file, and what is said where there is nothing."""

from pathlib import Path
from typing import Any

import anndata as ad
import dagster as dg
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from c2s_assets.core.errors import MissingInputError, UnknownNameError
from c2s_assets.core.tabular.sums import Sums
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.reading import open_lake
from c2s_assets.storage.tables import buckets, tabular
from c2s_assets_tests.defs.building import build_only, debris, files_below, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

INGEST = ("raw_h5ad", "dataset_profile", "cell_metadata", "feature_metadata", "split_manifest")
TABLES = ("pseudobulk", "pseudocells")
N_OBS, N_VARS = 600, 40


def build(layout: Layout, dataset_id: str = "toy", **options: Any) -> dg.ExecuteInProcessResult:
    with open_workshop(layout, **options) as workshop:
        return build_only(workshop, dataset_id, *INGEST, *TABLES)


def read(layout: Layout, table: str, dataset_id: str = "toy") -> pl.DataFrame:
    return pl.read_parquet(layout.parts(table, dataset_id) / "*.parquet")


def counts_and_obs(layout: Layout) -> tuple[NDArray[np.float32], Any]:
    adata = ad.read_h5ad(layout.raw_h5ad("toy"))
    return adata.raw.X.toarray(), adata.obs


def dense(rows: pl.DataFrame, values: str) -> NDArray[np.float32]:
    found = np.zeros((rows.height, N_VARS), np.float32)
    for row, (features, of_features) in enumerate(rows.select("feature_index", values).iter_rows()):
        found[row, features] = of_features
    return found


def said(result: dg.ExecuteInProcessResult, table: str) -> dict[str, str]:
    """What the checks of a table that do not hold say."""
    return {
        check.check_name: check.description or ""
        for check in result.get_asset_check_evaluations()
        if check.asset_key.path == [table] and not check.passed
    }


def test_pseudobulk_is_what_numpy_adds_up(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    tissue = np.where(np.arange(N_OBS) % 7 == 0, "lung", "blood")
    is_primary = np.arange(N_OBS) % 5 != 0
    drop_toy_h5ad(layout, "toy", n_obs=N_OBS, obs={"tissue": tissue, "is_primary_data": is_primary})
    assert build(layout).success
    counts, obs = counts_and_obs(layout)
    rows = read(layout, "pseudobulk")

    due = obs[obs["is_primary_data"]].groupby(["donor_id", "cell_type", "tissue"], observed=True).indices
    used = np.flatnonzero(is_primary)
    assert rows.height == len(due) == 4 * 3 * 2
    sums, detected = dense(rows, "value"), dense(rows, "frac_detected")
    for row, described in enumerate(rows.iter_rows(named=True)):
        key = (described["donor_uid"].split("/")[1], described["cell_type"], described["tissue"])
        cells = counts[used[due[key]]]
        assert described["n_cells"] == len(cells)
        np.testing.assert_array_equal(sums[row], cells.sum(axis=0))
        np.testing.assert_array_equal(detected[row], (cells > 0).mean(axis=0, dtype=np.float32))


def test_pseudocells_are_what_numpy_adds_up(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    layout.settings.write_text("pseudocells: {n_cells: 7, n_draws: 9}")
    drop_toy_h5ad(layout, "toy", n_obs=N_OBS)
    assert build(layout).success
    counts, obs = counts_and_obs(layout)
    rows = read(layout, "pseudocells")

    assert rows.height == 4 * 3 * 9
    assert rows.group_by("donor_uid", "cell_type").agg(pl.col("draw"))["draw"].to_list() == [[*range(9)]] * 12
    sums = dense(rows, "value")
    for row, described in enumerate(rows.iter_rows(named=True)):
        cells = described["cell_index"]
        assert len(set(cells)) == described["n_cells"] == 7
        assert described["n_cells_in_group"] == 50
        assert set(obs["cell_type"].iloc[cells]) == {described["cell_type"]}
        assert set(obs["donor_id"].iloc[cells]) == {described["donor_uid"].split("/")[1]}
        np.testing.assert_array_equal(sums[row], counts[cells].sum(axis=0))


def test_neither_blocks_nor_buckets_change_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few values per bucket, rows of many cells are cut, and few rows are made at once."""
    written = []
    for rows_per_block, values in ((1024, 8 * 2**20), (7, 150), (64, 1_000)):
        monkeypatch.setattr(tabular, "VALUES_PER_BUCKET", values)
        for module in (buckets, tabular):
            monkeypatch.setattr(module, "_VALUES_AT_ONCE", values)
        layout = make_lake(tmp_path / str(values))
        drop_toy_h5ad(layout, "toy", n_obs=N_OBS)
        assert build(layout, rows_per_block=rows_per_block).success
        written.append([files_below(layout.parts(table, "toy")) for table in TABLES])
        assert debris(layout) == []
    assert written[0] == written[1] == written[2]


def test_other_draws_are_asked_of_pseudocells_alone(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    assert build(layout).success
    layout.settings.write_text("pseudocells: {n_cells: 7}")
    states = Dataset(layout, "toy", read_settings(layout)).state()
    assert states["pseudobulk"].standing == "built"
    assert states["pseudocells"].why == ("pseudocells.n_cells is 7 now, was 15",)


def test_another_order_of_the_file_draws_the_same_cells(tmp_path: Path) -> None:
    found = []
    for name in ("there", "back"):
        layout = make_lake(tmp_path / name)
        path = drop_toy_h5ad(layout, "toy", n_obs=N_OBS)
        if name == "back":
            adata = ad.read_h5ad(path)[::-1].copy()
            adata.write_h5ad(path)
        assert build(layout).success
        found.append([read(layout, table) for table in TABLES])
    for there, back in zip(*found, strict=True):
        assert there.drop("cell_index", strict=False).equals(back.drop("cell_index", strict=False))


@pytest.mark.parametrize(
    ("options", "claim", "words"),
    [
        ({"n_donors": 0}, "donors_are_known", "donor_column in the dataset's entry"),
        ({"obs": {"donor_id": "pool"}}, "donors_are_known", "None of 60 cells"),
        ({"matrices": "normalised X"}, "values_are_counts", "X holds normalised values"),
    ],
    ids=["no donors", "one pool", "no counts"],
)
def test_where_nothing_can_be_added_up_there_are_no_rows_and_words(
    tmp_path: Path, options: dict[str, Any], claim: str, words: str
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", **options)
    result = build(layout)
    assert result.success
    for table in TABLES:
        assert words in said(result, table)[claim]
        assert read(layout, table).is_empty()


@pytest.mark.parametrize(
    ("options", "n_rows", "claim", "words"),
    [
        ({"n_obs": 1}, (1, 1), "groups_have_cells", "1 of 1 groups"),
        (
            {"obs": {"cell_type": ["rare", *["B cell"] * 59]}},
            (5, 5),
            "groups_have_cells",
            "1 of them one cell",
        ),
        ({"obs": {"cell_type": None}}, (4, 4), "cell_types_are_known", "cell_type_column"),
    ],
    ids=["one cell", "a group of one cell", "no cell types"],
)
def test_little_is_added_up_and_told(
    tmp_path: Path, options: dict[str, Any], n_rows: tuple[int, int], claim: str, words: str
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", **options)
    result = build(layout)
    assert result.success
    for table, n in zip(TABLES, n_rows, strict=True):
        assert words in said(result, table)[claim]
        assert read(layout, table).height == n


def test_a_count_lost_on_the_way_stops_the_table_and_leaves_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = make_lake(tmp_path, "toy")
    assert build(layout).success
    before = [files_below(layout.parts(table, "toy")) for table in TABLES]
    add = tabular.Adder.add

    def lossy(self: tabular.Adder, *args: Any, **options: Any) -> Sums:
        sums = add(self, *args, **options)
        sums.values[-1] += 1
        return sums

    monkeypatch.setattr(tabular.Adder, "add", lossy)
    with open_workshop(layout) as workshop:
        for table in TABLES:
            result = build_only(workshop, "toy", table)
            assert not result.success
            assert "sums_match_source" in said(result, table)
    assert [files_below(layout.parts(table, "toy")) for table in TABLES] == before
    assert debris(layout) == []


def test_a_lake_gives_them_as_a_matrix_of_all_datasets(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_obs=N_OBS)
    drop_toy_h5ad(layout, "other", n_obs=N_OBS, n_vars=30, seed=1)
    drop_toy_h5ad(layout, "none", n_donors=0)
    for dataset_id in ("toy", "other", "none"):
        assert build(layout, dataset_id).success
    lake = open_lake(layout.root)

    samples = lake.pseudobulk(side="train", where=pl.col("cell_type") == "B cell")
    rows = pl.concat(
        [read(layout, "pseudobulk", name).with_columns(dataset_id=pl.lit(name)) for name in ("other", "toy")]
    )
    due = rows.filter(split="train", cell_type="B cell")
    assert samples.rows.equals(due.select(samples.rows.columns))
    assert samples.genes["symbol"].to_list() == [f"GENE{number}" for number in range(1, 31)]
    np.testing.assert_array_equal(samples.X.toarray(), dense(due, "value")[:, :30])

    draws = lake.pseudocells(datasets=["toy"], where=pl.col("draw") < 2)
    assert draws.rows.height == 4 * 3 * 2
    np.testing.assert_array_equal(
        draws.X.toarray(), dense(read(layout, "pseudocells").filter(pl.col("draw") < 2), "value")
    )
    with pytest.raises(MissingInputError, match="pseudobulk of none has no rows; its checks say why"):
        lake.pseudobulk(datasets=["none"])
    with pytest.raises(UnknownNameError, match="'training' is no side"):
        lake.pseudocells(side="training")


def test_a_table_that_nobody_asked_for_is_refused_with_how_to_ask(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "toy", *INGEST).success
    with pytest.raises(MissingInputError, match="c2s build toy --only pseudobulk"):
        open_lake(layout.root).pseudobulk()
