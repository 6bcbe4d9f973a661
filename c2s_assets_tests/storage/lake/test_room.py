import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from c2s_assets.core.errors import MachineError
from c2s_assets.schemas.record import Built, MadeFrom, Record
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import render_record
from c2s_assets.storage.lake.room import free_bytes, needed_bytes, rebuilding_bytes, require_room

MB = 2**20


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "lake")


def test_a_build_needs_room_for_its_tables_and_for_a_source_that_is_to_come(layout: Layout) -> None:
    here = needed_bytes(layout, "toy", source_bytes=100 * MB, is_to_come=False)
    assert here == 504 * MB
    assert needed_bytes(layout, "toy", source_bytes=100 * MB, is_to_come=True) == here + 100 * MB


def test_tables_that_are_there_take_no_more_room_but_while_they_are_replaced(layout: Layout) -> None:
    layout.dataset("toy").mkdir(parents=True)
    (layout.dataset("toy") / "cell_metadata.parquet").write_bytes(b"x" * 3 * MB)
    assert needed_bytes(layout, "toy", source_bytes=MB, is_to_come=False) == 7 * MB


def test_tables_that_a_catalogue_holds_on_to_give_no_room_back(layout: Layout) -> None:
    layout.dataset("toy").mkdir(parents=True)
    table = layout.dataset("toy") / "cell_metadata.parquet"
    table.write_bytes(b"x" * 3 * MB)
    (layout.root / "link").hardlink_to(table)
    assert needed_bytes(layout, "toy", source_bytes=MB) == 9 * MB


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (["split_manifest"], 1 + 4),
        (["dataset_profile", "cell_metadata", "split_manifest"], 6 + 4),
        (["split_manifest", "cell_sentences"], 1 + 8 + 3 * 10 + 4),
        (["split_manifest", "expression"], 5 * 10 - 14 + 4),
    ],
    ids=["a small one", "of obs alone", "one whose rows are staged", "one that was never built"],
)
def test_what_is_built_again_stands_beside_what_was_there(
    layout: Layout, tables: list[str], expected: int
) -> None:
    layout.raw.mkdir(parents=True)
    layout.raw_h5ad("toy").write_bytes(b"x" * 10 * MB)
    layout.dataset("toy").mkdir(parents=True)
    (layout.dataset("toy") / "all").write_bytes(b"x" * 14 * MB)
    sizes = {"dataset_profile": 2, "cell_metadata": 3, "split_manifest": 1, "cell_sentences": 8}
    made_from = MadeFrom(source_sha256="0" * 64, inputs={}, settings={}, code_version="1")
    built = {
        name: Built(files={name: n * MB}, n_rows=None, digest="", made_from=made_from, checks=[])
        for name, n in sizes.items()
    }
    layout.record("toy").write_text(render_record(Record(dataset_id="toy", built=built)))
    held = layout.record("toy").stat().st_size if "expression" in tables else 0
    assert rebuilding_bytes(layout, "toy", tables) == expected * MB - held


def test_what_does_not_fit_is_refused_with_both_figures(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=30 * MB))
    assert free_bytes(layout) == 30 * MB
    assert require_room(layout, 30 * MB, what="its build") == 30 * MB
    with pytest.raises(MachineError, match=r"its build needs about 31 MB, and 30 MB are free\. Nothing"):
        require_room(layout, 31 * MB, what="its build")
