import hashlib
import json

import pandera.polars as pr
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c2s_assets.core.errors import LakeError, MissingInputError, SourceError
from c2s_assets.schemas.images import NAMED_IMAGE
from c2s_assets.schemas.tables import CellSentences
from c2s_assets.storage.tables import parquet
from c2s_assets.storage.tables.parquet import (
    TableWriter,
    count_rows,
    iter_table,
    iter_text,
    iter_together,
    read_footer,
    read_rows,
    read_table,
    size_bytes,
    table_schema,
    write_blocks,
    write_sides,
    write_table,
)


class Cells(pr.DataFrameModel):
    """One row per cell; further columns stand beside these."""

    cell_id: str
    age: pl.Float32 = pr.Field(nullable=True)
    split: str = pr.Field(nullable=True)


FOOTER = {"table": "cells", "dataset_id": "d"}


@pytest.fixture
def small(monkeypatch):
    """Row groups of 4 rows."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 4)


def cells(n_rows):
    return pl.DataFrame(
        {
            "cell_id": [f"cell_{row}" for row in range(n_rows)],
            "age": [None if row % 7 == 0 else row / 2 for row in range(n_rows)],
            "split": [("train", "train", "test", None)[row % 4] for row in range(n_rows)],
            "tissue": [None if row % 3 else "blood" for row in range(n_rows)],
            "n_genes": range(n_rows),
            "is_primary_data": [row % 2 == 0 for row in range(n_rows)],
        },
        schema_overrides={
            "cell_id": pl.String,
            "age": pl.Float32,
            "split": pl.String,
            "tissue": pl.String,
            "n_genes": pl.UInt16,
            "is_primary_data": pl.Boolean,
        },
    )


def blocks_of(rows, size):
    return [rows.slice(start, size) for start in range(0, rows.height, size)]


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def groups_of(path):
    metadata = pq.read_metadata(path)
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


@pytest.mark.parametrize("size", [1, 7, 500], ids="{} rows a block".format)
def test_bytes_do_not_depend_on_the_blocks_that_rows_come_in(tmp_path, monkeypatch, size):
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 300)
    rows = cells(1000)
    for name, blocks in {"all": [rows], "cut": blocks_of(rows, size)}.items():
        folder = tmp_path / name
        write_blocks(folder / "one.parquet", blocks, model=Cells, footer=FOOTER)
        write_blocks(folder / "parts", blocks, model=Cells, footer=FOOTER)
        sides = {side: folder / side for side in ("train", "test")}
        write_sides(sides, blocks, model=Cells, footer=FOOTER)
    assert digests(tmp_path / "all") == digests(tmp_path / "cut")
    assert len(digests(tmp_path / "all")) == 1 + 4 + 2 + 1


@given(
    values=st.lists(st.tuples(st.text(max_size=3), st.none() | st.floats(0, 99, width=32)), min_size=1),
    sizes=st.lists(st.integers(1, 9), min_size=1),
)
@settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # `small` is the same for all examples
)
@pytest.mark.usefixtures("small")
def test_whatever_the_blocks_the_bytes_are_the_same_and_so_are_the_rows(tmp_path_factory, values, sizes):
    rows = pl.DataFrame(
        {"cell_id": [text for text, _ in values], "age": [age for _, age in values]},
        schema={"cell_id": pl.String, "age": pl.Float32},
    ).with_columns(split=pl.lit(None, pl.String))
    cuts, start = [], 0
    while start < rows.height:
        cuts.append(rows.slice(start, sizes[len(cuts) % len(sizes)]))
        start += cuts[-1].height
    folder = tmp_path_factory.mktemp("table")
    n_rows = [
        write_blocks(folder / name / "parts", blocks, model=Cells, footer=FOOTER)
        for name, blocks in {"all": [rows], "cut": cuts}.items()
    ]
    assert n_rows == [rows.height, rows.height]
    assert digests(folder / "all") == digests(folder / "cut")
    assert read_table(folder / "cut" / "parts").equals(rows)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("n_rows", "groups"),
    [
        (1, [[1]]),
        (4, [[4]]),
        (5, [[4], [1]]),
        (8, [[4], [4]]),
        (9, [[4], [4], [1]]),
        (21, [[4], [4], [4], [4], [4], [1]]),
    ],
)
def test_row_groups_and_parts_are_cut_at_fixed_rows(tmp_path, n_rows, groups):
    write_blocks(tmp_path / "parts", blocks_of(cells(n_rows), 3), model=Cells, footer=FOOTER)
    parts = sorted((tmp_path / "parts").iterdir())
    assert [part.name for part in parts] == [f"part-{n:05d}.parquet" for n in range(len(groups))]
    assert [groups_of(part) for part in parts] == groups
    write_blocks(tmp_path / "one.parquet", blocks_of(cells(n_rows), 3), model=Cells, footer=FOOTER)
    assert groups_of(tmp_path / "one.parquet") == [n for part in groups for n in part]


@pytest.mark.usefixtures("small")
def test_a_table_of_one_block_has_the_same_groups(tmp_path):
    schema = pa.schema([("cell_id", pa.string()), ("n_genes", pa.int32())])
    assert write_table(tmp_path / "one.parquet", cells(9), schema=schema) == 9
    assert groups_of(tmp_path / "one.parquet") == [4, 4, 1]
    assert table_schema(tmp_path / "one.parquet").equals(schema)


def test_types_on_disk_are_plain(tmp_path):
    path = tmp_path / "cells.parquet"
    write_blocks(path, [cells(3)], model=Cells, footer=FOOTER)
    assert [(field.name, str(field.type), field.nullable) for field in pq.read_schema(path)] == [
        ("cell_id", "string", False),
        ("age", "float", True),
        ("split", "string", True),
        ("tissue", "string", True),
        ("n_genes", "int32", True),
        ("is_primary_data", "bool", True),
    ]
    column = pq.read_metadata(path).row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index
    assert "__index_level_0__" not in pq.read_schema(path).names


@pytest.mark.parametrize("name", ["cells.parquet", "cells"])
def test_each_declared_column_says_in_the_file_what_it_holds(tmp_path, name):
    rows = pl.DataFrame(
        {"cell_id": ["a"], "cell_sentence": ["A B"], "n_expressed": 2, "sentence_length": 2}
        | {"n_above_ties": 2, "tie_share": 0.0}
    )
    write_blocks(tmp_path / name, [rows.with_columns(own=1)], model=CellSentences, footer=FOOTER)
    written = table_schema(tmp_path / name)
    assert written.field("n_expressed").metadata == {b"description": b"Distinct symbols the cell expresses."}
    assert written.field("own").metadata is None
    assert read_footer(tmp_path / name) == FOOTER


def test_columns_stand_in_the_order_of_the_model_then_of_the_rows(tmp_path):
    rows = cells(3).select("tissue", "split", "n_genes", "age", "cell_id")
    write_blocks(tmp_path / "t.parquet", [rows], model=Cells, footer=FOOTER)
    assert table_schema(tmp_path / "t.parquet").names == ["cell_id", "age", "split", "tissue", "n_genes"]


@pytest.mark.parametrize("name", ["one.parquet", "parts"])
def test_the_footer_says_what_the_file_is(tmp_path, name):
    write_blocks(tmp_path / name, [cells(3)], model=Cells, footer={"b": [1], "a": None})
    assert read_footer(tmp_path / name) == {"a": None, "b": [1]}
    assert json.loads(table_schema(tmp_path / name).metadata[b"c2s"]) == {"a": None, "b": [1]}


def test_a_file_of_others_is_not_taken_for_ours(tmp_path):
    cells(3).write_parquet(tmp_path / "theirs.parquet")
    with pytest.raises(LakeError, match=r"theirs\.parquet was not written by c2s_assets"):
        read_footer(tmp_path / "theirs.parquet")


@pytest.mark.parametrize(
    "blocks", [[], [cells(0)], [cells(0), cells(0)]], ids=["no block", "empty", "empty twice"]
)
@pytest.mark.parametrize("name", ["one.parquet", "parts"])
def test_a_table_without_rows_leaves_nothing(tmp_path, blocks, name):
    assert write_blocks(tmp_path / name, blocks, model=Cells, footer=FOOTER) == 0
    write_sides({"train": tmp_path / "train"}, blocks, model=Cells, footer=FOOTER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small")
def test_each_side_gets_its_rows_in_order_and_rows_of_neither_side_are_left_out(tmp_path):
    rows = cells(23)
    sides = {side: tmp_path / side for side in ("train", "test")}
    write_sides(sides, blocks_of(rows, 5), model=Cells, footer=FOOTER)
    for side, folder in sides.items():
        assert read_table(folder).equals(rows.filter(pl.col("split") == side).cast({"n_genes": pl.Int32}))
    assert [part.name for part in sorted((tmp_path / "train").iterdir())] == [
        "chunk_0000.parquet",
        "chunk_0001.parquet",
        "chunk_0002.parquet",
    ]
    assert count_rows(tmp_path / "train") + count_rows(tmp_path / "test") == 23 - 5


def test_a_side_without_rows_gets_no_folder(tmp_path):
    rows = cells(8).with_columns(split=pl.lit("train"))
    sides = {side: tmp_path / side for side in ("train", "test")}
    write_sides(sides, [rows], model=Cells, footer=FOOTER)
    assert [path.name for path in tmp_path.iterdir()] == ["train"]
    assert count_rows(tmp_path / "test") == size_bytes(tmp_path / "test") == 0


MISFITS = {
    "an integer beyond int64": (
        {"n_genes": pl.Series([2**63], dtype=pl.UInt64)},
        r"column 'n_genes' cannot be stored as int64: .*9223372036854775808",
    ),
    "a text where numbers were": (
        {"n_genes": pl.Series(["many"])},
        r"column 'n_genes' cannot be stored as int64: .*'many'",
    ),
    "a fraction where whole numbers were": (
        {"n_genes": pl.Series([1.5])},
        r"column 'n_genes' cannot be stored as int64: .*1\.5",
    ),
    "a missing id": (
        {"cell_id": pl.Series([None], dtype=pl.String)},
        "column 'cell_id' cannot be stored as string: .*null",
    ),
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("values", "message"), MISFITS.values(), ids=MISFITS.keys())
@pytest.mark.parametrize("name", ["one.parquet", "parts"])
def test_a_value_that_does_not_fit_is_an_error_and_leaves_nothing(tmp_path, name, values, message):
    rows = cells(9).with_columns(pl.col("n_genes").cast(pl.UInt64))
    bad = cells(1).with_columns(**values)
    with pytest.raises(SourceError, match=message):
        write_blocks(tmp_path / name, [rows, bad], model=Cells, footer=FOOTER)
    assert list(tmp_path.iterdir()) == []
    sides = {side: tmp_path / side for side in ("train", "test")}
    with pytest.raises(SourceError, match=message):
        write_sides(sides, [rows, bad], model=Cells, footer=FOOTER)
    assert list(tmp_path.iterdir()) == []


def test_a_single_table_with_a_value_that_does_not_fit_is_not_begun(tmp_path):
    schema = pa.schema([("n", pa.int32())])
    with pytest.raises(SourceError, match="2147483648"):
        write_table(tmp_path / "t.parquet", pl.DataFrame({"n": [2**31]}), schema=schema)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_caller_leaves_nothing(tmp_path):
    def write_and_fail():
        with TableWriter(tmp_path / "t.parquet", schema=pa.schema([("n", pa.int32())])) as writer:
            writer.write(pl.DataFrame({"n": range(parquet.ROWS_PER_GROUP)}))
            assert (tmp_path / "t.parquet").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_writing_a_part_is_raised_and_leaves_nothing(tmp_path, small):  # noqa: ARG001
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "part-00001.parquet").mkdir()  # where the second part should go
    with pytest.raises(IsADirectoryError):
        write_blocks(tmp_path / "parts", blocks_of(cells(30), 4), model=Cells, footer=FOOTER)
    assert list(tmp_path.iterdir()) == []


def test_fewer_rows_make_a_group_where_rows_are_large(tmp_path):
    write_blocks(tmp_path / "parts", [cells(10)], model=Cells, footer=FOOTER, rows_per_group=4)
    assert [groups_of(part) for part in sorted((tmp_path / "parts").iterdir())] == [[4], [4], [2]]


def test_a_table_that_is_drawn_from_has_small_groups_in_large_parts_and_is_read_in_usual_blocks(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(parquet, "ROWS_PER_BLOCK", 5)
    rows = cells(11)
    write_blocks(tmp_path / "parts", [rows], model=Cells, footer=FOOTER, rows_per_group=10, rows_per_draw=2)

    assert [groups_of(part) for part in sorted((tmp_path / "parts").iterdir())] == [[2] * 5, [1]]
    blocks = list(iter_table(tmp_path / "parts"))
    assert [block.height for block in blocks] == [4, 4, 2, 1]
    assert pl.concat(blocks).select("cell_id", "age").equals(rows.select("cell_id", "age"))


def test_lists_of_floats_that_do_not_repeat_are_stored_byte_by_byte(tmp_path):
    """Sums of counts take a third longer to write with a dictionary."""
    table = pa.table({"value": [[1.5, 2.0], [7.25]]}, schema=pa.schema({"value": pa.list_(pa.float32())}))
    for target in ("parts", "t.parquet"):
        with TableWriter(tmp_path / target, schema=table.schema, plain=["value"]) as writer:
            writer.write(table)

    for file in (tmp_path / "parts" / "part-00000.parquet", tmp_path / "t.parquet"):
        column = pq.read_metadata(file).row_group(0).column(0)
        assert "BYTE_STREAM_SPLIT" in column.encodings
        assert not any("DICTIONARY" in encoding for encoding in column.encodings)
        assert pl.read_parquet(file)["value"].to_list() == [[1.5, 2.0], [7.25]]


def test_positions_are_stored_as_differences(tmp_path):
    """With a dictionary of 30,000 genes in each row group `expression` would be twice as large."""
    table = pa.table({"id": ["a", "b"], "at": [[1, 5, 900], [2, 3]], "names": [["x"], ["y"]]})
    write_table(tmp_path / "t.parquet", table, schema=table.schema)

    group = pq.read_metadata(tmp_path / "t.parquet").row_group(0)
    encodings = {group.column(n).path_in_schema: group.column(n).encodings for n in range(3)}
    assert "DELTA_BINARY_PACKED" in encodings["at.list.element"]
    assert all("DICTIONARY" in str(encodings[name]) for name in ("id", "names.list.element"))
    assert pl.read_parquet(tmp_path / "t.parquet")["at"].to_list() == [[1, 5, 900], [2, 3]]


@pytest.fixture
def table(tmp_path, small):  # noqa: ARG001 sets the sizes
    rows = cells(21).cast({"n_genes": pl.Int32})
    write_blocks(tmp_path / "parts", [rows], model=Cells, footer=FOOTER)
    return tmp_path / "parts", rows


def test_what_is_read_is_what_was_written(table):
    path, rows = table
    assert read_table(path).equals(rows)
    assert read_table(path, columns=["n_genes", "cell_id"]).equals(rows.select("n_genes", "cell_id"))
    assert count_rows(path) == 21
    assert size_bytes(path) == sum(part.stat().st_size for part in path.iterdir())


def test_blocks_are_row_groups_and_in_order(table):
    path, rows = table
    blocks = list(iter_table(path, columns=["n_genes", "cell_id"]))
    assert [block.height for block in blocks] == [4, 4, 4, 4, 4, 1]
    assert pl.concat(blocks).equals(rows.select("n_genes", "cell_id"))


def test_what_was_written_is_read_in_the_same_blocks_two_parts_at_once(table):
    path, rows = table
    for n_rows in (None, 3):
        blocks, others = list(iter_text(path, rows=n_rows)), list(iter_table(path, rows=n_rows))
        assert [block.height for block in blocks] == [block.height for block in others]
        assert pl.concat(blocks).equals(rows)


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 5), (7, 9), (0, 21), (3, 20), (20, 99), (21, 30), (5, 5)],
    ids=["head", "over a part", "all", "most", "beyond the end", "behind the end", "none"],
)
def test_read_rows_reads_just_these(table, start, stop):
    path, rows = table
    assert read_rows(path, start, stop).equals(rows.slice(start, stop - start))
    assert read_rows(path, start, stop, columns=["age"]).equals(rows.select("age").slice(start, stop - start))


def test_a_column_that_is_not_there_is_not_passed_over(table):
    path, _ = table
    for read in (read_table, lambda path, columns: list(iter_table(path, columns=columns))):
        with pytest.raises(pl.exceptions.ColumnNotFoundError):
            read(path, columns=["cell_id", "no_such"])


@pytest.mark.parametrize("is_folder", [False, True], ids=["nothing there", "an empty folder"])
@pytest.mark.parametrize(
    "read",
    [read_table, lambda path: list(iter_table(path)), lambda path: read_rows(path, 0, 1), read_footer],
    ids=["read_table", "iter_table", "read_rows", "read_footer"],
)
def test_a_table_that_was_not_built_is_told(tmp_path, read, is_folder):
    if is_folder:
        (tmp_path / "parts").mkdir()
    with pytest.raises(MissingInputError, match=r"parts does not exist yet\. Build it first"):
        read(tmp_path / "parts")


def test_a_reader_stays_with_the_version_it_began(table, tmp_path):
    """Guards against a mix: the old folder is moved away while its parts are read one by one."""
    path, rows = table
    blocks = iter_table(path)
    read = [next(blocks)]
    path.rename(tmp_path / "old")
    write_blocks(path, [cells(21).with_columns(n_genes=pl.lit(0, pl.UInt16))], model=Cells, footer=FOOTER)
    assert pl.concat([*read, *blocks]).equals(rows)


def test_a_reader_whose_version_is_removed_is_told(table, tmp_path):
    path, _ = table
    blocks = iter_table(path)
    next(blocks)
    path.rename(tmp_path / "old")
    for part in (tmp_path / "old").iterdir():
        part.unlink()
    with pytest.raises(MissingInputError, match=r"parts was built anew while it was read\. Build this again"):
        list(blocks)


@given(lengths=st.lists(st.integers(0, 60), min_size=1, max_size=40), size=st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
def test_large_rows_make_smaller_groups_whatever_the_blocks(tmp_path_factory, monkeypatch, lengths, size):
    """What is alive at once is bounded by bytes, and the bytes of the files do not depend on the blocks."""
    monkeypatch.setattr(parquet, "_BYTES_PER_UNIT", 64)
    monkeypatch.setattr(parquet, "_BYTES_PER_GROUP", 256)
    rows = cells(len(lengths)).with_columns(pl.Series("cell_id", ["x" * length for length in lengths]))
    folder = tmp_path_factory.mktemp("tables")
    for name, n_rows in (("whole", len(lengths)), ("in blocks", size)):
        write_blocks(folder / name, blocks_of(rows, n_rows), model=Cells, footer=FOOTER)
    parts = sorted(path.name for path in (folder / "whole").iterdir())
    assert parts == sorted(path.name for path in (folder / "in blocks").iterdir())
    for part in parts:
        assert (folder / "whole" / part).read_bytes() == (folder / "in blocks" / part).read_bytes()
    assert read_table(folder / "whole")["cell_id"].to_list() == rows["cell_id"].to_list()


def test_the_bytes_of_a_row_are_those_of_its_texts_images_and_lists():
    table = pa.table(
        {
            "text": pa.array(["ab", None, "abc", "z" * 9]),
            "numbers": pa.array([[1, 2], [], None, [3]], pa.list_(pa.int32())),
            "texts": pa.array([["a", "bc"], None, [], ["d"]], pa.list_(pa.string())),
            "flag": pa.array([True, None, False, True]),
            "image": pa.array(
                [
                    {"bytes": b"png", "path": "x"},
                    None,
                    {"bytes": b"", "path": "y"},
                    {"bytes": b"p", "path": ""},
                ],
                NAMED_IMAGE,
            ),
        }
    )
    expected = [2 + 16 + 3 + 8 + 4, 8, 3 + 8 + 1, 9 + 8 + 1 + 8 + 1]
    assert parquet.row_bytes(table).tolist() == expected
    assert parquet.row_bytes(table.slice(2)).tolist() == expected[2:]
    assert (
        parquet.row_bytes(pa.concat_tables([table.slice(1, 2), table])).tolist() == expected[1:3] + expected
    )
    assert parquet.row_bytes(table.slice(0, 0)).tolist() == []


def test_tables_whose_groups_end_at_other_rows_are_read_together(tmp_path, monkeypatch):
    write_blocks(tmp_path / "a", [cells(30)], model=Cells, footer=FOOTER)
    monkeypatch.setattr(parquet, "_BYTES_PER_UNIT", 300)
    monkeypatch.setattr(parquet, "_BYTES_PER_GROUP", 400)
    write_blocks(tmp_path / "b", [cells(30)], model=Cells, footer=FOOTER)
    assert count_parts(tmp_path / "b") > count_parts(tmp_path / "a")
    blocks = list(iter_together(tmp_path / "a", tmp_path / "b"))
    assert all(a.equals(b) for a, b in blocks)
    assert pl.concat([a for a, _ in blocks]).height == 30


def test_tables_of_different_lengths_are_not_read_together(tmp_path):
    write_blocks(tmp_path / "a", [cells(3)], model=Cells, footer=FOOTER)
    write_blocks(tmp_path / "b", [cells(4)], model=Cells, footer=FOOTER)
    with pytest.raises(MissingInputError, match="do not have the same number of rows"):
        list(iter_together(tmp_path / "a", tmp_path / "b"))


def count_parts(folder):
    return len(list(folder.glob("*.parquet")))


def test_columns_whose_values_do_not_repeat_get_no_dictionary(tmp_path):
    rows = pl.DataFrame({"cell_id": ["a", "a"], "age": [1.0, 1.0], "split": [None, None], "key": [[1], [2]]})
    write_blocks(tmp_path / "cells.parquet", [rows], model=Cells, footer=FOOTER, plain=["key"])
    group = pq.read_metadata(tmp_path / "cells.parquet").row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    assert {one.path_in_schema: one.has_dictionary_page for one in columns} == {
        "cell_id": True,
        "age": True,
        "split": True,
        "key.list.element": False,
    }
