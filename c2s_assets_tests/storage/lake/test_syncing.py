"""A lake that is copied into a bucket, stopped at any request, and copied on."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from c2s_assets.core.errors import BusyServerError
from c2s_assets.storage.bucket import bucket as buckets
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.lake.syncing import sync_lake
from c2s_assets_tests.buckets import S3, said, serve_s3
from c2s_assets_tests.storage.lake.committing import built_of

_DATASETS = ("a", "b", "c")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3]:
    monkeypatch.setattr(buckets, "_PATIENCE", {"max_retries": 0, "retry_timeout": timedelta(seconds=5)})
    monkeypatch.setenv("C2S_CACHE", str(tmp_path / "cache"))
    with serve_s3() as served:
        served.make_bucket()
        yield served


@pytest.fixture
def lake(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "lake")
    for dataset_id in _DATASETS:
        targets = [layout.parts("train", dataset_id), layout.table("cell_metadata", dataset_id)]
        with stage(layout, dataset_id) as staged:
            staged.path(targets[0]).mkdir()
            (staged.path(targets[0]) / "part").write_text(f"train of {dataset_id}")
            staged.path(targets[1]).write_text(f"cells of {dataset_id}")
            staged.commit(*targets, record=lambda record: record.with_built("train_test", built_of("x")))
    return layout


def _sent(s3: S3) -> list[str]:
    return [request for request in s3.requests if request.startswith("PUT") and "/datasets/" in request]


def test_who_is_stopped_goes_on_with_what_is_left(s3: S3, lake: Layout) -> None:
    lake.inbox.mkdir()
    (lake.inbox / "no name of a dataset.txt").write_text("what else lies there stays there")
    there = find_lake(f"{s3.address}/lake")
    for done in sync_lake(lake, there):
        assert (done.unit, done.n_places) == ("datasets/a", 2)
        break
    s3.requests.clear()
    assert [(done.unit, done.n_places) for done in sync_lake(lake, there)] == [
        ("datasets/a", 0),
        ("datasets/b", 2),
        ("datasets/c", 2),
    ]
    assert not [request for request in _sent(s3) if "/datasets/a" in request]


def test_a_copy_that_breaks_off_at_any_request_is_whole_units_and_ends_equal(
    s3: S3, lake: Layout, tmp_path: Path
) -> None:
    there, left = find_lake(f"{s3.address}/lake"), 0
    for n_answered in count(1, 2):
        numbers = count()
        s3.fault = lambda _, numbers=numbers, n=n_answered: (
            ("503 Service Unavailable", said("SlowDown")) if next(numbers) >= n else None
        )
        try:
            list(sync_lake(lake, there))
        except BusyServerError:
            left += 1
        else:
            break
        finally:
            s3.fault = lambda _: None
        seen = find_lake(f"{s3.address}/lake")
        for dataset_id in _DATASETS:
            if seen.dataset(dataset_id).exists():
                assert tree_digest(seen.dataset(dataset_id)) == tree_digest(lake.dataset(dataset_id))
    assert left > 1
    back = Layout(tmp_path / "back")
    list(sync_lake(find_lake(f"{s3.address}/lake"), back))
    assert tree_digest(back.datasets) == tree_digest(lake.datasets)
