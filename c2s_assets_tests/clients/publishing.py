"""Releases without a lake, which tests publish to the local Hub."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

from c2s_assets.clients.hub import HubRepo, open_repo
from c2s_assets.clients.publishing import Published, StagedRelease, publish
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument, ReleaseFile
from c2s_assets.storage.lake.documents import write_document
from c2s_assets_tests.hub import WRITER, LocalHub, Repo, serve_hub
from c2s_assets_tests.serving import record_waits

REPO = "me/corpus"


class _Clock:
    """Does not wait; what it was asked to wait is in the list."""

    def __init__(self, waits: list[float]) -> None:
        self.sleep = waits.append


def without_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the Hub's client and ours try again at once, without Xet; returns the seconds they would wait."""
    waits = record_waits(monkeypatch)
    monkeypatch.setattr(_http, "time", _Clock(waits))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return waits


def stage_files(folder: Path, files: Mapping[str, bytes]) -> StagedRelease:
    """Put files into a folder, in place of what was there, with the document of a release."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    known = {
        name: ReleaseFile(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    }
    document = ReleaseDocument(name="corpus", plan_version="2.1", inputs="", made_from={}, files=known)
    write_document(folder / RELEASE_DOCUMENT, document)
    return StagedRelease(folder, document)


@contextmanager
def hub_to_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """Serve a Hub until the block ends; who publishes to it has a token that may write, and does not wait."""
    without_waits(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    with serve_hub(folder) as hub:
        yield hub


@contextmanager
def at_hub(hub: LocalHub, *, token: str | None = WRITER) -> Iterator[HubRepo]:
    """Open the repository of the tests."""
    with open_repo(REPO, endpoint=hub.url, token=token) as repo:
        yield repo


def publish_to(hub: LocalHub, staged: StagedRelease, *, token: str | None = WRITER) -> Published:
    """Publish a release, as a new process would."""
    with at_hub(hub, token=token) as repo:
        return publish(repo, staged, private=True, report=lambda _: None)


def contents(repo: Repo, revision: str = "main") -> dict[str, bytes]:
    """Return what readers find, without what the Hub puts there itself and the document."""
    beside = (".gitattributes", RELEASE_DOCUMENT)
    return {path: repo.read(revision, path) for path in repo.files(revision) if path not in beside}
