import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from c2s_assets.storage.tables import wide
from c2s_assets.storage.tables.parquet import count_rows, read_footer, read_rows, read_table, table_schema
from c2s_assets.storage.tables.wide import read_cells, survey_parts, wide_schema, write_wide

FOOTER = {"table": "expression_matrix", "dataset_id": "d", "source_sha256": "0" * 64}


def write(folder, dense, *, names=None, rows=7):
    dense = np.asarray(dense, dtype=np.float32)
    names = [f"G{column}" for column in range(dense.shape[1])] if names is None else names
    expression = csr_array(dense)
    blocks = [(start, expression[start : start + rows]) for start in range(0, len(dense), rows)]
    cell_ids = pl.Series("cell_id", [f"zelle_{row}_ü" for row in range(len(dense))])
    write_wide(folder, blocks, cell_ids=cell_ids, schema=wide_schema(names, footer=FOOTER))
    return cell_ids, names


DRAWN = {
    "zeros": lambda _, shape: np.zeros(shape),
    "counts": lambda rng, shape: rng.poisson(rng.lognormal(-1, 2, shape[1]), shape),
    "few": lambda rng, shape: rng.poisson(0.01, shape),
    "runs": lambda rng, shape: np.repeat(rng.integers(0, 3, shape), 50, axis=0)[: shape[0]],
    "scaled": lambda rng, shape: rng.normal(size=shape),
    "many": lambda rng, shape: rng.integers(1, 10**6, shape) * (rng.random(shape) < 0.45),
    "extremes": lambda rng, shape: rng.choice([0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1], shape),
    "normalised": lambda rng, shape: np.log1p(rng.poisson(0.3, shape) / rng.random((shape[0], 1))),
}
KINDS = sorted(DRAWN)


def draw(kind, n_rows, n_vars, seed=0):
    return DRAWN[kind](np.random.default_rng(seed), (n_rows, n_vars))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_rows", [1, 8, 9, 700])
def test_every_reader_finds_every_value(tmp_path, kind, n_rows):
    dense = draw(kind, n_rows, 23).astype(np.float32)
    cell_ids, names = write(tmp_path / "wide", dense)

    by_pyarrow = pq.read_table(tmp_path / "wide")
    assert by_pyarrow.column_names == ["cell_id", *names]
    by_pyarrow.validate(full=True)
    by_polars = pl.read_parquet(tmp_path / "wide" / "*.parquet")
    by_duckdb = pl.DataFrame(duckdb.execute(f"from '{tmp_path}/wide/*.parquet'").fetchnumpy())
    by_pandas = pd.read_parquet(tmp_path / "wide")
    for found in (pl.DataFrame(by_pyarrow), by_polars, by_duckdb, pl.from_pandas(by_pandas)):
        assert found["cell_id"].to_list() == cell_ids.to_list()
        np.testing.assert_array_equal(found.select(names).to_numpy(), dense)
        assert set(found.select(names).dtypes) == {pl.Float32}
    assert isinstance(by_pandas.index, pd.RangeIndex)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 400), st.integers(1, 30), st.integers(0, 10**6))
def test_what_is_written_is_read(tmp_path_factory, kind, n_rows, n_vars, seed):
    dense = draw(kind, n_rows, n_vars, seed).astype(np.float32)
    folder = tmp_path_factory.mktemp("wide") / "wide"
    _, names = write(folder, dense)
    found = pq.read_table(folder).to_pydict()
    for column, name in enumerate(names):
        assert found[name] == dense[:, column].tolist()


def test_pages_are_as_small_as_their_values_allow(tmp_path):
    dense = np.zeros((1000, 4), dtype=np.float32)
    dense[3, 1] = 5
    dense[:, 2] = np.arange(1000) % 4
    dense[:, 3] = np.random.default_rng(0).normal(size=1000)
    write(tmp_path / "wide", dense)
    group = pq.read_metadata(tmp_path / "wide" / "part-00000.parquet").row_group(0)
    zeros, one, packed, plain = (group.column(column) for column in range(1, 5))
    assert zeros.total_uncompressed_size < one.total_uncompressed_size < 60
    assert packed.total_uncompressed_size < 1000 / 4 + 60  # two bits each
    assert "RLE_DICTIONARY" in packed.encodings
    assert plain.encodings == ("PLAIN",)
    assert plain.compression == "ZSTD"


