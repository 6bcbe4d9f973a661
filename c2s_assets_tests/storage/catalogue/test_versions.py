"""The catalogue over toy tables: what it shows and leaves out, and that it stands while tables change."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from c2s_assets.core.errors import LakeError, MissingInputError, QueryError
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.documents import Provenance
from c2s_assets.schemas.health import Health
from c2s_assets.storage.catalogue.building import build_catalogue, rows_of_views
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.catalogue.snapshot import Snapshot, literal_pattern
from c2s_assets.storage.catalogue.versions import (
    is_current,
    open_catalogue,
    remove_snapshots,
    shown_snapshot,
)
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.documents import write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.parquet import write_table
from c2s_assets_tests.toy import put_toy_tables

HOSTILE = ["plain", "la'ke", 'a "lake"', "my lake", "[lake]", "la*ke?", "'); drop table x; --", "ü"]


def build(layout: Layout, *, withdrawn: frozenset[str] = frozenset()) -> Snapshot:
    """Build and swap in the catalogue, as the asset does."""
    with alone(layout, "catalogue"), stage(layout, "catalogue") as staged:
        before = shown_snapshot(layout)
        snapshot = build_catalogue(layout, staged.path(layout.catalogue), withdrawn=withdrawn)
        staged.commit(layout.catalogue)
        remove_snapshots(layout, keep=[before, snapshot.folder.name])
    return snapshot


def ask(layout: Layout, sql: str) -> list[tuple[object, ...]]:
    return answer_query(layout, sql, max_rows=1000).rows.rows()


def cells(n: int = 3, **columns: object) -> pl.DataFrame:
    return pl.DataFrame({"donor_id": [f"donor_{row}" for row in range(n)]}).with_columns(
        **{name: pl.lit(value) for name, value in columns.items()}
    )


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "lake")


def test_datasets_with_columns_of_their_own_are_one_set_of_tables(layout: Layout) -> None:
    genes = pl.DataFrame({"feature_id": ["E1", "E2"], "symbol": ["A", "B"], "n_cells": [2, 0]})
    put_toy_tables(layout, "one", cells=cells(2, tissue="lung", fear="high"), features=genes)
    # A number where others have text, and a column whose name differs from ours in its case alone.
    other = cells(3, tissue=7, Age="old").with_columns(age=pl.lit(30, pl.Float32), donor_id=pl.lit("pooled"))
    put_toy_tables(layout, "007", cells=other, features=genes.with_columns(n_cells=pl.lit(5, pl.Int64)))
    build(layout)

    sql = "select dataset_id, tissue, age, disease, has_known_donor from cells order by all"
    assert ask(layout, sql) == [
        *[("007", "7", 30.0, None, False)] * 3,
        *[("one", "lung", None, None, True)] * 2,
    ]
    assert ask(layout, "select dataset_id, n_cells, n_donors, tissue, tables[1] from datasets") == [
        ("007", 3, 0, ["7"], "cell_metadata"),
        ("one", 2, 2, ["lung"], "cell_metadata"),
    ]
    assert ask(layout, "from genes") == [("E1", "A", 2, 2, 7), ("E2", "B", 2, 1, 5)]
    assert ask(layout, "select count(*), count(fear) from files.cell_metadata") == [(5, 2)]
    assert ask(layout, "select count(*), min(dataset_id) from sentences") == [(5, "007")]


def test_cells_of_several_diseases_count_for_each_of_them(layout: Layout) -> None:
    joined = ["asthma || COPD", "asthma", None]
    lists = pl.Series("disease_list", [["asthma", "COPD"], ["asthma"], None])
    put_toy_tables(layout, "new", cells=cells(3).with_columns(pl.Series("disease", joined), lists))
    put_toy_tables(layout, "before", cells=cells(2, disease="normal"))
    build(layout)

    assert ask(layout, "select dataset_id, disease from datasets") == [
        ("before", ["normal"]),
        ("new", ["COPD", "asthma"]),
    ]
    listed = "select count(*) from cells where list_contains(disease_list, 'asthma')"
    assert ask(layout, listed) == [(2,)]
    with open_catalogue(layout.catalogue) as reader:
        groups, totals = reader.rows("reports/corpus_groups"), reader.rows("reports/corpus_totals")
    by_disease = groups.filter(pl.col("property") == "disease")
    assert by_disease.select("value", "n_cells", "n_donors").rows() == [
        ("asthma", 2, 2),
        ("normal", 2, 2),
        ("COPD", 1, 1),
        (None, 1, 1),
    ]
    assert totals.select("n_cells", "n_further_diseases").row(0) == (5, 1)
    assert by_disease["n_cells"].sum() == 6


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "beside a new one"])
def test_features_of_a_lake_without_approved_symbols_are_shown_with_null(
    layout: Layout, is_alone: bool
) -> None:
    """`feature_metadata` that was built before it had the column stays as it is until it is built again."""
    genes = pl.DataFrame({"feature_id": ["E1"], "symbol": ["SEPT7"], "approved_symbol": ["SEPTIN7"]})
    put_toy_tables(layout, "old", cells=cells(), features=genes)
    path = layout.table("feature_metadata", "old")
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns("approved_symbol"), path)
    if not is_alone:
        put_toy_tables(layout, "recent", cells=cells(), features=genes)
    build(layout)

    shown = ask(layout, "select dataset_id, symbol, approved_symbol from features order by all")
    recent = [] if is_alone else [("recent", "SEPT7", "SEPTIN7")]
    assert shown == [("old", "SEPT7", None), *recent]


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "beside a new one"])
def test_donors_of_a_lake_that_does_not_say_who_is_known_are_counted(layout: Layout, is_alone: bool) -> None:
    """`cell_metadata` of before had no `has_known_donor`, and `is_primary_data` as its source wrote it."""
    for dataset_id in ("old", "in_words"):
        put_toy_tables(layout, dataset_id, cells=cells(2))
        path = layout.table("cell_metadata", dataset_id)
        before = pq.read_table(path, partitioning=None).drop_columns(["has_known_donor", "is_primary_data"])
        says = pa.array(["false", "true"] if dataset_id == "in_words" else [False, None])
        pq.write_table(before.append_column("is_primary_data", says), path)
    if not is_alone:
        put_toy_tables(layout, "recent", cells=pl.DataFrame({"donor_id": ["ann", "unknown"]}))
    snapshot = build(layout)

    assert snapshot.left_out.keys() == {"in_words"}
    assert "Build it again: c2s build in_words" in snapshot.left_out["in_words"]
    sql = "select dataset_id, donor_id, has_known_donor, is_primary_data from cells order by all"
    recent = [] if is_alone else [("recent", "ann", True, None), ("recent", "unknown", False, None)]
    assert ask(layout, sql) == [("old", "donor_0", None, False), ("old", "donor_1", None, None), *recent]
    counts = [("old", 2, 1)] if is_alone else [("old", 2, 1), ("recent", 1, 2)]
    assert ask(layout, "select dataset_id, n_donors, n_primary_cells from datasets order by all") == counts


def test_donors_on_both_sides_are_those_with_cells_in_train_here_and_in_test_there(layout: Layout) -> None:
    def put(dataset_id: str, donors: str, *, test: str, **columns: object) -> None:
        table = pl.DataFrame({"donor_id": donors.split()}).with_columns(
            **{name: pl.lit(value) for name, value in columns.items()},
            donor_uid=pl.format("c/{}", "donor_id"),
        )
        put_toy_tables(layout, dataset_id, cells=table, test_donors=test.split())

    put("a", "ann ann bob unknown eve", test="bob")
    put("b", "ann bob dan Unknown", test="ann bob Unknown")
    put("c", "ann dan dan", test="")
    put("copies", "bob eve", test="eve", is_primary_data=False)
    put_toy_tables(layout, "other", cells=pl.DataFrame({"donor_id": ["bob", "zoe"]}), test_donors=["zoe"])
    nobody = pl.DataFrame({"donor_id": [None, None]}, {"donor_id": pl.String})
    put_toy_tables(layout, "cells", cells=nobody, test_donors=[])
    build(layout)

    with open_catalogue(layout.catalogue) as reader:
        rows = reader.rows("reports/donors_on_both_sides")
    assert rows.rows(named=True) == [
        {
            "donor_uid": "c/ann",
            "in_train_of": ["a", "c"],
            "in_test_of": ["b"],
            "n_cells_in_train": 3,
            "n_cells_in_test": 1,
        }
    ]


@pytest.mark.parametrize("n_datasets", [0, 1])
def test_every_table_and_column_is_there_with_type_and_comment(layout: Layout, n_datasets: int) -> None:
    for number in range(n_datasets):
        put_toy_tables(layout, f"d{number}", cells=cells())
    build(layout)

    with open_catalogue(layout.catalogue) as reader:
        columns = reader.rows("reports/columns")
    for name, table in CATALOGUE.items():
        found = columns.filter(pl.col("table") == name)
        assert dict(found.select("column", "type").iter_rows()) == table.types
        assert found["comment"].to_list() == [column.description for column in table.columns]
    keys = ask(
        layout,
        "select table_name, constraint_column_names from duckdb_constraints() "
        "where constraint_type = 'PRIMARY KEY' order by 1",
    )
    assert keys == [
        ("checks", ["dataset_id", "asset", "claim"]),
        ("collections", ["collection_id"]),
        ("datasets", ["dataset_id"]),
        ("donor_aliases", ["donor_uid", "other_donor_uid"]),
        ("genes", ["feature_id"]),
        ("leak_inflation", ["task", "unit", "split"]),
        ("leaks", ["kind", "what"]),
        ("listing", ["dataset_id"]),
        ("publications", ["doi"]),
        ("split_plan", ["component_id"]),
    ]
    [(comment,)] = ask(layout, "select comment from duckdb_views() where view_name = 'sentences'")
    assert comment == "One row per cell: the symbols it expresses, highest first."
    assert ask(layout, "select count(*) from cells") == [(3 * n_datasets,)]


def test_footers_tell_how_many_rows_the_views_show(layout: Layout) -> None:
    genes = pl.DataFrame({"feature_id": ["E1", "E2"]})
    put_toy_tables(layout, "one", cells=cells(3), features=genes, n_parts=2)
    put_toy_tables(layout, "two", cells=cells(4), n_parts=0)
    snapshot = build(layout)

    shown = {view: ask(layout, f"select count(*) from {view}")[0][0] for view in rows_of_views(snapshot)}  # noqa: S608
    assert rows_of_views(snapshot) == shown
    empty = ("cell_copies", "splits", "training", "projections", "pseudobulk", "pseudocells")
    of_none = dict.fromkeys((*empty, "ligand_receptor_pairs"), 0)
    assert shown == {"cells": 7, "features": 2, "sentences": 6, **of_none}


def test_health_is_that_of_the_last_report_without_a_new_catalogue(layout: Layout) -> None:
    put_toy_tables(layout, "one", cells=cells())
    build(layout)
    assert ask(layout, "from health") == []
    put_health(layout, "never built", hours=40)
    assert not is_current(layout), "there was no report yet"
    build(layout)
    sql = "select dataset_id, standing, hours_stale, why from health"
    assert ask(layout, sql) == [("one", "never built", 40.0, ["it was changed"])]
    put_health(layout, "built", hours=None)
    assert is_current(layout)
    assert ask(layout, sql) == [("one", "built", None, ["it was changed"])]


def test_a_report_on_health_that_cannot_be_read_hides_no_dataset(layout: Layout) -> None:
    put_toy_tables(layout, "one", cells=cells())
    layout.health_report.parent.mkdir()
    layout.health_report.write_bytes(b"PAR1 nothing")
    assert build(layout).left_out == {}
    assert ask(layout, "select (select count(*) from cells), (select count(*) from health)") == [(3, 0)]


def put_health(layout: Layout, standing: str, *, hours: float | None) -> None:
    """Put a report on one dataset in the place of the last one."""
    schema = arrow_schema(Health)
    said = {
        "dataset_id": "one",
        "standing": standing,
        "hours_stale": hours,
        "size_bytes": 0,
        "outdated": [],
        "why": ["it was changed"],
    }
    rows = pl.DataFrame(pa.Table.from_pylist([said], schema=schema))
    with stage(layout, "health_report") as staged:
        write_table(staged.path(layout.health_report), rows, schema=schema)
        staged.commit(layout.health_report)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_lake_may_have_any_name_and_the_working_directory_be_any(tmp_path: Path, name: str) -> None:
    layout = Layout(tmp_path / name)
    put_toy_tables(layout, "toy", cells=cells())
    build(layout)
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
        "print(c.execute('select count(*), min(dataset_id) from cells').fetchone())"
    )
    command = [sys.executable, "-c", code, str(layout.catalogue)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "(3, 'toy')"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_literal_pattern_finds_its_own_file_and_no_other(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for other in (folder, tmp_path / "other", tmp_path / "l", tmp_path / "laxkey"):
        other.mkdir(exist_ok=True)
        pl.DataFrame({"folder": [other.name]}).write_parquet(other / "t.parquet")
    pattern = f"{literal_pattern(str(folder))}/*.parquet"

    with duckdb.connect() as connection:
        assert connection.read_parquet(pattern).fetchall() == [(name,)]


def test_a_path_that_duckdb_cannot_read_is_refused() -> None:
    with pytest.raises(LakeError, match="backslash"):
        literal_pattern("/data/a\\b")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _spoil_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 3] = b"\x55" * (len(content) // 3 - 4)
    path.write_bytes(content)


def _write_text(path: Path) -> None:
    path.write_text("not parquet")


def _write_foreign(path: Path) -> None:
    pl.DataFrame({"cell_id": ["a"]}).write_parquet(path)


@pytest.mark.parametrize("table", ["cell_metadata", "feature_metadata"])
@pytest.mark.parametrize("spoil", [_truncate, _spoil_pages, _write_text, _write_foreign, Path.unlink])
def test_a_dataset_that_cannot_be_read_is_left_out_and_named(layout: Layout, table: str, spoil) -> None:  # type: ignore[no-untyped-def]
    genes = pl.DataFrame({"feature_id": [f"E{row}" for row in range(500)]})
    for dataset_id in ("good", "spoilt"):
        put_toy_tables(layout, dataset_id, cells=cells(500), features=genes)
    spoil(layout.table(table, "spoilt"))
    snapshot = build(layout)

    if spoil is Path.unlink and table == "feature_metadata":  # a dataset may lack any table but that of cells
        assert snapshot.left_out == {}
        assert ask(layout, "select dataset_id, tables from datasets") == [
            ("good", ["cell_metadata", "feature_metadata", "cell_sentences"]),
            ("spoilt", ["cell_metadata", "cell_sentences"]),
        ]
        return
    assert list(snapshot.left_out) == ["spoilt"]
    assert table in snapshot.left_out["spoilt"]
    assert "c2s build spoilt" in snapshot.left_out["spoilt"]
    for name in ("datasets", "cells", "features", "sentences"):
        assert {row[0] for row in ask(layout, f"from (select dataset_id from {name})")} == {"good"}  # noqa: S608
    assert ask(layout, "select n_datasets from genes limit 1") == [(1,)]


def test_a_table_of_another_source_is_left_out_alone_a_withdrawn_dataset_whole(layout: Layout) -> None:
    put_toy_tables(layout, "toy", cells=cells(), version="a")
    put_toy_tables(layout, "toy", cells=cells(4), version="b", n_parts=0)
    put_toy_tables(layout, "gone", cells=cells())
    snapshot = build(layout, withdrawn=frozenset({"gone"}))

    assert snapshot.left_out == {}
    assert ask(layout, "select dataset_id, n_cells, tables from datasets") == [("toy", 4, ["cell_metadata"])]
    assert ask(layout, "select count(*) from sentences") == [(0,)]


def test_a_table_that_is_outdated_is_shown_and_it_is_said_why(layout: Layout) -> None:
    put_toy_tables(layout, "toy", cells=cells())
    source = Provenance(sha256="a" * 64, size_bytes=1, n_obs=3, n_vars=1)
    layout.raw.mkdir()
    layout.raw_h5ad("toy").write_bytes(b"x")
    write_document(layout.raw_provenance("toy"), source)
    build(layout)
    assert is_current(layout), "that a dataset of before gets its record changes nothing"
    (found,) = ask(layout, "select outdated from datasets")
    assert re.match(r"cell_metadata is outdated: its step is version \d+ now, was \d+$", found[0][0])
    assert len(found[0]) == 2, "of its two tables; those that it does not have are not told of"

    layout.settings.write_text("datasets: {toy: {organism: Mus musculus}}\n")
    assert not is_current(layout)
    build(layout)
    (found,) = ask(layout, "select outdated[1], n_cells from datasets")
    assert str(found[0]).endswith("entry.organism is 'Mus musculus' now, was None")
    assert found[1] == 3


def test_a_link_that_leads_out_of_the_lake_is_not_followed(layout: Layout, tmp_path: Path) -> None:
    put_toy_tables(Layout(tmp_path / "other"), "far", cells=cells())
    put_toy_tables(layout, "toy", cells=cells())
    (layout.root / "datasets" / "far").symlink_to(tmp_path / "other" / "datasets" / "far")
    snapshot = build(layout)

    assert "symbolic link" in snapshot.left_out["far"]
    assert ask(layout, "select dataset_id from datasets") == [("toy",)]


def test_the_catalogue_knows_whether_it_shows_the_lake_as_it_is(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_toy_tables(layout, "toy", cells=cells())
    assert not is_current(layout)
    build(layout)
    assert is_current(layout)
    assert not is_current(layout, withdrawn=frozenset({"toy"}))
    put_toy_tables(layout, "new", cells=cells())
    assert not is_current(layout)
    build(layout)
    for path in (
        *(layout.validation_report("toy"), layout.raw_provenance("toy"), layout.listing),
        layout.parts("cell_sentences", "toy") / "part-00001.parquet",
        layout.parts("projections", "toy") / "X_umap.parquet",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"new")
        assert not is_current(layout), path
        path.unlink()
        assert is_current(layout), path
    with monkeypatch.context() as patch:
        patch.setattr("c2s_assets.storage.catalogue.snapshot._form", lambda: "other")
        assert not is_current(layout), "one of another form"
    moved = Layout(tmp_path / "moved")
    layout.root.rename(moved.root)
    assert not is_current(moved)
    build(moved)
    assert is_current(moved)
    assert ask(moved, "select count(*) from cells") == [(6,)]


def test_tables_that_are_replaced_are_shown_as_they_were_for_five_renewals(layout: Layout) -> None:
    put_toy_tables(layout, "toy", cells=cells(3), n_parts=3)
    first = build(layout)
    with open_catalogue(layout.catalogue) as reader:
        put_toy_tables(layout, "toy", cells=cells(5), n_parts=1)
        counted = "select (select count(*) from cells), (select count(*) from sentences)"
        assert reader.connection.execute(counted).fetchone() == (3, 9)
        for _ in range(5):
            build(layout)
            assert reader.connection.execute(counted).fetchone() == (3, 9)
    assert ask(layout, counted) == [(5, 5)]
    assert first.folder.exists()
    build(layout)
    assert not first.folder.exists()
    assert len(list(layout.catalogue_tables.iterdir())) == 6


def test_without_hard_links_the_tables_are_shown_by_symbolic_ones(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    put_toy_tables(layout, "toy", cells=cells())
    monkeypatch.setattr(os, "link", refuse)
    build(layout)

    assert ask(layout, "select count(*) from cells") == [(3,)]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select nope from cells", "nope"),
        ("selec 1", "syntax error"),
        ("", "nothing"),
        ("select 1; select 2", "select, select"),
        ("copy cells to 'CATALOGUE/evil.csv'", "this is copy"),
        ("explain analyze copy cells to 'CATALOGUE/evil.csv'", "this is explain"),
        ("create table evil (x int)", "this is create"),
        ("insert into genes values ('a', 'b', 1, 1, 1)", "this is insert"),
        ("set enable_external_access = true", "this is set"),
        ("attach '/etc/passwd'", "this is attach"),
        ("install httpfs", "this is load"),
        ("pragma database_list", "this is pragma"),
        ("call pragma_version()", "this is call"),
        ("from read_text('/etc/passwd')", "disabled by configuration"),
        ("from glob('/etc/*')", "disabled by configuration"),
        ("from read_text('CATALOGUE/../secret.txt')", "disabled by configuration"),
        ("from read_text('CATALOGUE/tables/../../secret.txt')", "disabled by configuration"),
        ("from sniff_csv('/etc/passwd')", "disabled by configuration"),
        ("from read_csv('http://127.0.0.1:9/a.csv')", "disabled by configuration"),
        ("from query('copy cells to ''CATALOGUE/evil.csv''')", "SELECT"),
        ("select getenv('HOME')", "getenv"),
        ("from secret", "secret"),
    ],
)
def test_a_query_reads_tables_and_does_nothing_else(layout: Layout, sql: str, problem: str) -> None:
    secret = pl.DataFrame({"a": [1]})  # DuckDB would find it by its name
    put_toy_tables(layout, "toy", cells=cells())
    build(layout)
    (layout.root / "secret.txt").write_text("secret")
    before = {path: path.stat().st_mtime_ns for path in layout.root.rglob("*") if path.is_file()}

    with pytest.raises(QueryError, match=problem):
        ask(layout, sql.replace("CATALOGUE", str(layout.catalogue.parent)))
    assert {path: path.stat().st_mtime_ns for path in layout.root.rglob("*") if path.is_file()} == before
    assert secret.height == 1


def test_an_answer_is_cut_and_says_so(layout: Layout) -> None:
    put_toy_tables(layout, "toy", cells=cells(5))
    build(layout)

    assert answer_query(layout, "from cells", max_rows=5).is_cut is False
    cut = answer_query(layout, "with a as (from cells) select cell_id from a order by 1;", max_rows=2)
    assert (cut.rows["cell_id"].to_list(), cut.is_cut) == (["cell_0000", "cell_0001"], True)
    assert answer_query(layout, "show tables", max_rows=100).rows.height >= len(CATALOGUE)
    assert "donor_uid" in answer_query(layout, "describe cells", max_rows=100).rows["column_name"].to_list()


def test_to_ask_nothing_is_loaded_that_takes_seconds() -> None:
    """Each `c2s query` is a process of its own: pandera, with pandas, takes longer than the rest of it."""
    code = "import sys, c2s_assets.storage.catalogue.queries; print({'pandera', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_a_catalogue_it_is_said_how_to_build_it(layout: Layout) -> None:
    with pytest.raises(MissingInputError, match="c2s query"):
        ask(layout, "select 1")


def test_a_catalogue_that_somebody_has_open_for_writing_is_said_to_be_so(layout: Layout) -> None:
    """It is what the command line of DuckDB does with a file unless it is told otherwise."""
    put_toy_tables(layout, "toy", cells=cells())
    build(layout)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    command = [sys.executable, "-c", code, str(layout.catalogue)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(LakeError, match=r"is open for writing: .*Close it there"):
            ask(layout, "select 1")
        build(layout)  # takes the place of the file, and needs no lock on it
        assert ask(layout, "select count(*) from cells") == [(3,)]
        other.communicate("\n", timeout=30)


def test_readers_see_whole_versions_while_eight_datasets_are_replaced_and_the_catalogue_renewed(
    layout: Layout,
) -> None:
    """DuckDB opens a file several times for one answer; over the lake's own files some answers are torn."""
    names = [f"d{number}" for number in range(8)]

    def put(name: str, version: int) -> None:
        table = cells(2_000 + version % 3, x=version, y=version)
        put_toy_tables(layout, name, cells=table, n_parts=1 + version % 2)

    for name in names:
        put(name, 0)
    build(layout)
    stop, answered, problems = threading.Event(), threading.Event(), []

    def run(task) -> None:  # type: ignore[no-untyped-def]
        version = 0
        try:
            while not stop.is_set():
                version += 1
                task(version)
        except Exception as error:
            problems.append(error)

    def renew(_: int) -> None:
        """Renew at most once during an answer: a later renewal removes what an open catalogue shows."""
        build(layout)
        answered.clear()
        while not stop.is_set() and not answered.wait(0.1):
            pass

    builders = [threading.Thread(target=run, args=(lambda v, n=name: put(n, v),)) for name in names]
    builders.append(threading.Thread(target=run, args=(renew,)))
    for thread in builders:
        thread.start()
    n_answers, seen = 0, set()
    sql = (
        "select dataset_id, count(*), count(distinct cell_id), min(x), max(x), max(y), "
        "(select count(*) from sentences where sentences.dataset_id = c.dataset_id) "
        "from files.cell_metadata c group by dataset_id"
    )
    try:
        while n_answers < 30 or (len(seen) == 1 and n_answers < 3_000):  # a busy machine renews late
            with open_catalogue(layout.catalogue) as reader:
                answer = reader.connection.execute(sql).fetchall()
            assert len(answer) == 8
            for _, n_rows, n_ids, low, high, other, n_sentences in answer:
                assert low == high == other
                assert n_rows == n_ids == 2_000 + low % 3
                assert n_sentences == n_rows * (1 + low % 2)
                seen.add(low)
            n_answers += 1
            answered.set()
    finally:
        stop.set()
        for thread in builders:
            thread.join()
    assert problems == []
    assert len(seen) > 1, "the catalogue was renewed meanwhile"
