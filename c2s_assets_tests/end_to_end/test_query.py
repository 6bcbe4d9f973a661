"""`c2s query` as a user runs it."""

from pathlib import Path

import polars as pl
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.toy import put_toy_tables

pytestmark = pytest.mark.slow


def test_a_query_renews_the_catalogue_when_tables_have_changed_and_prints_a_table(tmp_path: Path) -> None:
    lake = tmp_path / "my lake"
    put_toy_tables(Layout(lake), "lung", cells=pl.DataFrame({"donor_id": ["a", "b"]}))
    sql = "select dataset_id, n_cells, tables from datasets order by dataset_id"

    missing = c2s("query", "--as-is", sql, lake=lake)
    assert missing.status == 1
    assert "does not exist yet. Build it: c2s query" in missing.err

    first = c2s("query", sql, lake=lake)
    assert first.status == 0, first.err
    assert "renewing the catalogue" in first.err
    lines = first.out.splitlines()
    assert [word.strip() for word in lines[1].strip("│").split("┆")] == ["dataset_id", "n_cells", "tables"]
    assert 'lung       ┆ 2       ┆ ["cell_metadata", "cell_sentences"]' in lines[3]
    assert len(lines) == 5

    again = c2s("query", sql, lake=lake)
    assert (again.out, again.err) == (first.out, "")

    put_toy_tables(Layout(lake), "blood", cells=pl.DataFrame({"donor_id": ["a"]}))
    assert "blood" not in c2s("query", "--as-is", sql, lake=lake).out
    assert "blood" in c2s("query", sql, lake=lake).out

    wrong = c2s("query", "select nope from cells", lake=lake)
    assert wrong.status == 1
    assert 'Referenced column "nope" not found' in wrong.err
    assert "Traceback" not in wrong.err


def test_a_long_answer_is_cut_and_says_so(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put_toy_tables(Layout(lake), "lung", cells=pl.DataFrame({"donor_id": ["a"] * 300}))

    done = c2s("query", "select cell_id from cells order by cell_id", lake=lake)
    assert done.out.count("cell_0") == 200
    assert "Only the first 200 rows" in done.err


def test_all_rows_go_into_a_file_and_a_text_that_is_to_be_read_is_whole(tmp_path: Path) -> None:
    lake, output = tmp_path / "lake", tmp_path / "rows.csv"
    put_toy_tables(Layout(lake), "lung", cells=pl.DataFrame({"donor_id": ["a"] * 300}))

    done = c2s("query", "--output", output, "select cell_id from cells order by cell_id", lake=lake)
    assert (done.status, done.out) == (0, f"300 rows in {output}\n"), done.err
    assert pl.read_csv(output).height == 300

    refused = c2s("query", "--as-is", "--output", tmp_path / "rows.xlsx", "select 1", lake=lake)
    assert (refused.status, refused.out) == (1, "")
    assert "rows.xlsx does not end in .parquet, .csv, .json" in refused.err

    long = c2s("query", "--as-is", "select repeat('x', 500) as message, 1 as n", lake=lake)
    assert "x" * 500 in long.out
    plan = c2s("query", "--as-is", "explain select count(*) from cells", lake=lake)
    assert "explain_key" not in plan.out
    assert "─" in plan.out
