"""Seven datasets of which one is hostile: it is left out and named, or does no harm; the others answer."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from c2s_assets.core.reports.corpus import reads_every_dataset
from c2s_assets.storage.catalogue.building import build_catalogue
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.catalogue.snapshot import Snapshot
from c2s_assets.storage.catalogue.versions import open_catalogue
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.toy import put_toy_tables

N_SOUND = 6
TABLES = ("cell_metadata", "feature_metadata", "cell_sentences", "split_manifest")
# In the middle of the alphabet, so that there are others before and behind it.
HOSTILE = "d02x"

Columns = dict[str, pa.Array]
Spoil = Callable[[Layout], None]


def put_lake(layout: Layout) -> None:
    """Seven datasets of two cells and two genes, all of them sound."""
    cells = pl.DataFrame({"donor_id": ["ann", "bob"], "tissue": ["lung", "blood"], "score": [0.5, 1.5]})
    genes = pl.DataFrame({"feature_id": ["E1", "E2"], "symbol": ["A", "B"], "note": ["x", "y"]})
    for name in [*(f"d{number:02d}" for number in range(N_SOUND)), HOSTILE]:
        put_toy_tables(layout, name, cells=cells, features=genes, test_donors=["bob"])


def build(layout: Layout) -> Snapshot:
    return build_catalogue(layout, layout.catalogue)


def ask(layout: Layout, sql: str) -> list[tuple[object, ...]]:
    return answer_query(layout, sql, max_rows=100_000).rows.rows()


def rewrite(layout: Layout, table: str, change: Callable[[list[str], list[pa.Array]], None]) -> None:
    """Write a table again with other columns and the footer that it has, as one who knows us would."""
    path = layout.table(table, HOSTILE)
    if not path.exists():
        path = layout.parts(table, HOSTILE) / "part-00000.parquet"
    before = pq.ParquetFile(path).read()
    names, arrays = before.column_names, list(before.columns)
    change(names, arrays)
    path.unlink()
    pq.write_table(
        pa.Table.from_arrays(arrays, names=names).replace_schema_metadata(before.schema.metadata), path
    )


def add(table: str, columns: Columns, *, first: bool = False) -> Spoil:
    """Put columns behind those that a table has, or before them."""

    def change(names: list[str], arrays: list[pa.Array]) -> None:
        place = 0 if first else len(names)
        names[place:place] = columns
        arrays[place:place] = columns.values()

    return lambda layout: rewrite(layout, table, change)


def replace(table: str, column: str, values: pa.Array | None) -> Spoil:
    """Put other values in place of a column, or leave it out."""

    def change(names: list[str], arrays: list[pa.Array]) -> None:
        place = names.index(column)
        del names[place], arrays[place]
        if values is not None:
            names.append(column)
            arrays.append(values)

    return lambda layout: rewrite(layout, table, change)


def write(relative: str, content: bytes) -> Spoil:
    def spoil(layout: Layout) -> None:
        path = layout.dataset(HOSTILE) / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    return spoil


def with_footer(footer: bytes) -> Spoil:
    def spoil(layout: Layout) -> None:
        path = layout.table("cell_metadata", HOSTILE)
        rows = pq.ParquetFile(path).read().replace_schema_metadata({b"c2s": footer})
        path.unlink()
        pq.write_table(rows, path)

    return spoil


def make_folder(relative: str) -> Spoil:
    return lambda layout: (layout.dataset(HOSTILE) / relative).mkdir(parents=True)


def make_pipe(relative: str) -> Spoil:
    """Whoever opens it waits for ever."""

    def spoil(layout: Layout) -> None:
        path = layout.dataset(HOSTILE) / relative
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)

    return spoil


def report_twice(layout: Layout) -> None:
    """Two results of one check, where the catalogue has one row for it."""
    check = {"claim": "c", "description": "", "severity": "WARN", "holds": True, "message": "", "figures": {}}
    report = {
        "dataset_id": HOSTILE, "source_sha256": "a" * 64, "n_obs": 1, "n_vars": 1, "tables": None,
        "ranges": [], "features": None,
        "assets": [{"asset": "raw_h5ad", "state": "built", "checks": [check, check]}],
        "summary": dict.fromkeys(
            ("n_checks", "n_hold", "n_broken_error", "n_broken_warn", "n_without_result"), 0
        ),
    }  # fmt: skip
    layout.validation_report(HOSTILE).write_text(json.dumps(report))


def claim_huge_source(layout: Layout) -> None:
    layout.raw_provenance(HOSTILE).parent.mkdir(exist_ok=True)
    source = {"size_bytes": 10**30, "sha256": "a" * 64, "n_obs": 1, "n_vars": 1}
    layout.raw_provenance(HOSTILE).write_text(json.dumps(source))


TWO = [1, 2]
LISTS = pa.array([["a"], ["b"]])
STRUCTS = pa.array([{"a": 1}, {"a": 2}])
HARMLESS: dict[str, Spoil] = {
    "names that DuckDB has for itself": add(
        "cell_metadata",
        dict.fromkeys(
            ["filename", "FileName", "file_row_number", "FILE_INDEX", "rowid", "ROWID"], pa.array(TWO)
        ),
        first=True,
    ),
    "such names in var, as lists": add(
        "feature_metadata", {"FILENAME": LISTS, "file_index": LISTS}, first=True
    ),
    "dataset_id of another type": replace("cell_metadata", "dataset_id", pa.array(TWO)),
    "dataset_id of another dataset": replace("cell_metadata", "dataset_id", pa.array(["d00", "d01"])),
    "dataset_id in var": add("feature_metadata", {"dataset_id": pa.array(["d00", "d01"])}),
    "cell_id twice, in other case": add(
        "cell_metadata", {"CELL_ID": pa.array(TWO), "Cell_Id": pa.array(TWO)}
    ),
    "cell_id twice": add("cell_metadata", {"cell_id": pa.array(TWO)}),
    "5,000 columns": add("cell_metadata", {f"own_{number}": pa.array(TWO) for number in range(5_000)}),
    "names of every kind": add(
        "cell_metadata",
        dict.fromkeys(
            [
                '"',
                "'); drop table x; --",
                "a.b",
                "new\nline",
                "nul\0",
                "😀",
                "é",
                "x" * 100_000,
                " ",
                "*",
                "$files",
            ],
            pa.array(TWO),
        ),
    ),
    "a name of no letter": add("cell_metadata", {"": pa.array(TWO)}),
    "a number where others have text": replace("cell_metadata", "tissue", pa.array(TWO)),
    "a text where others have numbers": replace("cell_metadata", "score", pa.array(["high", "low"])),
    "a projection that is a folder": make_folder("projections/X_umap.parquet"),
    "odd files": write("what is [this]?.tmp", b"?"),
    "a pipe for a projection": make_pipe("projections/X_pipe.parquet"),
    "garbage for a profile": write("profile.json", b"\xff{"),
    "a folder for a report": make_folder("validation_report.json"),
    "a deep profile": write("profile.json", b"[" * 200_000),
}
LEFT_OUT: dict[str, tuple[Spoil, str]] = {
    "a curated name in other case": (
        add("cell_metadata", {"Sex": LISTS}),
        "'Sex' would be taken for 'sex'",
    ),
    "a promised name in other case, first": (
        add("cell_metadata", {"AGE": pa.array(TWO)}, first=True),
        "'AGE' would be taken for 'age'",
    ),
    "the name that the catalogue needs": (add("cell_metadata", {"__FILE__": LISTS}), "'__FILE__'"),
    "a list where text is expected": (replace("cell_metadata", "tissue", LISTS), "'tissue' is of type list"),
    "a struct where text is expected": (replace("cell_metadata", "donor_id", STRUCTS), "'donor_id'"),
    "a struct of its own": (add("cell_metadata", {"own": STRUCTS}), "'own' is of type struct"),
    "a list where others have numbers": (replace("cell_metadata", "score", LISTS), "'score' is a list"),
    "a date of its own": (add("cell_metadata", {"own": pa.array(TWO, pa.date32())}), "type date32"),
    "an age in words": (replace("cell_metadata", "age", pa.array(["old", "new"])), "'age' is of type string"),
    "an age of twice the precision": (replace("cell_metadata", "age", pa.array([1.0, 2.0])), "not float"),
    "figures in words": (replace("feature_metadata", "n_cells", pa.array(["a", "b"])), "'n_cells'"),
    "structs for sentences": (replace("cell_sentences", "cell_sentence", STRUCTS), "'cell_sentence'"),
    "a fold in words": (replace("split_manifest", "fold", pa.array(["a", "b"])), "'fold'"),
    "garbage for a table": (write("cell_metadata.parquet", b"PAR1 and no more PAR1"), "cannot be read"),
    "garbage for a part": (write("cell_sentences/part-00001.parquet", os.urandom(500)), "cannot be read"),
    "an empty file": (write("feature_metadata.parquet", b""), "cannot be read"),
    "a folder for a table": (
        lambda layout: (write("cell_metadata.parquet", b"")(layout), _become_folder(layout)),
        "has no cell_metadata",
    ),
    "a pipe for a table": (make_pipe("cell_metadata.parquet"), "has no cell_metadata"),
    "a footer that is no JSON": (with_footer(b"{"), "does not say what it was made of"),
    "a footer that is a list": (with_footer(b"[1]"), "does not say what it was made of"),
    "a deep footer": (with_footer(b"[" * 100_000), "does not say what it was made of"),
    "a name that DuckDB takes for a path": (write("projections/a\\b.parquet", b""), "cannot be read"),
    "two results of one check": (report_twice, "duplicate key"),
    "a size beyond all numbers": (claim_huge_source, "too"),
}  # fmt: skip


def _become_folder(layout: Layout) -> None:
    path = layout.table("cell_metadata", HOSTILE)
    path.unlink()
    path.mkdir()


def answers(layout: Layout) -> list[list[tuple[object, ...]]]:
    """What every view and table says of the sound datasets, in all columns that they have."""
    queries = [
        "select * from cells where dataset_id <> $ order by all",
        "select dataset_id, score::double from files.cell_metadata where dataset_id <> $ order by all",
        "select * from features where dataset_id <> $ order by all",
        "select dataset_id, feature_id, note from files.feature_metadata where dataset_id <> $ order by all",
        "select * from splits where dataset_id <> $ order by all",
        "select * from sentences where dataset_id <> $ order by all",
        "select * from projections where dataset_id <> $ order by all",
        "select * from datasets where dataset_id <> $ order by all",
    ]
    return [ask(layout, sql.replace("$", f"'{HOSTILE}'")) for sql in queries]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("sound") / "lake")
    put_lake(layout)
    return layout


@pytest.fixture(scope="module")
def expected(sound: Layout) -> list[list[tuple[object, ...]]]:
    assert build(sound).left_out == {}
    found = answers(sound)
    assert [len(rows) for rows in found] == [2 * N_SOUND] * 6 + [0, N_SOUND]
    return found


@pytest.fixture
def layout(tmp_path: Path, sound: Layout) -> Layout:
    """A lake of its own: links, of which a spoiler replaces those that it changes."""
    shutil.copytree(sound.datasets, tmp_path / "lake" / "datasets", copy_function=os.link)
    return Layout(tmp_path / "lake")


def test_what_does_no_harm_is_shown(layout: Layout, expected: object) -> None:
    for spoil in HARMLESS.values():
        spoil(layout)

    assert build(layout).left_out == {}
    assert answers(layout) == expected
    assert ask(layout, f"select count(*) from cells where dataset_id = '{HOSTILE}'") == [(2,)]  # noqa: S608
    for table in TABLES:
        assert len(ask(layout, f"from files.{table}")) == 2 * (N_SOUND + 1)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_hostile_dataset_is_left_out_and_named_and_the_others_answer(
    layout: Layout, expected: object, name: str
) -> None:
    spoil, problem = LEFT_OUT[name]
    spoil(layout)
    snapshot = build(layout)

    assert list(snapshot.left_out) == [HOSTILE]
    assert problem in snapshot.left_out[HOSTILE]
    assert f"c2s build {HOSTILE}" in snapshot.left_out[HOSTILE]
    finding = reads_every_dataset(len(snapshot.datasets), snapshot.left_out)
    assert not finding.holds
    assert f"1 of {N_SOUND + 1} datasets are left out, the first is {HOSTILE}" in finding.message
    assert answers(layout) == expected
    for table in TABLES:
        assert len(ask(layout, f"from files.{table}")) == 2 * N_SOUND


def test_a_fault_of_no_dataset_is_not_blamed_on_one(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2s_assets.storage.catalogue.building._COPIES", {"listing": "nothing"})
    with pytest.raises(duckdb.Error):
        build(layout)
    assert not layout.catalogue.exists()


def test_folders_above_the_lake_are_no_columns(layout: Layout, tmp_path: Path) -> None:
    """DuckDB and Polars make columns of folders called `key=value`, unless they are told not to."""
    below = tmp_path / "tissue=heart" / "dataset_id=x" / "cell_id=7"
    below.mkdir(parents=True)
    layout = Layout(layout.root.rename(below / "lake"))
    build(layout)

    assert ask(layout, "select distinct tissue from cells order by 1") == [("blood",), ("lung",)]
    n_distinct = ask(layout, "select count(distinct dataset_id), count(distinct cell_id) from cells")
    assert n_distinct == [(N_SOUND + 1, 2)]
    with open_catalogue(layout.catalogue) as reader:
        columns = reader.connection.sql("from files.cell_sentences").columns
    assert columns == [
        *("dataset_id", "cell_id", "cell_sentence", "n_expressed", "sentence_length"),
        *("n_above_ties", "tie_share"),
    ]
