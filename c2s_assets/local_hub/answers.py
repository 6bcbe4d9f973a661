"""What the Hub answers to `huggingface_hub` and `datasets`, which publish and read, and to a browser.

Files go the way of Git LFS: Xet, which is a protocol of its own, has to be switched off by the client's own
variable, ``HF_HUB_DISABLE_XET=1``.
"""

import base64
import hashlib
import json
import mimetypes
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from c2s_assets.core.releases.card import CARD
from c2s_assets.local_hub.hub import WRITER, Asked, HubAnswer, Route
from c2s_assets.local_hub.page import card_page
from c2s_assets.local_hub.repository import Entry, RefusalError, entries, is_large

_DATE = "2026-01-01T00:00:00.000Z"
_PER_PAGE = 1000
_REPO = r"/(?P<repo>[^/]+/[^/]+)"


def _whoami(asked: Asked) -> Any:
    if asked.user is None:
        raise RefusalError(401, "Invalid credentials in Authorization header")
    role = "write" if asked.user == WRITER else "read"
    return {"type": "user", "name": "me", "auth": {"accessToken": {"role": role, "displayName": "test"}}}


def _create(asked: Asked) -> Any:
    name = f"{asked.json['organization'] or 'me'}/{asked.json['name']}"
    url = f"{asked.hub.url}/datasets/{name}"
    try:
        asked.hub.repo(name)
    except RefusalError:
        asked.hub.create(name, private=asked.json.get("visibility") == "private")
        return {"url": url, "name": name}
    raise RefusalError(409, "You already created this dataset repo")


def _validate(_: Asked) -> Any:
    return {"errors": [], "warnings": []}


def _info(asked: Asked) -> Any:
    repo = asked.repo
    oid = repo.resolve(asked.revision)
    siblings = [{"rfilename": path} for path in repo.files(oid)]
    name = asked.says["repo"]
    return {"id": name, "sha": oid, "private": repo.private, "siblings": siblings, "tags": [], "downloads": 0}


def _refs(asked: Asked) -> Any:
    repo = asked.repo
    branches = _named(repo.branches, "refs/heads")
    return {"branches": branches, "converts": [], "tags": _named(repo.tags, "refs/tags")}


def _named(refs: Mapping[str, str], place: str) -> list[dict[str, str]]:
    return [{"name": name, "ref": f"{place}/{name}", "targetCommit": oid} for name, oid in refs.items()]


def _commits(asked: Asked) -> Any:
    return [
        {"id": oid, "authors": [], "date": _DATE, "title": asked.repo.commits[oid]["title"], "message": ""}
        for oid in asked.repo.history(asked.revision)
    ]


def _tree(asked: Asked) -> Any:
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


def _paths(asked: Asked) -> Any:
    wanted = parse_qs(asked.body.decode())["paths"]
    return [one for one in entries(asked.repo.files(asked.revision), "") if one["path"] in wanted]


def _preupload(asked: Asked) -> Any:
    held = asked.repo.files(asked.revision)
    return {
        "files": [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_large(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": held[file["path"]].oid if file["path"] in held else None,
            }
            for file in asked.json["files"]
        ]
    }


def _batch(asked: Asked) -> Any:
    objects = []
    for one in asked.json["objects"]:
        said: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
        if not (asked.repo.folder / one["oid"]).exists():
            place = f"{asked.hub.url}/blobs/{one['oid']}?repo={quote(asked.says['repo'], safe='')}"
            said["actions"] = {"upload": {"href": place, "header": {}}}
        objects.append(said)
    return {"transfer": "basic", "objects": objects}


def _blob(asked: Asked) -> Any:
    if hashlib.sha256(asked.body).hexdigest() != asked.says["oid"]:
        raise RefusalError(400, "this is not what was announced")
    asked.hub.repo(asked.query["repo"]).keep(asked.body, is_large=True)
    return {}


def _commit(asked: Asked) -> Any:
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


def _tag(asked: Asked) -> Any:
    repo, name = asked.repo, asked.json["tag"]
    if name in repo.tags:
        raise RefusalError(409, "Tag reference exists already")
    repo.tags[name] = repo.resolve(asked.revision)
    repo.save()
    return {}


def _untag(asked: Asked) -> Any:
    if asked.says["revision"] not in asked.repo.tags:
        raise RefusalError(404, "Tag not found", {"X-Error-Code": "RevisionNotFound"})
    del asked.repo.tags[asked.says["revision"]]
    asked.repo.save()
    return {}


def _list_pulls(asked: Asked) -> Any:
    found = [_discussion(asked, pull) for pull in reversed(asked.repo.pulls)]
    return {"discussions": found, "count": len(found), "start": 0}


