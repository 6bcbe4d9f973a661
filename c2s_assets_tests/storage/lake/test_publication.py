"""Commits of several machines to one lake in a bucket: old or new, never a mix, and nothing lost."""

import random
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.errors import BucketError, DownloadError, LostRaceError
from c2s_assets.schemas.bucket import HeldUnit
from c2s_assets.schemas.record import Record
from c2s_assets.storage.bucket import bucket as buckets
from c2s_assets.storage.bucket.bucket import Bucket
from c2s_assets.storage.lake import refreshing, staging
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.publication import read_heads
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.refreshing import refresh
from c2s_assets.storage.lake.settings_file import change_settings, place_of_settings
from c2s_assets.storage.lake.shapes import is_shape, present
from c2s_assets.storage.lake.staging import commit_record, stage
from c2s_assets.storage.tables.expression import read_sparse
from c2s_assets.storage.tables.parquet import count_rows, size_bytes, table_schema
from c2s_assets_tests.buckets import CUT, S3, said, serve_s3
from c2s_assets_tests.storage.lake.committing import (
    DATASET,
    SIDES,
    built_of,
    commit_version,
    kill_while_committing,
    refreshed_version,
    version_here,
)


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serve_s3() as s3:
        yield s3


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    monkeypatch.setattr(buckets, "_PATIENCE", {"max_retries": 0, "retry_timeout": timedelta(seconds=5)})
    server.make_bucket()
    server.requests.clear()
    yield server
    server.fault = lambda _: None


def _machine(s3: S3, cache: Path) -> Layout:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C2S_CACHE", str(cache))
        return find_lake(f"{s3.address}/lake")


def test_a_commit_is_seen_by_other_machines_once_they_refresh(s3: S3, tmp_path: Path) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "old", "train", "test")
    assert refreshed_version(second) == ("old", ["old", "old"])
    commit_version(first, "new", "train", "test")
    assert (second.parts("train", DATASET) / "part").read_text() == "old"
    assert refreshed_version(second) == ("new", ["new", "new"])


def test_a_copy_that_was_not_read_stays_the_version_that_it_was(s3: S3, tmp_path: Path) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "old", "train", "test")
    refresh(second)
    commit_version(first, "new", "train", "test")
    for side in ("train", "test"):
        assert (present(second.parts(side, DATASET)) / "part").read_text() == "old"


def test_machines_that_build_different_tables_of_one_dataset_lose_nothing(s3: S3, tmp_path: Path) -> None:
    machines = [_machine(s3, tmp_path / str(number)) for number in range(4)]

    def build(number: int) -> None:
        for _ in range(3):
            commit_version(machines[number], str(number), f"table_{number}", asset=f"table_{number}")

    threads = [threading.Thread(target=build, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = _machine(s3, tmp_path / "last")
    assert set(read_record(last, DATASET).built) == {f"table_{number}" for number in range(4)}
    for number in range(4):
        assert (present(last.parts(f"table_{number}", DATASET)) / "part").read_text() == str(number)


def test_readers_see_old_or_new_and_no_mix(s3: S3, tmp_path: Path) -> None:
    writer = _machine(s3, tmp_path / "writer")
    commit_version(writer, "0", "train", "test")
    seen: list[tuple[str | None, list[str]]] = []
    is_done = threading.Event()

    def read(layout: Layout) -> None:
        while not is_done.is_set():
            seen.append(refreshed_version(layout))

    readers = [_machine(s3, tmp_path / str(number)) for number in range(4)]
    threads = [threading.Thread(target=read, args=(layout,)) for layout in readers]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 13):
            commit_version(writer, str(number), "train", "test")
    finally:
        is_done.set()
        for thread in threads:
            thread.join()
    assert len({record for record, _ in seen}) > 1
    assert [one for one in seen if one[1] != [one[0]] * 2] == []


def _put_plan(layout: Layout, content: str) -> None:
    with stage(layout, "split_plan") as staged:
        staged.path(layout.split_plan).write_text(content)
        staged.commit(layout.split_plan)


def test_of_two_machines_that_extend_the_plan_one_wins_and_the_other_goes_on_from_there(
    s3: S3, tmp_path: Path
) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    with alone(first, "split_plan"):
        with alone(second, "split_plan"):
            _put_plan(second, "of the second")
        with pytest.raises(LostRaceError, match=r"split_plan.json was changed by another machine"):
            _put_plan(first, "of the first")
    with alone(first, "split_plan"):
        assert present(first.split_plan).read_text() == "of the second"
        _put_plan(first, "of both")
    refresh(second)
    assert present(second.split_plan).read_text() == "of both"


def test_who_is_alone_with_the_plan_keeps_it_while_others_here_refresh(s3: S3, tmp_path: Path) -> None:
    """Otherwise what was made of the old plan would replace the new one."""
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    with alone(first, "split_plan"):
        _put_plan(second, "of the second")
        refresh(first)
        assert not first.split_plan.exists()
        with pytest.raises(LostRaceError):
            _put_plan(first, "of the first")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("503 Service Unavailable", "SlowDown"),
        ("400 Bad Request", "ExpiredToken"),
        ("507 Insufficient Storage", "XMinioStorageFull"),
        ("400 Bad Request", "BadDigest"),
        (CUT, ""),
    ],
    ids=["busy", "expired", "full", "damaged on its way", "cut"],
)
def test_a_commit_that_breaks_off_at_any_request_leaves_old_or_new(
    s3: S3, tmp_path: Path, status: str, code: str
) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "old", "train", "test")
    for n_answered in range(20):
        numbers = count()
        s3.fault = lambda _, numbers=numbers, n=n_answered: (
            (status, said(code)) if next(numbers) >= n else None
        )
        try:
            commit_version(first, f"new {n_answered}", "train", "test")
        except DownloadError:
            is_through = False
        else:
            is_through = True
        s3.fault = lambda _: None
        record, sides = refreshed_version(second)
        assert sides == [record, record]
        assert record == (f"new {n_answered}" if is_through else "old")
        assert refreshed_version(first) == (record, sides)
        if is_through:
            break
    assert n_answered > 2
    assert is_through


