import os

from c2s_assets.core.runs.arrivals import Arrival
from c2s_assets.storage.sources.inbox import look_into_inbox
from c2s_assets_tests.toy import make_lake


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
