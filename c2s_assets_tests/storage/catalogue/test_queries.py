"""Answers of every type, printed and as files. What a query may do is tested with the catalogue."""

import json
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.errors import C2SError, MissingInputError, QueryError
from c2s_assets.storage.catalogue import export
from c2s_assets.storage.catalogue.building import build_catalogue
from c2s_assets.storage.catalogue.queries import answer_query, export_query
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.toy import put_toy_tables


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("lake"))
    put_toy_tables(layout, "toy", cells=pl.DataFrame({"donor_id": ["a", "b", None]}))
    build_catalogue(layout, layout.catalogue)
    return layout


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("interval 1 day", "1 day"),
        ("timestamp '2020-01-03' - timestamp '2020-01-01'", "2 days"),
        ("[interval 1 day]", "[1 day]"),
        ("{'a': interval 1 day}", "{'a': 1 day}"),
        ("union_value(a := 1)", "1"),
        ("date 'infinity'", "infinity"),
        ("[date '-infinity']", "[-infinity]"),
        ("timestamp 'infinity'", "infinity"),
        ("timestamp '290000-01-01'", "290000-01-01 00:00:00"),
        ("date '2020-01-02'", "2020-01-02"),
        ("340282366920938463463374607431768211455::uhugeint", "340282366920938463463374607431768211455"),
        ("12345678901234567890123::bignum", "12345678901234567890123"),
        ("'00000000-0000-4000-8000-000000000000'::uuid", "00000000-0000-4000-8000-000000000000"),
        ("'\\xAA'::blob", "\\xAA"),
        ("'101'::bit", "101"),
        ("'b'::enum('a', 'b')", "b"),
        ("map {'a': 1}", "{a=1}"),
        ("row(1, 'x')", "(1, x)"),
        ("timetz '12:00:00+01'", "12:00:00+01"),
    ],
)
def test_a_value_that_polars_cannot_take_is_shown_as_text(layout: Layout, value: str, shown: str) -> None:
    rows = answer_query(layout, f"select {value} as x", max_rows=5).rows
    assert rows.rows() == [(shown,)]
    assert shown[:8] in str(rows)  # printing them panics otherwise


def test_numbers_lists_and_structs_stay_what_they_are(layout: Layout) -> None:
    sql = """
        select 1 as i, 0.5::double as f, true as b,
            [1, 2] as l, {'a': [1]} as s, [0.5]::float[1] as a, null as n
    """
    row = answer_query(layout, sql, max_rows=5).rows.row(0)
    assert row == (1, 0.5, True, [1, 2], {"a": [1]}, [0.5], None)


def test_two_columns_of_one_name_get_two(layout: Layout) -> None:
    rows = answer_query(layout, "select 1 as a, 2 as a, interval 1 day as a", max_rows=5).rows
    assert rows.rows(named=True) == [{"a": 1, "a_1": 2, "a_2": "1 day"}]


def test_a_column_may_be_called_like_all_columns(layout: Layout) -> None:
    rows = answer_query(layout, 'select 1 as a, 2 as "*", interval 1 day as "b.c"', max_rows=5).rows
    assert rows.rows(named=True) == [{"a": 1, "*": 2, "b.c": "1 day"}]


@pytest.mark.parametrize(
    "sql",
    [
        "explain select * from cells",
        "EXPLAIN\nANALYZE select count(*) from cells",
        "explain from cells",
        "describe cells",
        "show tables",
        "summarize cells",
        "pivot cells on donor_id in ('a', 'b') using count(*)",
        "unpivot (select 1 as a, 2 as b) on a, b",
        "table cells",
        "values (1)",
    ],
)
def test_whatever_only_reads_is_answered(layout: Layout, sql: str) -> None:
    assert answer_query(layout, sql, max_rows=50).rows.height > 0


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("pivot cells on donor_id using count(*)", "pivot has to name its values"),
        ("copy (pivot cells on donor_id using count(*)) to 'PLACE'", "pivot has to name"),
        ("explain analyze copy cells to 'PLACE'", "this is explain"),
        ("explain/**/analyze copy cells to 'PLACE'", "this is explain"),
        ("explain analyze/**/copy cells to 'PLACE'", "syntax error"),
        ("explain explain analyze copy cells to 'PLACE'", "syntax error"),
        ("explain select 1; copy cells to 'PLACE'", "this is explain, copy"),
        ("explain create table x as select 1", "this is explain"),
    ],
)
def test_what_may_write_is_refused(layout: Layout, sql: str, problem: str) -> None:
    place = layout.catalogue_tables / "evil.csv"
    with pytest.raises(QueryError, match=problem):
        answer_query(layout, sql.replace("PLACE", str(place)), max_rows=5)
    assert not place.exists()