class _DeadError(Exception):
    """Stands for the end of a process: what it held is free, and what it left lies there."""


def _die_before_replay(layout: Layout, content: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "_replay", Mock(side_effect=_DeadError))
        with pytest.raises(_DeadError):
            commit_version(layout, content, *SIDES)


def test_what_a_dead_process_left_never_takes_the_place_of_what_came_after(s3: S3, tmp_path: Path) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "1", *SIDES, "further")
    _die_before_replay(first, "2")
    assert refreshed_version(second) == ("2", ["2", "2"])
    commit_version(second, "3", *SIDES)
    assert refreshed_version(first) == ("3", ["3", "3"])
    commit_record(first, DATASET, lambda record: record.with_built("other", built_of("o")))
    for layout in (first, second):
        assert refreshed_version(layout) == ("3", ["3", "3"])
        assert (present(layout.parts("further", DATASET)) / "part").read_text() == "1"


def test_what_a_dead_process_put_here_and_nobody_named_is_gone(s3: S3, tmp_path: Path) -> None:
    """Folders are read as they are: a file of an older version would be one more part."""
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "1", *SIDES)
    _die_before_replay(first, "2")
    refresh(second)
    with stage(second, DATASET) as staged:
        staged.commit(second.parts("test", DATASET))
    assert refreshed_version(first) == ("2", ["2"])


def test_a_commit_from_here_is_not_undone_by_a_refresh_that_had_begun(s3: S3, tmp_path: Path) -> None:
    layout = _machine(s3, tmp_path / "1")
    commit_version(layout, "1", *SIDES)
    second = _machine(s3, tmp_path / "2")
    commit_version(second, "2", *SIDES)

    def read_and_commit(bucket: Bucket, units: Sequence[str]) -> dict[str, HeldUnit]:
        found = read_heads(bucket, units)
        commit_version(layout, "3", *SIDES)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshing, "read_heads", read_and_commit)
        refresh(layout)
    assert version_here(layout) == ("3", ["3", "3"])


def test_who_is_killed_at_any_moment_leaves_old_or_new(s3: S3, tmp_path: Path) -> None:
    """benchmarks/object_storage_kills.py does it 50 times."""
    patience, caches = random.Random(0), [tmp_path / "1", tmp_path / "2"]  # noqa: S311  not for secrets
    for number in range(2):
        said = kill_while_committing(
            f"{s3.address}/lake", str(number), cache=caches[number % 2], patience=patience
        )
        for cache in caches:
            content, sides = version_here(_machine(s3, cache))
            assert sides == [content, content]
            assert content in {said[-1], f"{number}-{len(said)}"}


