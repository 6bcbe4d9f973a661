"""The catalogue of a lake in a bucket: built once, asked by many machines, of which none sees a mix."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from c2s_assets.core.errors import BucketError, LostRaceError, QueryError
from c2s_assets.storage.catalogue import objects
from c2s_assets.storage.catalogue.building import build_catalogue
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.catalogue.versions import is_current, targets_of
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.collecting import collect
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake, renew
from c2s_assets.storage.lake.shapes import is_shape
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets_tests.buckets import S3, serve_s3
from c2s_assets_tests.toy import put_toy_tables

MachineOf = Callable[[str], Layout]
_N_READERS = 4
_CELLS = "select count(*), min(x), max(x), min(dataset_id) from files.cell_metadata"


@pytest.fixture
def s3() -> Iterator[S3]:
    with serve_s3() as served:
        served.make_bucket()
        yield served


@pytest.fixture
def machine_of(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MachineOf:
    """Makes machines with a cache of their own, which find the same lake."""

    def find(name: str) -> Layout:
        monkeypatch.setenv("C2S_CACHE", str(tmp_path / name))
        return find_lake(f"{s3.address}/lake")

    return find


def _put(layout: Layout, number: int, *, n_cells: int = 3, dataset_id: str = "d") -> None:
    """Build a version of a dataset, all of whose tables say which one it is."""
    cells = pl.DataFrame({"donor_id": [f"donor_{row % 3}" for row in range(n_cells + number)]})
    cells = cells.with_columns(
        x=pl.lit(number, pl.Int64), noise=pl.int_range(pl.len()).hash(number).cast(pl.Int64, strict=False)
    )
    genes = pl.DataFrame({"feature_id": [f"E{row}" for row in range(number + 1)]})
    put_toy_tables(layout, dataset_id, cells=cells, features=genes, version=f"{number % 16:x}")


def _publish(layout: Layout) -> None:
    """Build the catalogue and let it take its place, as the asset does."""
    with alone(layout, "catalogue"), stage(layout, "catalogue") as staged:
        build_catalogue(layout, staged.path(layout.catalogue))
        staged.commit(*targets_of(layout))


def _ask(layout: Layout, sql: str) -> list[tuple[object, ...]]:
    return answer_query(layout, sql, max_rows=100).rows.rows()


def _parquet(s3: S3) -> list[str]:
    return [request for request in s3.requests if request.endswith(".parquet")]


def test_a_machine_asks_the_catalogue_of_another_one_and_fetches_the_tables_that_it_names(
    s3: S3, machine_of: MachineOf
) -> None:
    builder = machine_of("builder")
    _put(builder, 1)
    _publish(builder)
    reader = machine_of("reader")
    s3.requests.clear()
    assert is_current(reader)
    assert _ask(reader, "select n_cells from datasets") == [(4,)]
    assert _parquet(s3) == []
    assert _ask(reader, _CELLS) == [(4, 1, 1, "d")]
    assert len(_parquet(s3)) == 1
    s3.requests.clear()
    assert _ask(reader, _CELLS) == [(4, 1, 1, "d")]
    assert s3.requests == []
    assert is_shape(reader.table("feature_metadata", "d"))


def test_of_a_large_table_ranges_are_read_and_nothing_is_fetched(
    s3: S3, machine_of: MachineOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against one position for all threads: DuckDB seeks, then reads, and does so from eight."""
    monkeypatch.setattr(objects, "_FETCHED_BYTES", 0)
    builder = machine_of("builder")
    _put(builder, 7, n_cells=60_000)
    _publish(builder)
    n_groups = pq.ParquetFile(builder.table("cell_metadata", "d")).num_row_groups
    assert n_groups > 5
    reader = machine_of("reader")
    s3.requests.clear()
    sql = (
        "select dataset_id, count(distinct cell_id), sum(noise), min(donor_id), max(x) "
        "from files.cell_metadata group by dataset_id order by dataset_id"
    )
    assert _ask(reader, sql) == _ask(builder, sql)
    assert is_shape(reader.table("cell_metadata", "d"))
    assert len(_parquet(s3)) <= n_groups + 1


