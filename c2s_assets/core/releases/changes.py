"""What publishing a release would change in its repository."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Literal

import polars as pl

# Of one commit, as the Hub recommends (docs/hub/repositories-recommendations): 2,200 datasets of three files
# each are 66 commits, of the 128 that it takes in an hour.
_FILES_PER_COMMIT = 100

Kind = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: what git calls it and, of one in large file storage, its SHA-256."""

    size_bytes: int
    git_oid: str
    sha256: str | None


@dataclass(frozen=True)
class Change:
    """What becomes of a file; the size of one that is removed is that which it has."""

    path: str
    kind: Kind
    size_bytes: int


@dataclass(frozen=True)
class LocalFile:
    """A file that waits to be published; `git_oid` reads it, and is asked for where there is no SHA-256."""

    size_bytes: int
    sha256: str
    git_oid: Callable[[], str]

    def is_as(self, published: HubFile) -> bool:
        """Whether a file of the repository has this content."""
        if published.size_bytes != self.size_bytes:
            return False
        if published.sha256 is not None:
            return published.sha256 == self.sha256
        return published.git_oid == self.git_oid()


def bytes_to_send(changes: Iterable[Change]) -> int:
    """Sum the sizes of files that are added or changed; of large ones fewer bytes may have to be sent."""
    return sum(change.size_bytes for change in changes if change.kind != "removed")


def compare_files(
    local: Mapping[str, LocalFile], published: Mapping[str, HubFile], *, ours: Collection[str]
) -> list[Change]:
    """List what has to change, by path, until a repository holds these files.

    Parameters
    ----------
    ours
        Files that an earlier release put there: of these alone what is not in this release is removed.
    """
    changes = []
    for path, file in local.items():
        if path not in published:
            changes.append(Change(path, "added", file.size_bytes))
        elif not file.is_as(published[path]):
            changes.append(Change(path, "changed", file.size_bytes))
    gone = [path for path in published if path in ours and path not in local]
    changes += [Change(path, "removed", published[path].size_bytes) for path in gone]
    return sorted(changes, key=lambda change: change.path)


def in_commits(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Part changes into those of one commit each."""
    for start in range(0, len(changes), _FILES_PER_COMMIT):
        yield changes[start : start + _FILES_PER_COMMIT]


def summarise(changes: Sequence[Change]) -> pl.DataFrame:
    """Count what is added, changed and removed by folder at the top: columns folder, change, files, bytes."""
    rows = pl.DataFrame(
        [(change.path.partition("/")[0], change.kind, change.size_bytes) for change in changes],
        schema={"folder": pl.String, "change": pl.String, "bytes": pl.Int64},
        orient="row",
    )
    return (
        rows.group_by("folder", "change")
        .agg(pl.len().cast(pl.Int64).alias("files"), pl.col("bytes").sum())
        .sort("folder", "change")
    )


def git_oid(content: bytes) -> str:
    """Return the name that git gives to a content."""
    return sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