def test_settings_that_a_command_changes_are_those_of_the_bucket(s3: S3, tmp_path: Path) -> None:
    """The copy on this machine is written over by the next refresh."""
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    change_settings(first, lambda text: f"{text}spec: 1\n")
    refresh(second)
    change_settings(second, lambda text: f"{text}more: 2\n")
    for layout in (first, second):
        refresh(layout)
        assert layout.settings.read_text() == "spec: 1\nmore: 2\n"
        assert place_of_settings(layout) == f"{s3.address}/lake/datasets.yaml"


def test_a_record_alone_is_changed_as_it_is_now(s3: S3, tmp_path: Path) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "a", "train", asset="train_test")
    commit_record(second, DATASET, lambda record: record.with_built("other", built_of("b")))
    assert set(read_record(second, DATASET).built) == {"train_test", "other"}
    assert (present(second.parts("train", DATASET)) / "part").read_text() == "a"


def test_a_dataset_that_is_removed_leaves_nothing_here_or_there(s3: S3, tmp_path: Path) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    commit_version(first, "a", "train", "test")
    refresh(second)
    with stage(second, DATASET) as staged:
        staged.commit(second.dataset(DATASET))
    refresh(first)
    for layout in (first, second):
        assert read_record(layout, DATASET) == Record(dataset_id=DATASET)
        assert not layout.dataset(DATASET).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ('{"version": 2}', "version"),
        ('{"files": {"../stolen": {"object": "o", "size_bytes": 1, "sha256": ""}}}', "is no path below"),
        ('{"files": {"/stolen": {"object": "o", "size_bytes": 1, "sha256": ""}}}', "is no path below"),
    ],
    ids=["no JSON", "newer", "outside the lake", "anywhere"],
)
def test_what_others_wrote_into_the_bucket_is_refused_before_anything_is_done(
    s3: S3, tmp_path: Path, text: str, said: str
) -> None:
    machine = _machine(s3, tmp_path / "one")
    s3.put(s3.address, f"lake/published/datasets/{DATASET}.json", text.encode())
    with pytest.raises(
        BucketError, match=f"published/datasets/{DATASET}.json is not as this version.*(?s:.*){said}"
    ):
        refresh(machine)
    assert not list(tmp_path.rglob("stolen"))


def test_nothing_that_a_bucket_lacks_is_asked_of_it(s3: S3, tmp_path: Path) -> None:
    """No rename, no link, no lock: objects are read, written, listed, and never copied within the bucket."""
    layout = _machine(s3, tmp_path / "1")
    commit_version(layout, "a", "train", "test")
    commit_version(layout, "b", "train")
    refreshed_version(_machine(s3, tmp_path / "2"))
    assert {request.split()[0] for request in s3.requests} == {"GET", "PUT"}
    assert s3.n_copies == 0
    named = [request.split("/lake/")[1] for request in s3.requests if "PUT" in request]
    assert named[:3] == ["conditions.txt"] * 3  # once for each machine that writes
    del named[:3]
    assert len({name for name in named if not name.startswith("published/")}) == len(
        [name for name in named if not name.startswith("published/")]
    )


def test_of_expression_only_the_parts_that_hold_the_cells_are_fetched(s3: S3, tmp_path: Path) -> None:
    first, second = _machine(s3, tmp_path / "1"), _machine(s3, tmp_path / "2")
    target = first.parts("expression", DATASET)
    with stage(first, DATASET) as staged:
        staged.path(target).mkdir()
        for number in range(3):
            cells = pl.DataFrame({"feature_index": [[0], [1]], "value": [[1.0], [number + 1.0]]})
            types = {"feature_index": pl.List(pl.Int32), "value": pl.List(pl.Float32)}
            cells.cast(types).write_parquet(staged.path(target) / f"part-0000{number}.parquet")
        staged.commit(target)
    refresh(second)
    folder = second.parts("expression", DATASET)
    assert (count_rows(folder), table_schema(folder).names) == (6, ["feature_index", "value"])
    assert size_bytes(folder) == size_bytes(target)
    assert all(is_shape(part) for part in folder.iterdir())
    found = read_sparse(folder, np.array([3]), None, n_vars=2)
    assert found.toarray().tolist() == [[0.0, 2.0]]
    assert [is_shape(part) for part in sorted(folder.iterdir())] == [True, False, True]