def _open_pull(asked: Asked) -> Any:
    repo, number = asked.repo, len(asked.repo.pulls) + 1
    head = repo.resolve("main")
    said = {"ref": f"refs/pr/{number}", "head": head, "base": head, "status": "draft"}
    repo.pulls.append({"num": number, "title": asked.json["title"], **said})
    repo.save()
    return {"num": number}


def _pull(asked: Asked) -> Any:
    return _discussion(asked, asked.pull)


def _status(asked: Asked) -> Any:
    asked.pull["status"] = asked.json["status"]
    asked.repo.save()
    author = {"name": "me"}
    data = {"status": asked.json["status"]}
    event = {"id": "1", "type": "status-change", "createdAt": _DATE, "author": author, "data": data}
    return {"newStatus": event}


def _merge(asked: Asked) -> Any:
    if asked.pull["status"] != "open":
        raise RefusalError(409, f"The pull request is {asked.pull['status']}")
    asked.repo.merge(asked.pull)
    return {}


def _discussion(asked: Asked, pull: Mapping[str, Any]) -> dict[str, Any]:
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


def _resolve(asked: Asked) -> HubAnswer:
    path, oid = asked.says["path"], asked.repo.resolve(asked.revision)
    content = asked.repo.read(oid, path)
    entry = asked.repo.files(oid)[path]
    headers = {"ETag": f'"{entry.oid}"', "X-Repo-Commit": oid, "Accept-Ranges": "bytes"}
    if entry.is_large:
        headers |= {"X-Linked-Etag": f'"{entry.oid}"', "X-Linked-Size": str(entry.size)}
    kind, _ = mimetypes.guess_type(path)
    if kind is not None and kind.startswith("image/"):  # a browser draws nothing that is not called so
        headers |= {"Content-Type": kind}
    return HubAnswer(content, headers)


def _page(asked: Asked) -> HubAnswer:
    name = asked.says["repo"]
    card = asked.repo.read("main", CARD).decode()
    page = card_page(name, card, files={path: entry.size for path, entry in asked.repo.files().items()})
    return HubAnswer(page.encode(), {"Content-Type": "text/html; charset=utf-8"})


ROUTES = (
    Route("whoami", "GET", r"/api/whoami-v2", _whoami),
    Route("create", "POST", r"/api/repos/create", _create, is_for_writers=True),
    Route("validate", "POST", r"/api/validate-yaml", _validate),
    Route("info", "GET", rf"/api/datasets{_REPO}(/revision/(?P<revision>[^/]+))?", _info),
    Route("refs", "GET", rf"/api/datasets{_REPO}/refs", _refs),
    Route("commits", "GET", rf"/api/datasets{_REPO}/commits/(?P<revision>[^/]+)", _commits),
    Route("tree", "GET", rf"/api/datasets{_REPO}/tree/(?P<revision>[^/]+)(/(?P<path>.+))?", _tree),
    Route("paths", "POST", rf"/api/datasets{_REPO}/paths-info/(?P<revision>[^/]+)", _paths),
    Route(
        "preupload",
        "POST",
        rf"/api/datasets{_REPO}/preupload/(?P<revision>[^/]+)",
        _preupload,
        is_for_writers=True,
    ),
    Route(
        "commit", "POST", rf"/api/datasets{_REPO}/commit/(?P<revision>[^/]+)", _commit, is_for_writers=True
    ),
    Route("tag", "POST", rf"/api/datasets{_REPO}/tag/(?P<revision>[^/]+)", _tag, is_for_writers=True),
    Route("untag", "DELETE", rf"/api/datasets{_REPO}/tag/(?P<revision>[^/]+)", _untag, is_for_writers=True),
    Route("list pulls", "GET", rf"/api/datasets{_REPO}/discussions", _list_pulls),
    Route("open pull", "POST", rf"/api/datasets{_REPO}/discussions", _open_pull, is_for_writers=True),
    Route("pull", "GET", rf"/api/datasets{_REPO}/discussions/(?P<number>\d+)", _pull),
    Route(
        "status",
        "POST",
        rf"/api/datasets{_REPO}/discussions/(?P<number>\d+)/status",
        _status,
        is_for_writers=True,
    ),
    Route(
        "merge",
        "POST",
        rf"/api/datasets{_REPO}/discussions/(?P<number>\d+)/merge",
        _merge,
        is_for_writers=True,
    ),
    Route("batch", "POST", rf"/datasets{_REPO}\.git/info/lfs/objects/batch", _batch, is_for_writers=True),
    Route("blob", "PUT", r"/blobs/(?P<oid>[0-9a-f]{64})", _blob),
    Route("resolve", "GET", rf"/datasets{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _resolve),
    Route("page", "GET", rf"/datasets{_REPO}", _page),
)
