"""Files that people put into the bucket of a lake with other tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.refreshing import refresh
from c2s_assets.storage.lake.shapes import is_shape, present
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.lake.syncing import sync_lake
from c2s_assets.storage.sources.inbox import look_into_inbox
from c2s_assets_tests.buckets import S3, serve_s3

_KEY = "lake/inbox/d.h5ad"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serve_s3() as s3:
        yield s3


@pytest.fixture
def s3(server: S3) -> S3:
    server.make_bucket()
    return server


def _machine(s3: S3, cache: Path) -> Layout:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C2S_CACHE", str(cache))
        return find_lake(f"{s3.address}/lake")


def _adopt(layout: Layout) -> None:
    with stage(layout, "d") as staged:
        staged.commit(moved={layout.inbox_h5ad("d"): layout.raw_h5ad("d")})


def test_a_dropped_file_waits_on_all_machines_until_one_has_taken_it(s3: S3, tmp_path: Path) -> None:
    s3.put(s3.address, _KEY, b"some cells")
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    for layout in (first, second):
        arrivals, problems = look_into_inbox(layout)
        assert ({name: one.size_bytes for name, one in arrivals.items()}, problems) == ({"d": 10}, [])
        assert is_shape(layout.inbox_h5ad("d"))
    _adopt(first)
    refresh(second)
    for layout in (first, second):
        assert not layout.inbox_h5ad("d").exists()
        assert present(layout.raw_h5ad("d")).read_bytes() == b"some cells"
    assert _KEY not in s3.objects(s3.address)


def test_a_file_that_is_dropped_while_another_of_its_name_is_taken_stays(s3: S3, tmp_path: Path) -> None:
    """It has the same size; only the bucket tells them apart."""
    s3.put(s3.address, _KEY, b"some cells")
    layout = _machine(s3, tmp_path)
    before, _ = look_into_inbox(layout)
    present(layout.inbox_h5ad("d"))
    s3.put(s3.address, _KEY, b"more cells")
    _adopt(layout)
    assert present(layout.raw_h5ad("d")).read_bytes() == b"some cells"
    assert s3.objects(s3.address)[_KEY] == b"more cells"
    refresh(layout)
    after, _ = look_into_inbox(layout)
    assert after["d"] != before["d"]
    assert present(layout.inbox_h5ad("d")).read_bytes() == b"more cells"


@pytest.mark.parametrize("key", ["inbox/d.h5ad/x", "inbox/.hidden.h5ad", "inbox/notes.txt", "inbox/..h5ad/"])
def test_what_is_no_h5ad_in_the_inbox_is_left_alone(s3: S3, tmp_path: Path, key: str) -> None:
    s3.put(s3.address, f"lake/{key}", b"something")
    assert look_into_inbox(_machine(s3, tmp_path)) == ({}, [])


def test_a_file_that_settings_name_is_the_object_of_that_name(s3: S3, tmp_path: Path) -> None:
    s3.put(s3.address, "lake/datasets.yaml", b"prompts: {tokenizer: models/tokenizer.json}\n")
    s3.put(s3.address, "lake/models/tokenizer.json", b"old")
    layout = _machine(s3, tmp_path / "1")
    place = layout.named("models/tokenizer.json")
    assert is_shape(place)
    assert present(place).read_bytes() == b"old"
    s3.put(s3.address, "lake/models/tokenizer.json", b"new")
    refresh(layout)
    assert present(place).read_bytes() == b"new"
    back, there = Layout(tmp_path / "back"), f"{s3.address}/copy"
    assert list(sync_lake(layout, back)) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C2S_CACHE", str(tmp_path / "2"))
        assert list(sync_lake(back, find_lake(there))) == []
    assert s3.objects(s3.address)["copy/models/tokenizer.json"] == b"new"
