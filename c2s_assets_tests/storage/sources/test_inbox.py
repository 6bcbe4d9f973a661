import os

from c2s_assets.core.runs.arrivals import Arrival
from c2s_assets.storage.sources.inbox import look_into_inbox
from c2s_assets_tests.toy import make_lake, write_toy_h5ad


def test_a_lake_without_inbox_has_no_arrivals(tmp_path):
    layout = make_lake(tmp_path)
    layout.inbox.rmdir()
    assert look_into_inbox(layout) == ({}, [])


def test_files_arrive_under_their_dataset_id_with_what_tells_versions_apart(tmp_path):
    layout = make_lake(tmp_path)
    layout.inbox_h5ad("b").write_bytes(b"12345")
    layout.inbox_h5ad("a").write_bytes(b"123")
    os.utime(layout.inbox_h5ad("a"), ns=(0, 77))
    arrivals, problems = look_into_inbox(layout)
    assert list(arrivals) == ["a", "b"]
    assert arrivals["a"] == Arrival(size_bytes=3, modified_ns=77)
    assert problems == []


def test_what_cannot_become_a_dataset_is_told_and_does_not_hide_the_rest(tmp_path):
    layout = make_lake(tmp_path)
    layout.inbox_h5ad("good").write_bytes(b"1")
    (layout.inbox / "my file.h5ad").touch()
    (layout.inbox / "folder.h5ad").mkdir()
    os.mkfifo(layout.inbox / "pipe.h5ad")
    (layout.inbox / "link.h5ad").symlink_to("/etc/passwd")
    (layout.inbox / "loop.h5ad").symlink_to("loop.h5ad")
    arrivals, problems = look_into_inbox(layout)
    assert list(arrivals) == ["good"]
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"inbox, '{name}.h5ad'" for name in ("folder", "link", "loop", "my file", "pipe")
    ]
    assert "is not a file" in problems[0]
    assert "'/etc/passwd'" in problems[1]
    assert "'my file' cannot be a dataset id" in problems[3]


def test_a_file_that_a_build_takes_meanwhile_is_passed_over(tmp_path, monkeypatch):
    layout = make_lake(tmp_path)
    gone = layout.inbox_h5ad("gone")
    monkeypatch.setattr(type(layout), "dropped", lambda _: iter([gone]))
    assert look_into_inbox(layout) == ({}, [])


def test_what_is_dropped_and_not_named_as_an_h5ad_is_said(tmp_path):
    layout = make_lake(tmp_path)
    write_toy_h5ad(layout.inbox / "matrix.h5")
    (layout.inbox / "data.rds").write_bytes(b"X\n\0\0\0")
    (layout.inbox / "store.zarr").mkdir()
    (layout.inbox / "é.h5ad").touch()
    layout.inbox_h5ad("noted").touch()
    layout.inbox_note("noted").touch()
    (layout.inbox / ".DS_Store").touch()
    arrivals, problems = look_into_inbox(layout)
    assert list(arrivals) == ["noted"]
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"inbox, {name!r}" for name in ("é.h5ad", "data.rds", "matrix.h5", "store.zarr")
    ]
    assert problems[0].endswith("Rename the file, for example to e.h5ad")
    assert "readRDS" in problems[1]
    assert "it is an HDF5 file, but not named as an h5ad" in problems[2]
    assert all("c2s add PATH" in problem for problem in problems[2:])
