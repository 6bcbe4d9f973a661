"""What has to change until a repository holds a release."""

from c2s_assets.core.releases.changes import (
    Change,
    HubFile,
    LocalFile,
    compare_files,
    git_oid,
    in_commits,
    summarise,
)


def local(content: bytes, sha256: str) -> LocalFile:
    return LocalFile(len(content), sha256, lambda: git_oid(content))


def not_read() -> str:
    raise AssertionError("a file with a SHA-256 is not read")


def test_files_are_compared_by_size_and_digest() -> None:
    files = {
        "same": LocalFile(3, "aa", not_read),
        "other": LocalFile(3, "bb", not_read),
        "small, same": local(b"card", "cc"),
        "small, other": local(b"card", "cc"),
        "longer": local(b"cards", "dd"),
        "new": LocalFile(9, "ee", not_read),
    }
    published = {
        "same": HubFile(3, "pointer", "aa"),
        "other": HubFile(3, "pointer", "aa"),
        "small, same": HubFile(4, git_oid(b"card"), None),
        "small, other": HubFile(4, git_oid(b"carp"), None),
        "longer": HubFile(4, git_oid(b"card"), None),
        "withdrawn": HubFile(7, "pointer", "ff"),
        "somebody else's": HubFile(8, "pointer", "00"),
    }
    assert compare_files(files, published, ours=["same", "withdrawn"]) == [
        Change("longer", "changed", 5),
        Change("new", "added", 9),
        Change("other", "changed", 3),
        Change("small, other", "changed", 4),
        Change("withdrawn", "removed", 7),
    ]


def test_a_commit_holds_at_most_100_files() -> None:
    changes = [Change(f"{n}", "added", 1) for n in range(201)]
    parts = list(in_commits(changes))
    assert [len(part) for part in parts] == [100, 100, 1]
    assert [change for part in parts for change in part] == changes


def test_a_summary_counts_files_and_bytes_by_folder() -> None:
    changes = [
        Change("blood/train/1.parquet", "added", 10),
        Change("blood/test/1.parquet", "added", 5),
        Change("blood/test/0.parquet", "removed", 2),
        Change("README.md", "changed", 1),
    ]
    assert summarise(changes).rows() == [
        ("README.md", "changed", 1, 1),
        ("blood", "added", 2, 15),
        ("blood", "removed", 1, 2),
    ]
    assert summarise([]).rows() == []
