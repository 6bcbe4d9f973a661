"""`c2s export training`: one table of all datasets, for who trains elsewhere."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import c2s_assets
from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.defs.service import build_catalogue
from c2s_assets.storage import training
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.training import export_training
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.defs.building import files_below, open_workshop

KEY = ["dataset_id", "cell_id"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def expected(layout: Layout) -> pl.DataFrame:
    """What the lake itself says."""
    return c2s_assets.open_lake(layout.root).training().collect().sort(KEY)


def hidden(folder: Path) -> list[str]:
    """What an export would leave behind."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_the_training_table_is_the_same_to_every_reader(
    layout: Layout, expected: pl.DataFrame, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    said = c2s("export", "training", "--to", to, lake=layout.root)
    assert (said.status, said.err) == (0, "")
    assert "176 cells of 3 datasets in" in said.out
    assert f"pl.scan_parquet('{to}/train')" in said.out

    schemas = {pq.read_schema(path) for path in to.glob("*/*.parquet")}
    assert len(schemas) == 1, "one schema, whatever the datasets hold"
    assert b"in years" in schemas.pop().field("age").metadata[b"description"]
    pandas = pd.read_parquet(to, dtype_backend="pyarrow")
    readers = {
        "Polars": pl.read_parquet(to / "*" / "*.parquet"),
        "DuckDB": pl.DataFrame(duckdb.sql(f"from '{to}/*/*.parquet'").to_arrow_table()),
        "pandas": pl.DataFrame(pandas),
        "pyarrow": pl.DataFrame(ds.dataset(to).to_table()),
    }
    for name, rows in readers.items():
        assert rows.select(expected.columns).sort(KEY).equals(expected), name
        assert rows.columns == expected.columns, name
    for side in ("train", "test"):
        assert pl.read_parquet(to / side)["split"].unique().to_list() == [side]


def test_what_is_said_of_duckdb_works_whatever_the_folder_is_called(layout: Layout, tmp_path: Path) -> None:
    to = tmp_path / "out [1] {a,b}*?'s"
    said = c2s("export", "training", "--to", to, lake=layout.root)
    (line,) = (line for line in said.out.splitlines() if line.startswith("  DuckDB"))
    source = line.removeprefix("  DuckDB").rpartition(", where")[0]
    assert duckdb.sql(f"select count(*) {source}").fetchall() == [(176,)]


def test_the_view_of_the_catalogue_has_the_same_rows_and_columns(
    layout: Layout, expected: pl.DataFrame, tmp_path: Path
) -> None:
    shutil.copytree(layout.root, tmp_path / "lake")
    copy = Layout(tmp_path / "lake")
    with open_workshop(copy) as workshop:
        assert build_catalogue(workshop.instance, workshop.definitions).succeeded
    lake = c2s_assets.open_lake(copy.root)

    ours = lake.query("from training order by dataset_id, cell_id")
    only_here = {"source_columns", "cell_sentence_first"}
    assert set(expected.columns) - set(ours.columns) == only_here
    assert ours.equals(expected.select(ours.columns))
    own = lake.query("select distinct fold_in_source from files.train_test where dataset_id = 'lung'")
    assert own.item() == "a fold of the authors"
    assert "train_test" in lake.query("select tables from datasets")["tables"][0].to_list()
    shutil.rmtree(copy.parts("test", "blood"))
    with pytest.raises(MissingInputError, match="older than the tables"):
        lake.query("from training")


def test_an_export_is_replaced_as_a_whole_and_the_same_tables_give_the_same_bytes(
    layout: Layout, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    export_training(layout, to)
    before = files_below(to)
    export_training(layout, to)
    assert files_below(to) == before
    exported = export_training(layout, to, datasets=["mouse"])
    assert (exported.n_datasets, sum(exported.n_rows.values())) == (1, 60)
    assert pl.read_parquet(to / "*" / "*.parquet")["dataset_id"].unique().to_list() == ["mouse"]
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("name", ["notes.txt", "train/mine.parquet", "validation/part-00000.parquet"])
def test_a_folder_that_holds_something_else_stays_as_it_is(layout: Layout, tmp_path: Path, name: str) -> None:
    to = tmp_path / "out"
    mine = to / name
    mine.parent.mkdir(parents=True)
    pl.DataFrame({"mine": [1]}).write_parquet(mine)
    said = c2s("export", "training", "--to", to, lake=layout.root)
    assert said.status == 1
    assert "which is no export of the training table and would be lost" in said.err
    assert [path for path in to.rglob("*") if path.is_file()] == [mine]


def test_a_place_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    nothing = Layout(tmp_path / "lake")
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="is a file"):
        export_training(nothing, tmp_path / "file")
    with pytest.raises(LakeError, match="is not a folder"):
        export_training(nothing, tmp_path / "no" / "such")


def test_nothing_is_left_of_an_export_that_fails_and_the_last_one_stays(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "out"
    export_training(layout, to)
    before = files_below(to)

    def torn(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(training, "iter_table", torn)
        with pytest.raises(LakeError, match="cannot be written: No space left on device"):
            export_training(layout, to)
    assert files_below(to) == before
    assert hidden(tmp_path) == []


def test_a_table_that_is_built_anew_meanwhile_is_noticed(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(layout.root, tmp_path / "lake")
    copy = Layout(tmp_path / "lake")
    read = training.iter_table

    def rebuild(path: Path) -> Iterator[pl.DataFrame]:
        record = copy.record("blood")
        says = json.loads(record.read_bytes())
        says["built"]["train_test"]["digest"] = "0" * 64
        record.write_text(json.dumps(says))
        return read(path)

    monkeypatch.setattr(training, "iter_table", rebuild)
    with pytest.raises(MissingInputError, match="was built anew while it was exported"):
        export_training(copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()
