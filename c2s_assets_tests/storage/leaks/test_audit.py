"""An audit that reads only what has changed finds what one finds that reads everything."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.splits.plan import PLAN_SCHEMA
from c2s_assets.schemas.record import Built, MadeFrom
from c2s_assets.schemas.registry import SIDES_OF_DATASET
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.leaks.audit import Audit
from c2s_assets_tests.storage.leaks.planting import audit_lake

SIDES = ("train", "validation", "test")


class Cell(NamedTuple):
    """A cell on a side: what its counts hash to, which group of copies it is in, and whose it is."""

    hash: int | None
    group: int | None
    donor: str | None
    side: str


_TYPES = {"hash": pl.Int64, "group": pl.Int64, "donor": pl.String, "side": pl.String}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "lake")


def put(layout: Layout, dataset_id: str, cells: Sequence[Cell]) -> None:
    """Write what an audit reads of a dataset, and a record that says so."""
    remove(layout, dataset_id)
    rows = pl.DataFrame(cells, Cell._fields, orient="row", schema_overrides=_TYPES).with_columns(
        pl.format("cell_{}", pl.int_range(pl.len())).alias("cell_id"),
        pl.col("donor").alias("donor_id"),
        pl.format("c/{}", "donor").alias("donor_uid"),
        pl.lit(0, pl.Int32).alias("fold"),
    )
    write(layout.table("cell_fingerprints", dataset_id), rows.select("cell_id", exact_1="hash"))
    groups = rows.drop_nulls("group").select("cell_id", copy_group="group")
    if groups.height:
        write(layout.cell_copies(dataset_id), groups)
    for side in SIDES:
        of_side = rows.filter(pl.col("side") == side)
        if of_side.height:
            path = layout.parts(side, dataset_id) / "chunk_0000.parquet"
            write(path, of_side.select("cell_id", "donor_id", "donor_uid", "fold"))
    made_from = MadeFrom(source_sha256="a" * 64, inputs={}, settings={}, code_version="1")
    digest = tree_digest(*layout.places(SIDES_OF_DATASET, dataset_id))
    built = Built(files={}, n_rows=None, digest=digest, made_from=made_from, checks=[])
    with stage(layout, dataset_id) as staged:
        staged.commit(record=lambda record: record.with_built(SIDES_OF_DATASET, built))


def write(path: Path, rows: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)


def remove(layout: Layout, dataset_id: str) -> None:
    shutil.rmtree(layout.dataset(dataset_id), ignore_errors=True)
    layout.cell_copies(dataset_id).unlink(missing_ok=True)


def audit_whole(layout: Layout, folder: Path) -> Audit:
    """Audit a copy of a lake, of which no audit knows anything."""
    shutil.copytree(layout.root, folder)
    for kept in (folder / "catalogue").glob("audited_*"):
        shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    return audit_lake(Layout(folder))


def same(one: Audit, other: Audit) -> bool:
    return (
        one.leaks.equals(other.leaks)
        and one.datasets.drop("seen").equals(other.datasets.drop("seen"))
        and (one.n_shared_ids, one.changed) == (other.n_shared_ids, other.changed)
    )


some_cell = st.builds(
    Cell,
    hash=st.sampled_from([None, -(2**63), -400, 0, 400, 2**62]),
    group=st.sampled_from([None, 4, 2**62]),
    donor=st.sampled_from([None, "Ann", "Bob", "Eve"]),
    side=st.sampled_from(SIDES),
)
changes = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(some_cell, max_size=5), st.booleans()), min_size=2, max_size=5
)


@given(changes=changes)
@settings(max_examples=15, deadline=None)
def test_after_any_changes_the_same_is_found_as_by_an_audit_of_everything(changes):
    with TemporaryDirectory() as folder:
        layout = Layout(Path(folder) / "lake")
        for number, (dataset_id, cells, is_edited) in enumerate(changes):
            put(layout, dataset_id, cells)
            if is_edited and cells:  # by hand: the record does not know of it
                moved = layout.parts("validation", dataset_id) / "chunk_0001.parquet"
                moved.parent.mkdir(exist_ok=True)
                shutil.copy(layout.parts(cells[0].side, dataset_id) / "chunk_0000.parquet", moved)
            partial = audit_lake(layout)
            assert partial.n_read <= 1
            assert same(partial, audit_whole(layout, Path(folder) / f"{number}"))


def test_only_what_has_changed_is_read(layout: Layout) -> None:
    for dataset_id in ("one", "two", "three"):
        put(layout, dataset_id, [Cell(400, None, "Ann", "train")])
    assert audit_lake(layout).n_read == 3
    assert audit_lake(layout).n_read == 0
    put(layout, "two", [Cell(800, None, "Bob", "train")])
    assert audit_lake(layout).n_read == 1
    os.utime(layout.parts("train", "two") / "chunk_0000.parquet")
    assert audit_lake(layout).n_read == 1


def test_what_is_on_two_sides_is_told_at_each_audit(layout: Layout) -> None:
    put(layout, "one", [Cell(400, 4, "Ann", "train")])
    put(layout, "two", [Cell(400, 4, "Bob", "test")])
    first, again = audit_lake(layout), audit_lake(layout)
    assert first.leaks.select("kind", "what", "n_cells").rows() == [("exact copy", "cell_0 of one", 2)]
    assert again.n_read == 0
    assert again.leaks.equals(first.leaks)


def test_evidence_that_comes_later_is_looked_at(layout: Layout) -> None:
    put(layout, "one", [Cell(400, None, "Ann", "train")])
    put(layout, "two", [Cell(800, None, "Bob", "test")])
    assert audit_lake(layout).leaks.is_empty()
    for dataset_id in ("one", "two"):
        write(layout.cell_copies(dataset_id), pl.DataFrame({"cell_id": ["cell_0"], "copy_group": [5]}))
    assert audit_lake(layout).leaks["kind"].to_list() == ["copy"]


def test_another_plan_is_looked_at_although_no_file_of_a_side_has_changed(layout: Layout) -> None:
    put(layout, "one", [Cell(400, None, "Ann", "train")])
    assert audit_lake(layout).leaks.is_empty()
    planned = {"component_id": "c/Ann", "donor_uids": ["c/Ann"], "split": "test"}
    write(layout.split_plan, pl.DataFrame([planned], schema=PLAN_SCHEMA))
    assert audit_lake(layout).leaks["kind"].to_list() == ["not as planned"]


def test_what_was_kept_of_a_dataset_goes_with_it(layout: Layout) -> None:
    for dataset_id in ("one", "two"):
        put(layout, dataset_id, [Cell(400, None, "Ann", "train")])
    audit_lake(layout)
    remove(layout, "one")
    assert audit_lake(layout).datasets["dataset_id"].to_list() == ["two"]
    assert not layout.audited_cells("one").exists()


def test_what_another_version_has_kept_is_read_again(layout: Layout) -> None:
    put(layout, "one", [Cell(400, None, "Ann", "train")])
    audit_lake(layout)
    pl.read_parquet(layout.audited_datasets).drop("n_test").write_parquet(layout.audited_datasets)
    assert audit_lake(layout).n_read == 1


def test_hashes_are_compared_in_parts_where_they_are_many(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [Cell(hashed << 56, None, None, "train") for hashed in range(-100, 100)]
    put(layout, "one", cells)
    put(layout, "two", [cell._replace(side="test") for cell in cells[::7]])
    together = audit_lake(layout).leaks
    monkeypatch.setattr("c2s_assets.storage.leaks.audit._HASHES_AT_ONCE", 20)
    assert audit_lake(layout).leaks.equals(together)
    assert together["n_cells"].to_list() == [2 * len(cells[::7])]
