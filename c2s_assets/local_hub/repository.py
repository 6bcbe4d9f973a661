"""A dataset repository on disk: commits, branches, tags and pull requests, as the Hub has them."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from c2s_assets.core.releases.changes import git_oid

_LARGE = re.compile(r"\.(parquet|png|h5ad)$")


@dataclass
class RefusalError(Exception):
    """An answer that is an error."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_page: bool = False


@dataclass(frozen=True)
class Entry:
    """A file of a commit; `oid` is that of git, or the SHA-256 of what is in large file storage."""

    oid: str
    size: int
    is_large: bool

    @property
    def git_oid(self) -> str:
        """What git calls it; of a large file, its pointer."""
        return git_oid(f"oid sha256:{self.oid} size {self.size}".encode()) if self.is_large else self.oid


@dataclass
class Repo:
    """A repository: commits, each with all its files, and the names of some."""

    folder: Path
    private: bool = False
    commits: dict[str, dict[str, Any]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    _listed: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def resolve(self, revision: str) -> str:
        """Return the commit that a branch, a tag, a pull request or an id means."""
        named = {**self.tags, **self.branches, **{pull["ref"]: pull["head"] for pull in self.pulls}}
        named |= {f"refs/heads/{name}": oid for name, oid in self.branches.items()}
        oid: str = named.get(revision, revision)
        if oid not in self.commits:
            raise RefusalError(404, f"no revision {revision}", {"X-Error-Code": "RevisionNotFound"})
        return oid

    def files(self, revision: str = "main") -> dict[str, Entry]:
        """Return the files of a revision, by path."""
        return {
            path: Entry(*said) for path, said in sorted(self.commits[self.resolve(revision)]["files"].items())
        }

    def listed(self, revision: str, folder: str) -> list[dict[str, Any]]:
        """List what is below a folder, as the Hub tells it; kept, because it is told page by page."""
        key = (self.resolve(revision), folder)
        if key not in self._listed:
            self._listed[key] = entries(self.files(revision), folder)
        return self._listed[key]

    def read(self, revision: str, path: str) -> bytes:
        """Return the content of a file."""
        entry = self.files(revision).get(path)
        if entry is None:
            raise RefusalError(404, f"no file {path}", {"X-Error-Code": "EntryNotFound"})
        return (self.folder / entry.oid).read_bytes()

    def history(self, revision: str) -> list[str]:
        """List the commits of a revision, newest first."""
        found: list[str] = []
        oid = self.resolve(revision)
        while oid:
            found.append(oid)
            oid = self.commits[oid]["parent"]
        return found

    def write(self, path: str, content: bytes, *, revision: str = "main") -> str:
        """Commit one file as somebody else would."""
        entry = self.keep(content, is_large=is_large(path))
        return self.commit(revision, {path: entry}, set(), title=f"write {path}")

    def keep(self, content: bytes, *, is_large: bool) -> Entry:
        """Keep a content, and return what it is known by."""
        oid = hashlib.sha256(content).hexdigest() if is_large else git_oid(content)
        (self.folder / oid).write_bytes(content)
        return Entry(oid, len(content), is_large)

    def commit(self, revision: str, added: Mapping[str, Entry], removed: set[str], *, title: str) -> str:
        """Put a commit on a branch or a pull request, and keep all on disk."""
        parent = self.resolve(revision) if self.commits else ""
        files = dict(self.commits[parent]["files"]) if parent else {}
        files = {path: said for path, said in files.items() if path not in removed}
        files |= {path: [entry.oid, entry.size, entry.is_large] for path, entry in added.items()}
        said = {"parent": parent, "title": title, "files": files}
        oid = hashlib.sha1(json.dumps(said, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        self.commits[oid] = said
        pull = next((pull for pull in self.pulls if pull["ref"] == revision), None)
        if pull is None:
            self.branches[revision] = oid
        else:
            pull["head"] = oid
        self.save()
        return oid

    def merge(self, pull: dict[str, Any]) -> None:
        """Put what a pull request changes on main, in one commit."""
        base = self.commits[pull["base"]]["files"]
        ours, theirs = self.commits[pull["head"]]["files"], self.commits[self.branches["main"]]["files"]
        changed = {path for path in {*base, *ours} if base.get(path) != ours.get(path)}
        moved = {path for path in {*base, *theirs} if base.get(path) != theirs.get(path)}
        if changed & moved:
            raise RefusalError(409, "there are conflicts")
        added = {path: Entry(*ours[path]) for path in changed if path in ours}
        pull["status"] = "merged"
        self.commit("main", added, changed - ours.keys(), title=pull["title"])

    def save(self) -> None:
        """Keep all but contents on disk."""
        names = ("private", "commits", "branches", "tags", "pulls")
        text = json.dumps({name: getattr(self, name) for name in names})
        partial = self.folder / "repo.part"
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.folder / "repo.json")


def is_large(path: str) -> bool:
    """Whether a file goes into large file storage."""
    return _LARGE.search(path) is not None


def entries(files: Mapping[str, Entry], folder: str) -> list[dict[str, Any]]:
    """List files below a folder, and the folders between, as the Hub tells it."""
    found: dict[str, dict[str, Any]] = {}
    for path, entry in files.items():
        if not path.startswith(folder):
            continue
        for parent in Path(path).parents:
            name = parent.as_posix()
            if name != "." and f"{name}/" != folder and name.startswith(folder):
                found[name] = {"type": "directory", "path": name, "oid": git_oid(name.encode()), "size": 0}
        found[path] = {"type": "file", "path": path, "oid": entry.git_oid, "size": entry.size}
        if entry.is_large:
            found[path]["lfs"] = {"oid": entry.oid, "size": entry.size, "pointerSize": 134}
    return [found[path] for path in sorted(found)]
