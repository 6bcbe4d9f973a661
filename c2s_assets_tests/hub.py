"""A Hugging Face Hub of our own on 127.0.0.1: keeps dataset repositories on disk, and fails when told to.

It speaks what `huggingface_hub` asks for when it publishes, and what that and `datasets` ask for to read.
Files go the way of Git LFS: Xet, which is a protocol of its own, has to be switched off by the client's own
variable, ``HF_HUB_DISABLE_XET=1``, as `without_xet` does in this process.

In a test::

    with serve_hub(tmp_path / "hub") as hub:
        hub.misbehave("commit", "unavailable", n_times=2)
        ...
        assert hub.repo("me/corpus").read("main", "README.md")

As a process, which prints its address and ends by itself::

    python -m c2s_assets_tests.hub --folder hub --port 0 --seconds 120

``GET /control/sent`` then tells how often each large file has arrived.
"""

import argparse
import base64
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, quote, unquote, urlsplit

Fault = Literal[
    "busy",  # 429, with Retry-After if told
    "quota",  # 429, the hourly quota of commits
    "unavailable",  # 503
    "timeout",  # 504, and nothing was done
    "lost answer",  # 504, though it was done
    "too large",  # 413 with a page of HTML
    "full",  # 403, no storage left
    "cut",  # hangs up without an answer
    "locked",  # 409, another commit is in progress
]
Route = Literal[
    *("whoami", "create", "info", "refs", "commits", "tree", "paths", "resolve"),
    *("validate", "preupload", "batch", "blob", "commit"),
    *("list pulls", "open pull", "pull", "status", "merge", "tag"),
]
WRITER, READER = "hf_writer", "hf_reader"
_DATE = "2026-01-01T00:00:00.000Z"
_PER_PAGE = 1000
_LARGE = re.compile(r"\.(parquet|png|h5ad)$")
_REPO = r"/(?P<repo>[^/]+/[^/]+)"
_ROUTES: Mapping[Route, tuple[str, str]] = {
    "whoami": ("GET", r"/api/whoami-v2"),
    "create": ("POST", r"/api/repos/create"),
    "validate": ("POST", r"/api/validate-yaml"),
    "info": ("GET", rf"/api/datasets{_REPO}(/revision/(?P<revision>[^/]+))?"),
    "refs": ("GET", rf"/api/datasets{_REPO}/refs"),
    "commits": ("GET", rf"/api/datasets{_REPO}/commits/(?P<revision>[^/]+)"),
    "tree": ("GET", rf"/api/datasets{_REPO}/tree/(?P<revision>[^/]+)(/(?P<path>.+))?"),
    "paths": ("POST", rf"/api/datasets{_REPO}/paths-info/(?P<revision>[^/]+)"),
    "preupload": ("POST", rf"/api/datasets{_REPO}/preupload/(?P<revision>[^/]+)"),
    "commit": ("POST", rf"/api/datasets{_REPO}/commit/(?P<revision>[^/]+)"),
    "tag": ("POST", rf"/api/datasets{_REPO}/tag/(?P<revision>[^/]+)"),
    "list pulls": ("GET", rf"/api/datasets{_REPO}/discussions"),
    "open pull": ("POST", rf"/api/datasets{_REPO}/discussions"),
    "pull": ("GET", rf"/api/datasets{_REPO}/discussions/(?P<number>\d+)"),
    "status": ("POST", rf"/api/datasets{_REPO}/discussions/(?P<number>\d+)/status"),
    "merge": ("POST", rf"/api/datasets{_REPO}/discussions/(?P<number>\d+)/merge"),
    "batch": ("POST", rf"/datasets{_REPO}\.git/info/lfs/objects/batch"),
    "blob": ("PUT", r"/blobs/(?P<oid>[0-9a-f]{64})"),
    "resolve": ("GET", rf"/datasets{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
}
_WRITING = frozenset(
    {"create", "preupload", "batch", "blob", "commit", "open pull", "status", "merge", "tag"}
)


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
        oid = named.get(revision, revision)
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
            self._listed[key] = _entries(self.files(revision), folder)
        return self._listed[key]

    def read(self, revision: str, path: str) -> bytes:
        """Return the content of a file."""
        entry = self.files(revision).get(path)
        if entry is None:
            raise RefusalError(404, f"no file {path}", {"X-Error-Code": "EntryNotFound"})
        return (self.folder / entry.oid).read_bytes()

    def history(self, revision: str) -> list[str]:
        """List the commits of a revision, newest first."""
        found, oid = [], self.resolve(revision)
        while oid:
            found.append(oid)
            oid = self.commits[oid]["parent"]
        return found

    def write(self, path: str, content: bytes, *, revision: str = "main") -> str:
        """Commit one file as somebody else would."""
        entry = self.keep(content, is_large=bool(_LARGE.search(path)))
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


@dataclass
class Misbehaviour:
    """What one route does wrong, from when on, and how often it still will."""

    fault: Fault
    n_times: int
    n_before: int
    retry_after: str | None


@dataclass
class LocalHub:
    """The state of the server; every method may be called while it serves.

    Attributes
    ----------
    n_requests
        How often each route was asked for.
    n_sent
        How often each large file has arrived whole, by SHA-256.
    """

    folder: Path
    url: str = ""
    n_requests: Counter[str] = field(default_factory=Counter)
    n_sent: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _repos: dict[str, Repo] = field(default_factory=dict)
    _misbehaviours: dict[str, Misbehaviour] = field(default_factory=dict)

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

    def misbehave(
        self,
        route: Route,
        fault: Fault,
        *,
        n_times: int = 1,
        n_before: int = 0,
        retry_after: str | None = None,
    ) -> None:
        """Let the next requests of a route go wrong, after some that go well."""
        if route not in _ROUTES or fault not in get_args(Fault):
            raise ValueError(f"{route!r} is not one of {', '.join(_ROUTES)}, or {fault!r} no fault")
        with self.lock:
            self._misbehaviours[route] = Misbehaviour(fault, n_times, n_before, retry_after)

    def behave(self) -> None:
        """Let nothing go wrong any more."""
        with self.lock:
            self._misbehaviours.clear()

    def fault_of(self, route: str) -> Misbehaviour | None:
        """Count a request of a route, and take one of the misbehaviours that it still has to do."""
        with self.lock:
            self.n_requests[route] += 1
            found = self._misbehaviours.get(route)
            if found is None or found.n_times < 1:
                return None
            if found.n_before > 0:
                found.n_before -= 1
                return None
            found.n_times -= 1
            return found


@dataclass(frozen=True)
class Request:
    """What was asked for; `says` is what stands in the path."""

    hub: LocalHub
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


def git_oid(content: bytes) -> str:
    """Return what git calls a content."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _whoami(asked: Request) -> Any:
    if asked.user is None:
        raise RefusalError(401, "Invalid credentials in Authorization header")
    role = "write" if asked.user == WRITER else "read"
    return {"type": "user", "name": "me", "auth": {"accessToken": {"role": role, "displayName": "test"}}}


def _create(asked: Request) -> Any:
    name = f"{asked.json['organization'] or 'me'}/{asked.json['name']}"
    url = f"{asked.hub.url}/datasets/{name}"
    try:
        asked.hub.repo(name)
    except RefusalError:
        asked.hub.create(name, private=asked.json.get("visibility") == "private")
        return {"url": url, "name": name}
    raise RefusalError(409, "You already created this dataset repo")


def _validate(_: Request) -> Any:
    return {"errors": [], "warnings": []}


def _info(asked: Request) -> Any:
    repo = asked.repo
    oid = repo.resolve(asked.revision)
    siblings = [{"rfilename": path} for path in repo.files(oid)]
    name = asked.says["repo"]
    return {"id": name, "sha": oid, "private": repo.private, "siblings": siblings, "tags": [], "downloads": 0}


def _refs(asked: Request) -> Any:
    repo = asked.repo
    branches = _named(repo.branches, "refs/heads")
    return {"branches": branches, "converts": [], "tags": _named(repo.tags, "refs/tags")}


def _named(refs: Mapping[str, str], place: str) -> list[dict[str, str]]:
    return [{"name": name, "ref": f"{place}/{name}", "targetCommit": oid} for name, oid in refs.items()]


def _commits(asked: Request) -> Any:
    return [
        {"id": oid, "authors": [], "date": _DATE, "title": asked.repo.commits[oid]["title"], "message": ""}
        for oid in asked.repo.history(asked.revision)
    ]


def _tree(asked: Request) -> Any:
    start = int(asked.query.get("cursor", 0))
    folder = f"{asked.says['path']}/" if asked.says.get("path") else ""
    found = asked.repo.listed(asked.revision, folder)
    if folder and not found:
        raise RefusalError(404, f"no folder {folder}", {"X-Error-Code": "EntryNotFound"})
    if asked.query.get("recursive", "").lower() != "true":
        found = [one for one in found if "/" not in one["path"].removeprefix(folder)]
    more = start + _PER_PAGE
    headers = {}
    if more < len(found):
        place = f"/api/datasets/{asked.says['repo']}/tree/{quote(asked.revision, safe='')}"
        place += f"/{quote(asked.says['path'], safe='')}" if folder else ""
        recursive = asked.query.get("recursive", "False")
        headers = {"Link": f'<{asked.hub.url}{place}?recursive={recursive}&cursor={more}>; rel="next"'}
    return found[start:more], headers


def _entries(files: Mapping[str, Entry], folder: str) -> list[dict[str, Any]]:
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


def _paths(asked: Request) -> Any:
    wanted = parse_qs(asked.body.decode())["paths"]
    return [one for one in _entries(asked.repo.files(asked.revision), "") if one["path"] in wanted]


def _preupload(asked: Request) -> Any:
    held = asked.repo.files(asked.revision)
    return {
        "files": [
            {
                "path": file["path"],
                "uploadMode": "lfs" if _LARGE.search(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": held[file["path"]].oid if file["path"] in held else None,
            }
            for file in asked.json["files"]
        ]
    }


def _batch(asked: Request) -> Any:
    objects = []
    for one in asked.json["objects"]:
        said: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
        if not (asked.repo.folder / one["oid"]).exists():
            place = f"{asked.hub.url}/blobs/{one['oid']}?repo={quote(asked.says['repo'], safe='')}"
            said["actions"] = {"upload": {"href": place, "header": {}}}
        objects.append(said)
    return {"transfer": "basic", "objects": objects}


def _blob(asked: Request) -> Any:
    if hashlib.sha256(asked.body).hexdigest() != asked.says["oid"]:
        raise RefusalError(400, "this is not what was announced")
    asked.hub.repo(asked.query["repo"]).keep(asked.body, is_large=True)
    asked.hub.n_sent[asked.says["oid"]] += 1
    return {}


def _commit(asked: Request) -> Any:
    repo, lines = asked.repo, [json.loads(line) for line in asked.body.splitlines()]
    header, added, removed = lines[0]["value"], {}, set()
    if header.get("parentCommit") not in (None, repo.resolve(asked.revision)):
        raise RefusalError(412, "A commit has happened since. Please refresh and try again.")
    for line in lines[1:]:
        value = line["value"]
        match line["key"]:
            case "file":
                added[value["path"]] = repo.keep(base64.b64decode(value["content"]), is_large=False)
            case "lfsFile":
                if not (repo.folder / value["oid"]).exists():
                    raise RefusalError(400, f"{value['path']} was not uploaded")
                added[value["path"]] = Entry(value["oid"], value["size"], is_large=True)
            case "deletedFile":
                if value["path"] not in repo.files(asked.revision):
                    raise RefusalError(404, "A file with this name doesn't exist")
                removed.add(value["path"])
            case key:
                raise RefusalError(400, f"{key} is not known here")
    oid = repo.commit(asked.revision, added, removed, title=header["summary"])
    return {
        "success": True,
        "commitOid": oid,
        "commitUrl": f"{asked.hub.url}/datasets/{asked.says['repo']}/commit/{oid}",
    }


def _tag(asked: Request) -> Any:
    repo, name = asked.repo, asked.json["tag"]
    if name in repo.tags:
        raise RefusalError(409, "Tag reference exists already")
    repo.tags[name] = repo.resolve(asked.revision)
    repo.save()
    return {}


def _list_pulls(asked: Request) -> Any:
    found = [_discussion(asked, pull) for pull in reversed(asked.repo.pulls)]
    return {"discussions": found, "count": len(found), "start": 0}


def _open_pull(asked: Request) -> Any:
    repo, number = asked.repo, len(asked.repo.pulls) + 1
    head = repo.resolve("main")
    said = {"ref": f"refs/pr/{number}", "head": head, "base": head, "status": "draft"}
    repo.pulls.append({"num": number, "title": asked.json["title"], **said})
    repo.save()
    return {"num": number}


def _pull(asked: Request) -> Any:
    return _discussion(asked, asked.pull)


def _status(asked: Request) -> Any:
    asked.pull["status"] = asked.json["status"]
    asked.repo.save()
    author = {"name": "me"}
    data = {"status": asked.json["status"]}
    event = {"id": "1", "type": "status-change", "createdAt": _DATE, "author": author, "data": data}
    return {"newStatus": event}


def _merge(asked: Request) -> Any:
    if asked.pull["status"] != "open":
        raise RefusalError(409, f"The pull request is {asked.pull['status']}")
    asked.repo.merge(asked.pull)
    return {}


def _discussion(asked: Request, pull: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": pull["title"],
        "num": pull["num"],
        "author": {"name": "me"},
        "createdAt": _DATE,
        "status": pull["status"],
        "repo": {"name": asked.says["repo"], "type": "dataset"},
        "isPullRequest": True,
        "changes": {"base": "main"},
        "filesWithConflicts": [],
        "events": [],
    }


_ANSWERS = {
    "whoami": _whoami,
    "create": _create,
    "validate": _validate,
    "info": _info,
    "refs": _refs,
    "commits": _commits,
    "tree": _tree,
    "paths": _paths,
    "preupload": _preupload,
    "batch": _batch,
    "blob": _blob,
    "commit": _commit,
    "tag": _tag,
    "list pulls": _list_pulls,
    "open pull": _open_pull,
    "pull": _pull,
    "status": _status,
    "merge": _merge,
}


@contextmanager
def serve_hub(folder: Path, *, port: int = 0) -> Iterator[LocalHub]:
    """Serve what is in a folder on 127.0.0.1, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    hub = LocalHub(folder)

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Finds the route of a request, and lets it go wrong where it should."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    wbufsize = 2**16  # head and body in one packet; a second one waits 40 ms for the first to be confirmed
    hub: LocalHub

    def handle(self) -> None:
        with suppress(ConnectionError):  # who asks may be killed
            super().handle()

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        place = urlsplit(self.path)
        method = "GET" if self.command == "HEAD" else self.command
        body = self._body()
        if len(body) < int(self.headers.get("Content-Length", 0)):
            self.close_connection = True  # who asked was killed
            return
        found = (
            (route, matched)
            for route, (verb, pattern) in _ROUTES.items()
            if verb == method and (matched := re.fullmatch(pattern, place.path))
        )
        route, matched = next(found, (None, None))
        if place.path == "/control/sent":
            self._send(200, json.dumps(self.hub.n_sent).encode(), {"Content-Type": "application/json"})
            return
        if route is None or matched is None:
            self._refuse(RefusalError(404, f"{self.path} is not known here"))
            return
        says = {name: unquote(value) for name, value in matched.groupdict().items() if value is not None}
        query = {name: values[-1] for name, values in parse_qs(place.query).items()}
        self._answer_route(route, Request(self.hub, says, query, body, self._user()))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer_route(self, route: Route, asked: Request) -> None:
        fault = self.hub.fault_of(route)
        if fault is not None and fault.fault != "lost answer":
            self._misbehave(fault)
            return
        try:
            with self.hub.lock:
                self._require_right(route, asked)
                if route == "resolve":
                    self._send_file(asked)
                    return
                content = _ANSWERS[route](asked)
        except RefusalError as refusal:
            self._refuse(refusal)
            return
        if fault is not None:
            self._refuse(RefusalError(504, "Gateway Time-out"))
            return
        said, headers = content if isinstance(content, tuple) else (content, {})
        self._send(200, json.dumps(said).encode(), {"Content-Type": "application/json", **headers})

    def _user(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token if token in (WRITER, READER) else None

    def _require_right(self, route: str, asked: Request) -> None:
        if route in _WRITING and route != "blob" and asked.user != WRITER:
            what = "you have no right to write here" if asked.user else "Invalid username or password."
            raise RefusalError(403 if asked.user else 401, what)

    def _send_file(self, asked: Request) -> None:
        content, oid = asked.repo.read(asked.revision, asked.says["path"]), asked.repo.resolve(asked.revision)
        entry = asked.repo.files(oid)[asked.says["path"]]
        headers = {"ETag": f'"{entry.oid}"', "X-Repo-Commit": oid, "Accept-Ranges": "bytes"}
        if entry.is_large:
            headers |= {"X-Linked-Etag": f'"{entry.oid}"', "X-Linked-Size": str(entry.size)}
        ranged = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if ranged is None or not content:
            self._send(200, content, headers)
            return
        first, last = ranged.groups()
        start = int(first) if first else len(content) - int(last)
        stop = min(int(last) + 1 if first and last else len(content), len(content))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        self._send(206, content[start:stop], headers)

    def _misbehave(self, fault: Misbehaviour) -> None:
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        match fault.fault:
            case "busy":
                self._refuse(RefusalError(429, "Too Many Requests", headers))
            case "quota":
                self._refuse(
                    RefusalError(
                        429,
                        "You have exceeded the rate limit for repository commits (128 per hour).",
                        headers,
                    )
                )
            case "unavailable":
                self._refuse(RefusalError(503, "Service Unavailable", headers, is_page=True))
            case "timeout":
                self._refuse(RefusalError(504, "Gateway Time-out", headers, is_page=True))
            case "too large":
                self._refuse(RefusalError(413, "Request Entity Too Large", is_page=True))
            case "full":
                self._refuse(RefusalError(403, "Private repository storage limit reached"))
            case "locked":
                self._refuse(
                    RefusalError(409, "Another commit operation is in progress for this repository.")
                )
            case "cut":
                self.close_connection = True

    def _refuse(self, refusal: RefusalError) -> None:
        if refusal.is_page:
            page = f"<html><body><h1>{refusal.status} {refusal.message}</h1></body></html>".encode()
            self._send(refusal.status, page, {"Content-Type": "text/html", **refusal.headers})
            return
        said = json.dumps({"error": refusal.message}).encode()
        headers = {"Content-Type": "application/json", "X-Error-Message": refusal.message}
        self._send(refusal.status, said, {**headers, **refusal.headers})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _main() -> None:
    parser = argparse.ArgumentParser(description="A Hugging Face Hub of our own, for a while.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    with serve_hub(options.folder, port=options.port) as hub:
        print(hub.url, flush=True)  # noqa: T201
        time.sleep(options.seconds)


if __name__ == "__main__":
    _main()