def test_a_part_is_cut_at_the_same_cell_whatever_the_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(wide, "CELLS_PER_PART", 64)
    monkeypatch.setattr(wide, "VALUES_PER_PART", 500)
    dense = draw("counts", 300, 20)
    dense[100:120] = 0
    dense[200:260] = 1 + draw("few", 60, 20)  # 25 such cells hold 500 values
    for rows in (1, 7, 64, 300):
        write(tmp_path / str(rows), dense, rows=rows)
    parts = [
        {path.name: path.read_bytes() for path in (tmp_path / rows).iterdir()}
        for rows in ("1", "7", "64", "300")
    ]
    assert parts[0] == parts[1] == parts[2] == parts[3]
    n_rows = [pq.read_metadata(path).num_rows for path in sorted((tmp_path / "7").iterdir())]
    assert max(n_rows) <= 64
    assert 25 in n_rows
    np.testing.assert_array_equal(read_table(tmp_path / "7").drop("cell_id").to_numpy(), dense)


def test_cells_are_read_from_the_parts_that_hold_them(tmp_path, monkeypatch):
    monkeypatch.setattr(wide, "CELLS_PER_PART", 8)
    dense = draw("counts", 30, 5)
    _, names = write(tmp_path / "wide", dense)
    n_cells, _ = survey_parts(tmp_path / "wide", expected=wide_schema(names, footer=FOOTER))
    assert list(n_cells.values()) == [8, 8, 8, 6]
    for start, stop in ((0, 30), (6, 9), (7, 25), (16, 24), (29, 30)):
        np.testing.assert_array_equal(
            read_cells(n_cells, start, stop).select(names).to_numpy(), dense[start:stop]
        )


def test_a_cell_with_more_values_than_a_part_is_a_part(tmp_path, monkeypatch):
    monkeypatch.setattr(wide, "VALUES_PER_PART", 3)
    write(tmp_path / "wide", [[1, 2, 3, 4], [1, 0, 0, 0], [1, 2, 3, 4]])
    assert [pq.read_metadata(path).num_rows for path in sorted((tmp_path / "wide").iterdir())] == [1, 1, 1]


def test_our_own_readers_know_the_table(tmp_path):
    dense = draw("counts", 30, 5)
    write(tmp_path / "wide", dense)
    assert read_footer(tmp_path / "wide") == FOOTER
    assert count_rows(tmp_path / "wide") == 30
    due = wide_schema([f"G{column}" for column in range(5)], footer=FOOTER)
    assert table_schema(tmp_path / "wide").equals(due, check_metadata=True)
    n_cells, other = survey_parts(tmp_path / "wide", expected=due)
    assert n_cells == {tmp_path / "wide" / "part-00000.parquet": 30}
    assert other is None
    for expected in (due.remove_metadata(), due.remove(3)):
        found = survey_parts(tmp_path / "wide", expected=expected)[1]
        assert found is not None
        assert found.equals(due, check_metadata=True)
    rows = read_rows(tmp_path / "wide", 10, 12, columns=["cell_id", "G3"])
    assert rows["G3"].to_list() == dense[10:12, 3].tolist()


@pytest.mark.parametrize(
    "names",
    [
        ["A", "a", "A_1", "β-globin", "HLA-DRB1.2", 'x"y', " ", "n" * 300],
        [f"G{column}" for column in range(14)],
        [f"G{column}" for column in range(1200)],
    ],
    ids=["strange", "a list of 15", "more than a batch"],
)
def test_names_and_numbers_of_columns_are_kept(tmp_path, names):
    dense = draw("counts", 40, len(names))
    write(tmp_path / "wide", dense, names=names)
    table = pq.read_table(tmp_path / "wide")
    assert table.column_names == ["cell_id", *names]
    assert table.schema.field(1) == pa.field(names[0], pa.float32(), nullable=False)
    np.testing.assert_array_equal(pl.DataFrame(table).select(names).to_numpy(), dense)
    assert pl.read_parquet_schema(tmp_path / "wide" / "part-00000.parquet").names() == ["cell_id", *names]


def test_a_failure_leaves_nothing(tmp_path):
    def blocks():
        yield 0, csr_array(np.ones((3, 2), dtype=np.float32))
        raise OSError("the disk is gone")

    ids = pl.Series("cell_id", ["a", "b", "c", "d"])
    with pytest.raises(OSError, match="the disk is gone"):
        write_wide(tmp_path / "wide", blocks(), cell_ids=ids, schema=wide_schema(["A", "B"], footer=FOOTER))
    assert list(tmp_path.iterdir()) == []


def test_rows_are_read_whatever_the_folders_above_are_called(tmp_path):
    folder = tmp_path / "[a]*?%20" / "GENE1=7"
    folder.mkdir(parents=True)
    rows = pl.DataFrame({"cell_id": ["a", "b"], "GENE1": [0.5, 1.5]})
    rows.write_parquet(folder / "part-00000.parquet")
    assert read_cells({folder / "part-00000.parquet": 2}, 1, 2).equals(rows[1:])