def test_the_catalogue_shows_the_versions_that_it_was_built_of(machine_of: MachineOf) -> None:
    builder, reader = machine_of("builder"), machine_of("reader")
    _put(builder, 1)
    _publish(builder)
    renew(reader)
    assert _ask(reader, _CELLS) == [(4, 1, 1, "d")]
    _put(builder, 2)
    for layout in (builder, reader):
        renew(layout)
        assert not is_current(layout)
        assert _ask(layout, _CELLS) == [(4, 1, 1, "d")]
    _publish(reader)
    renew(builder)
    assert is_current(builder)
    assert _ask(builder, _CELLS) == [(5, 2, 2, "d")]


def test_of_two_that_build_at_once_the_slower_one_hears_of_it(machine_of: MachineOf) -> None:
    first, second = machine_of("first"), machine_of("second")
    _put(first, 1)
    with alone(first, "catalogue"), stage(first, "catalogue") as staged:
        build_catalogue(first, staged.path(first.catalogue))
        _publish(second)
        with pytest.raises(LostRaceError, match="was changed by another machine meanwhile"):
            staged.commit(*targets_of(first))
    renew(first)
    assert is_current(first), "it is that of the other one"
    assert _ask(first, _CELLS) == [(4, 1, 1, "d")]


@pytest.mark.slow
def test_readers_see_one_version_of_all_tables_while_two_machines_build(machine_of: MachineOf) -> None:
    first, second = machine_of("first"), machine_of("second")
    readers = [machine_of(f"reader_{number}") for number in range(_N_READERS)]
    _put(first, 1)
    _publish(first)
    stop, seen, problems = threading.Event(), set[object](), list[Exception]()
    sql = (
        "select min(x), max(x), count(*), (select count(*) from features), "
        "(select sum(n_cells) from datasets), (select count(*) from sentences) from files.cell_metadata"
    )

    def read(layout: Layout) -> None:
        try:
            while not stop.is_set():
                renew(layout)
                low, high, *counts = _ask(layout, sql)[0]
                assert low == high
                assert counts == [3 + low, 1 + low, 3 + low, 3 + low]
                seen.add(low)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=read, args=(layout,)) for layout in readers]
    for thread in threads:
        thread.start()
    for number in range(2, 5):
        builder = (first, second)[number % 2]
        renew(builder)
        _put(builder, number)
        _publish(builder)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(seen) > 1


def test_gc_leaves_what_the_catalogue_shows_and_an_answer_says_what_is_gone(
    s3: S3, machine_of: MachineOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_FETCHED_BYTES", 0)
    builder, reader = machine_of("builder"), machine_of("reader")
    _put(builder, 1)
    _publish(builder)
    _put(builder, 2)
    renew(reader)
    _collect(reader)
    assert _ask(reader, _CELLS) == [(4, 1, 1, "d")]
    _publish(builder)
    _collect(builder)
    with pytest.raises((QueryError, BucketError), match="is gone, which the catalogue shows"):
        _ask(reader, _CELLS)
    renew(reader)
    assert _ask(reader, _CELLS) == [(5, 2, 2, "d")]
    assert not [key for key in s3.objects(s3.address) if "catalogue.duckdb" in key][1:]


def _collect(layout: Layout) -> None:
    copy, now = working_copy_of(layout), datetime.now(UTC)
    assert copy is not None
    for days in (0, 30):
        collect(copy.bucket, now=now + timedelta(days=days), age=timedelta(days=7), is_removed=True)


def test_a_query_reads_nothing_but_the_tables(machine_of: MachineOf) -> None:
    layout = machine_of("one")
    _put(layout, 1)
    _publish(layout)
    for place in (
        layout.raw_h5ad("d"),
        layout.table("cell_metadata", "d"),
        "s3://bucket-0/lake/datasets.yaml",
    ):
        with pytest.raises(QueryError, match="disabled"):
            _ask(layout, f"from read_text('{place}')")
