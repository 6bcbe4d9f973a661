"""`c2s_assets.open_lake`: the tables of many datasets, for who trains a model."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import c2s_assets
from c2s_assets.core.errors import MissingInputError, QueryError, UnknownNameError
from c2s_assets.defs.service import build_catalogue
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.reading import Lake
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

HEAVY = {"dagster", "anndata", "h5py", "scipy", "sklearn", "matplotlib", "pandera", "pandas", "duckdb"}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_corpus(tmp_path_factory, "expression", "projections")


@pytest.fixture
def copy(layout: Layout, tmp_path: Path) -> Layout:
    """The same lake, to be changed."""
    shutil.copytree(layout.root, tmp_path / "lake")
    return Layout(tmp_path / "lake")


@pytest.fixture
def lake(layout: Layout) -> Lake:
    return c2s_assets.open_lake(layout.root)


def sides_on_disk(layout: Layout, dataset_id: str) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(layout.parts(side, dataset_id) / "*.parquet", hive_partitioning=False)
        for side in ("test", "train")
    )


def test_who_trains_a_model_loads_nothing_but_what_reads_tables(layout: Layout) -> None:
    """dagster, scipy, pandera and the like take four seconds, and are often not installed there."""
    code = (
        "import sys, c2s_assets; lake = c2s_assets.open_lake(sys.argv[1])\n"
        "n = lake.training(side='train').collect().height + lake.datasets().height\n"
        "print(lake.genes().collect().height + n, {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, layout.root], capture_output=True, text=True, check=True
    )
    n_rows, modules = done.stdout.split(maxsplit=1)
    assert int(n_rows) > 100
    assert not {name for name in HEAVY if f"'{name}'" in modules}


def test_the_training_table_has_the_rows_of_both_sides_of_every_dataset(layout: Layout, lake: Lake) -> None:
    rows = lake.training().collect()

    for dataset_id in ("blood", "lung", "mouse"):
        ours = rows.filter(pl.col("dataset_id") == dataset_id)
        written = sides_on_disk(layout, dataset_id)
        same = ["cell_id", "split", "fold", "cell_sentence", "cell_sentence_first", "age", "split_level"]
        assert ours.select(same).equals(written.select(same))
    assert rows["dataset_id"].unique(maintain_order=True).to_list() == ["blood", "lung", "mouse"]
    assert rows.filter(pl.col("dataset_id") == "lung").height == 56, "copies of cells are on neither side"


def test_columns_have_one_type_and_what_only_some_have_is_json(lake: Lake) -> None:
    rows = lake.training().collect()
    lung, mouse = (rows.filter(pl.col("dataset_id") == name) for name in ("lung", "mouse"))

    assert rows.schema["tissue"] == pl.String
    assert set(mouse["tissue"]) == {"true", "false"}
    assert lung["assay"].is_null().all()
    assert lung["disease_list"][0].to_list() == ["asthma", "COVID-19"]
    assert mouse["donor_uid"].is_null().all()
    own = [json.loads(text) for text in lung["source_columns"]]
    assert {(row["bmi"], row["fold_in_source"]) for row in own} == {
        (21.5, "a fold of the authors"),
        (None, "a fold of the authors"),
    }
    assert {row["Batch"] for row in own} == {"b0", "b1", "b2"}
    batch = pl.col("source_columns").str.json_path_match("$.Batch")
    assert mouse.select(batch).to_series().to_list() == [
        str(json.loads(text)["Batch"]) for text in mouse["source_columns"]
    ]


def test_datasets_sides_and_columns_can_be_chosen(lake: Lake) -> None:
    wanted = ["split", "dataset_id"]
    chosen = lake.training(datasets=["mouse", "blood"], side="test", columns=wanted).collect()
    assert chosen.columns == wanted
    assert chosen["split"].unique().to_list() == ["test"]
    assert chosen["dataset_id"].unique(maintain_order=True).to_list() == ["mouse", "blood"]


def test_sides_are_joined_to_expression_by_the_names_of_the_cells(lake: Lake) -> None:
    sides = lake.training(datasets=["lung"], columns=["cell_id", "split", "fold"]).collect()
    train = sides.filter(split="train")
    adata = lake.expression("lung", cells=train["cell_id"].to_list(), genes=["ENSG00000000001"])

    assert adata.obs_names.to_list() == train["cell_id"].to_list()
    same = c2s_assets.read_expression("lung", lake=lake.layout.root)[adata.obs_names, adata.var_names]
    assert (adata.X != same.X).nnz == 0
    assert set(sides["cell_id"]) < set(lake.cells(datasets=["lung"]).collect()["cell_id"])


def test_cells_are_those_of_every_dataset(lake: Lake) -> None:
    cells = lake.cells().collect()
    assert cells.group_by("dataset_id").len().sort("dataset_id").rows() == [
        ("blood", 60),
        ("lung", 60),
        ("mouse", 60),
    ]
    own = json.loads(cells.filter(dataset_id="lung")["source_columns"][1])
    assert (own["bmi"], own["fold"]) == (21.5, "a fold of the authors")


def test_projections_are_of_all_datasets_that_have_one(lake: Lake) -> None:
    umap = lake.projections("X_umap").collect()
    assert umap.columns == ["dataset_id", "cell_id", "UMAP1", "UMAP2"]
    assert umap["dataset_id"].n_unique() == 3
    assert lake.projections("X_scVI").collect()["dataset_id"].unique().to_list() == ["blood"]
    with pytest.raises(UnknownNameError, match=r"lung has no projection 'X_scVI'. There are X_pca, "):
        lake.projections("X_scVI", datasets=["blood", "lung"])


def test_genes_and_queries_agree_with_the_catalogue_and_an_old_one_is_refused(copy: Layout) -> None:
    layout = copy
    lake = c2s_assets.open_lake(layout.root)
    with pytest.raises(MissingInputError, match="the catalogue is missing, or older than the tables"):
        lake.query("from genes")
    with open_workshop(layout) as workshop:
        assert build_catalogue(workshop.instance, workshop.definitions).succeeded

    genes = lake.query("from genes order by feature_id")
    assert genes.equals(lake.genes().collect().select(genes.columns))
    assert genes["symbol"].null_count() == 0
    assert genes["n_datasets"].to_list() == [3] * 40
    assert genes["symbol"].to_list() == [f"GENE{number}" for number in range(1, 41)]
    assert lake.query("select date '2026-01-02' as day").item().year == 2026
    with pytest.raises(QueryError, match="nope"):
        lake.query("select nope from cells")
    layout.table("split_manifest", "blood").touch()
    with pytest.raises(MissingInputError, match="as_is=True"):
        lake.query("from genes")
    assert lake.query("from genes", as_is=True).height == 40


def test_what_is_missing_or_outdated_is_refused_and_named(copy: Layout) -> None:
    layout = copy
    drop_toy_h5ad(layout, "later")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "later", "raw_h5ad").success
    lake = c2s_assets.open_lake(layout.root)

    with pytest.raises(MissingInputError) as refused:
        lake.training()
    assert str(refused.value).splitlines() == [
        "1 of 4 datasets are not ready.",
        "  later: train_test is missing: it was not built yet",
        "Build what is missing or outdated: c2s build --outdated later",
        "Or name the others: blood, lung, mouse",
    ]
    assert lake.training(datasets=["lung"]).collect().height == 56
    layout.settings.write_text("split: {test_size: 0.4}")
    with pytest.raises(MissingInputError, match="split_manifest is outdated"):
        c2s_assets.open_lake(layout.root).training(datasets=["lung"])

    stand = c2s_assets.open_lake(layout.root).datasets()
    assert stand.select("dataset_id", "organism", "n_cells").rows()[:2] == [
        ("blood", "Homo sapiens", 60),
        ("later", None, None),
    ]
    assert stand.filter(dataset_id="later")["tables"].to_list() == [["raw_h5ad"]]
    problems = stand.filter(dataset_id="blood")["problems"][0].to_list()
    assert "split_manifest is outdated: split.test_size is 0.4 now, was 0.05" in problems
    still = stand.filter(dataset_id="blood")["tables"][0].to_list()
    assert {"cell_metadata", "feature_metadata"} < set(still)
    assert not {"split_manifest", "train_test", "cell_sentences"} & set(still)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda lake: lake.training(datasets=["Blood"]), "no dataset 'Blood'.* It has blood, lung, mouse"),
        (lambda lake: lake.cells(datasets="blood"), "the one text 'blood'. Give a list"),
        (lambda lake: lake.training(side="dev"), "'dev' is no side. There are train, validation and test"),
        (lambda lake: lake.training(columns=["bmi"]), r"json_path_match\('\$.bmi'\)"),
        (lambda lake: lake.expression("nope"), "no dataset 'nope'"),
    ],
    ids=["a dataset", "a text for a list", "a side", "a column", "a dataset of expression"],
)
def test_what_is_not_there_is_refused_with_what_there_is(lake: Lake, ask, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        ask(lake)


def test_a_folder_that_is_no_lake_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingInputError, match="there is no lake in"):
        c2s_assets.open_lake(tmp_path)
    layout = make_lake(tmp_path)
    layout.datasets.mkdir()
    monkeypatch.setenv("C2S_LAKE", str(layout.root))
    with pytest.raises(MissingInputError, match="holds no dataset yet"):
        c2s_assets.open_lake().training()
