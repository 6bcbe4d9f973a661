"""The Hub as a whole: its repositories, who may do what, and what is asked of it."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from c2s_assets.local_hub.repository import RefusalError, Repo

# Who has the first may write, who has the other may read.
WRITER, READER = "hf_writer", "hf_reader"


@dataclass(frozen=True)
class HubAnswer:
    """What is sent back."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """What was asked for; `says` is what stands in the path."""

    hub: "Hub"
    says: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    user: str | None

    @property
    def repo(self) -> Repo:
        """The repository, if who asks may see it."""
        repo = self.hub.repo(self.says["repo"])
        if repo.private and self.user is None:
            raise RefusalError(401, "Repository not found", {"X-Error-Code": "RepoNotFound"})
        return repo

    @property
    def revision(self) -> str:
        """The revision that is named, main by default."""
        return self.says.get("revision") or "main"

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"null")

    @property
    def pull(self) -> dict[str, Any]:
        """The pull request that is named."""
        number = int(self.says["number"])
        if not 0 < number <= len(self.repo.pulls):
            raise RefusalError(404, f"no discussion {number}")
        return self.repo.pulls[number - 1]


@dataclass(frozen=True)
class Route:
    """One kind of request: how it is known, and what is answered, as JSON unless it is a HubAnswer."""

    name: str
    method: str
    pattern: str
    answer: Callable[[Asked], Any]
    is_for_writers: bool = False


@dataclass
class Hub:
    """The repositories in a folder; every method may be called while it serves."""

    folder: Path
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _repos: dict[str, Repo] = field(default_factory=dict)

    def repo(self, name: str) -> Repo:
        """Return a repository that is there."""
        with self.lock:
            folder = self.folder / name.replace("/", "--")
            if name not in self._repos and (folder / "repo.json").exists():
                said = json.loads((folder / "repo.json").read_text(encoding="utf-8"))
                self._repos[name] = Repo(folder, **said)
            if name not in self._repos:
                raise RefusalError(404, "Repository not found", {"X-Error-Code": "RepoNotFound"})
            return self._repos[name]

    def create(self, name: str, *, private: bool = False) -> Repo:
        """Make a repository that holds what the Hub puts into every one."""
        with self.lock:
            folder = self.folder / name.replace("/", "--")
            folder.mkdir(parents=True)
            self._repos[name] = Repo(folder, private=private)
            self._repos[name].write(".gitattributes", b"*.parquet filter=lfs\n")
            return self._repos[name]

    def answer(self, route: Route, asked: Asked) -> HubAnswer:
        """Answer a request, if who asks may do that.

        Raises
        ------
        RefusalError
            If not, or what is asked for is not there.
        """
        with self.lock:
            if route.is_for_writers and asked.user != WRITER:
                what = "you have no right to write here" if asked.user else "Invalid username or password."
                raise RefusalError(403 if asked.user else 401, what)
            found = route.answer(asked)
        if isinstance(found, HubAnswer):
            return found
        said, headers = found if isinstance(found, tuple) else (found, {})
        return HubAnswer(json.dumps(said).encode(), {"Content-Type": "application/json", **headers})