def test_a_catalogue_of_a_lake_that_was_moved_says_so(tmp_path: Path) -> None:
    moved = Layout(tmp_path / "moved")
    old = Layout(tmp_path / "old")
    put_toy_tables(old, "toy", cells=pl.DataFrame({"donor_id": ["a"]}))
    build_catalogue(old, old.catalogue)
    old.root.rename(moved.root)

    with pytest.raises(QueryError, match=r"built in .*old and the lake is in .*moved now.*Leave --as-is out"):
        answer_query(moved, "select cell_id from cells", max_rows=5)
    assert answer_query(moved, "select dataset_id from datasets", max_rows=5).rows.height == 1


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
@pytest.mark.parametrize("n_rows", [0, 3, 20_000])
def test_all_rows_are_written_to_a_file(layout: Layout, tmp_path: Path, ending: str, n_rows: int) -> None:
    path = tmp_path / f"out.{ending}"
    path.write_text("what was there before")
    sql = f"select i, 'cell, ' || i as text from range({n_rows}) t(i) order by i"  # noqa: S608  our own number

    assert export_query(layout, sql, path) == n_rows
    read = {"parquet": pl.read_parquet, "csv": pl.read_csv, "json": _read_json}[ending]
    found = read(path)
    assert found.height == n_rows
    if n_rows:
        assert found.row(n_rows - 1) == (n_rows - 1, f"cell, {n_rows - 1}")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def _read_json(path: Path) -> pl.DataFrame:
    return pl.DataFrame(json.loads(path.read_text()))


def test_a_file_holds_what_its_kind_can_hold_and_text_for_the_rest(layout: Layout, tmp_path: Path) -> None:
    sql = """
        select
            sum(2) as n, 1.5::decimal(9, 2) as price, date '2020-01-02' as day, timestamp '2020-01-02' as at,
            interval 1 day as span, [1, 2] as list, {'a': 1} as struct, null as nothing, '' as empty,
            'a\u2028b' as text, 1 as "^a$", 2 as "^a$"
    """
    for ending in ("parquet", "csv", "json"):
        assert export_query(layout, sql, tmp_path / f"out.{ending}") == 1

    stored = pl.read_parquet(tmp_path / "out.parquet")
    assert stored.schema["day"] == pl.Date
    assert stored.select("n", "span", "list", "struct").row(0) == (2, "1 day", [1, 2], {"a": 1})
    assert (tmp_path / "out.csv").read_text() == (
        "n,price,day,at,span,list,struct,nothing,empty,text,^a$,^a$_1\n"
        '2,1.50,2020-01-02,2020-01-02 00:00:00,1 day,"[1, 2]",{\'a\': 1},,"",a\u2028b,1,2\n'
    )
    assert json.loads((tmp_path / "out.json").read_text()) == [
        {
            "n": 2,
            "price": 1.5,
            "day": "2020-01-02",
            "at": "2020-01-02 00:00:00",
            "span": "1 day",
            "list": [1, 2],
            "struct": {"a": 1},
            "nothing": None,
            "empty": "",
            "text": "a\u2028b",
            "^a$": 1,
            "^a$_1": 2,
        }
    ]


def test_formulas_are_texts_in_csv_and_untouched_in_other_files(layout: Layout, tmp_path: Path) -> None:
    values = "('=1+1', -5, '-5'), ('@SUM(A1)', 7, '-'), (null, 8, 'x=1')"
    sql = f'select * from (values {values}) t("=a", b, c)'  # noqa: S608  our own text
    for ending in ("parquet", "csv", "json"):
        export_query(layout, sql, tmp_path / f"out.{ending}")

    assert (tmp_path / "out.csv").read_text() == "'=a,b,c\n'=1+1,-5,-5\n'@SUM(A1),7,-\n,8,x=1\n"
    rows = [("=1+1", -5, "-5"), ("@SUM(A1)", 7, "-"), (None, 8, "x=1")]
    assert (
        pl.read_parquet(tmp_path / "out.parquet").rows() == _read_json(tmp_path / "out.json").rows() == rows
    )


def test_a_file_is_on_the_disk_before_it_takes_the_place_of_another(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a machine that stops: the name may reach the disk before the content does."""
    target = tmp_path / "out.csv"
    target.write_text("old")
    synced: list[tuple[str, str]] = []
    monkeypatch.setattr(export, "sync", lambda path: synced.append((path.name, target.read_text())))
    export_query(layout, "select 1 as x", target)
    assert [text for _, text in synced] == ["old", "x\n1\n"]
    assert [synced[0][0].endswith(".csv"), synced[1][0]] == [True, tmp_path.name]


@pytest.mark.parametrize(
    ("name", "sql", "problem"),
    [
        ("out.xlsx", "select 1", "does not end in .parquet, .csv, .json"),
        ("out", "select 1", "does not end in .parquet, .csv, .json"),
        ("nowhere/out.csv", "select 1", "nowhere is not a folder"),
        ("nowhere/out.parquet", "select 1", "nowhere is not a folder"),
        ("folder.csv", "select 1", "folder.csv cannot be written: Is a directory"),
        ("out.csv", "select error('found late')", "found late"),
        (
            "out.json",
            "select (case when i = 90000 then 'a' else '1' end)::int as x from range(100000) t(i)",
            "Could not convert string 'a'",
        ),
        ("out.csv", "copy cells to 'x'", "this is copy"),
    ],
)
def test_what_cannot_be_written_is_told_and_leaves_nothing(
    layout: Layout, tmp_path: Path, name: str, sql: str, problem: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(C2SError, match=problem):
        export_query(layout, sql, tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == ["folder.csv"]


def test_without_a_catalogue_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        export_query(Layout(tmp_path), "select 1", tmp_path / "out.csv")
