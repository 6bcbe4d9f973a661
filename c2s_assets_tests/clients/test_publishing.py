"""A release is published in one step, whatever happens on the way, and nothing is sent twice."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hf_xet
import pytest
from huggingface_hub import _commit_api, constants

from c2s_assets.clients.hub import HubRepo, PullRequest
from c2s_assets.clients.publishing import StagedRelease, preview
from c2s_assets.core.errors import BusyServerError, C2SError, HubError, LakeError
from c2s_assets.core.releases import changes
from c2s_assets_tests.clients.publishing import (
    REPO,
    at_hub,
    contents,
    publish_to,
    stage_files,
    without_waits,
)
from c2s_assets_tests.hub import READER, WRITER, Fault, LocalHub, Route, serve_hub

OLD = {
    "README.md": b"# old\n",
    "blood/train/chunk_0000.parquet": b"blood, old",
    "lung/train/chunk_0000.parquet": b"lung",
    "withdrawn/test/chunk_0000.parquet": b"gone soon",
}
NEW = {
    "README.md": b"# new\n",
    "blood/train/chunk_0000.parquet": b"blood, new",
    "lung/train/chunk_0000.parquet": b"lung",
    "skin/train/chunk_0000.parquet": b"skin",
    "skin/test/chunk_0000.parquet": b"more skin",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    with serve_hub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return without_waits(monkeypatch)


@pytest.fixture
def new(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StagedRelease:
    """A release to come, where an older one is published; two files go into a commit."""
    publish_to(hub, stage_files(tmp_path / "old", OLD))
    hub.n_requests.clear()
    monkeypatch.setattr(changes, "_FILES_PER_COMMIT", 2)
    return stage_files(tmp_path / "new", NEW)


def test_a_first_release_makes_a_private_repository_and_the_first_version_of_its_plan(
    hub: LocalHub, tmp_path: Path
) -> None:
    published = publish_to(hub, stage_files(tmp_path / "old", OLD))
    repo = hub.repo(REPO)
    assert repo.private
    assert contents(repo) == OLD
    assert (published.version, repo.tags) == ("2.0", {"2.0": published.revision})
    assert published.url == f"{hub.url}/datasets/{REPO}"


def test_only_what_changed_is_sent_and_what_was_withdrawn_disappears(
    hub: LocalHub, new: StagedRelease
) -> None:
    published = publish_to(hub, new)
    repo = hub.repo(REPO)
    assert contents(repo) == NEW
    assert contents(repo, "2.0") == OLD
    assert published.version == "2.1"
    assert {change.path: change.kind for change in published.changes} == {
        "README.md": "changed",
        "_release.json": "changed",
        "blood/train/chunk_0000.parquet": "changed",
        "skin/test/chunk_0000.parquet": "added",
        "skin/train/chunk_0000.parquet": "added",
        "withdrawn/test/chunk_0000.parquet": "removed",
    }
    assert hub.n_requests["blob"] == 3, "lung was not sent again"
    assert hub.n_requests["commit"] == 3
    assert [pull["status"] for pull in repo.pulls] == ["merged", "merged"]


def test_an_unchanged_release_makes_no_commit(hub: LocalHub, new: StagedRelease) -> None:
    first = publish_to(hub, new)
    hub.n_requests.clear()
    again = publish_to(hub, new)
    assert (again.version, again.revision, again.changes) == (first.version, first.revision, [])
    assert not {"preupload", "batch", "blob", "commit", "open pull", "merge", "tag"} & hub.n_requests.keys()


def test_what_others_put_into_the_repository_stays(hub: LocalHub, new: StagedRelease) -> None:
    hub.repo(REPO).write("pictures/umap.png", b"a picture of the authors")
    publish_to(hub, new)
    assert contents(hub.repo(REPO)) == {**NEW, "pictures/umap.png": b"a picture of the authors"}


def test_a_preview_needs_no_token_of_a_repository_that_is_not_there_and_changes_nothing(
    hub: LocalHub, tmp_path: Path
) -> None:
    with at_hub(hub, token=None) as repo:
        found = preview(repo, stage_files(tmp_path / "old", OLD))
    assert {change.kind for change in found} == {"added"}
    assert set(hub.n_requests) == {"info"}


def test_who_reads_between_two_commits_reads_what_was_there_before(hub: LocalHub, new: StagedRelease) -> None:
    hub.misbehave("commit", "full", n_before=2)
    with pytest.raises(HubError, match="storage limit"):
        publish_to(hub, new)
    assert contents(hub.repo(REPO)) == OLD


PASSING: list[tuple[Route, Fault]] = [
    ("commit", "busy"),
    ("commit", "unavailable"),
    ("commit", "timeout"),
    ("commit", "lost answer"),
    ("commit", "locked"),
    ("commit", "cut"),
    ("batch", "busy"),
    ("blob", "cut"),
    ("blob", "unavailable"),
    ("blob", "lost answer"),
    ("whoami", "unavailable"),
    ("open pull", "lost answer"),
    ("merge", "lost answer"),
    ("merge", "unavailable"),
    ("tag", "lost answer"),
    ("tree", "timeout"),
]


@pytest.mark.parametrize(("route", "fault"), PASSING, ids=[" ".join(one) for one in PASSING])
def test_what_passes_is_waited_for_and_nothing_is_done_twice(
    hub: LocalHub, new: StagedRelease, waits: list[float], route: Route, fault: Fault
) -> None:
    hub.misbehave(route, fault)
    assert publish_to(hub, new).version == "2.1"
    assert waits
    repo = hub.repo(REPO)
    assert contents(repo) == NEW
    assert [pull["status"] for pull in repo.pulls] == ["merged", "merged"]
    assert len(repo.history(repo.pulls[1]["ref"])) == 3 + len(repo.history("2.0"))
    assert set(hub.n_sent.values()) == {1}


def test_the_hub_is_waited_for_as_long_as_it_asks(
    hub: LocalHub, new: StagedRelease, waits: list[float]
) -> None:
    hub.misbehave("preupload", "busy", retry_after="17")
    publish_to(hub, new)
    assert waits == [18.0]


def test_what_is_too_much_for_one_commit_is_sent_in_halves(hub: LocalHub, new: StagedRelease) -> None:
    hub.misbehave("commit", "too large", n_before=1)
    assert publish_to(hub, new).version == "2.1"
    repo = hub.repo(REPO)
    assert contents(repo) == NEW
    assert len(repo.history(repo.pulls[1]["ref"])) == 4 + len(repo.history("2.0")), "2, 1, 1 and 2 files"
    assert set(hub.n_sent.values()) == {1}


def test_a_pull_request_that_somebody_else_changes_meanwhile_is_not_written_over(
    hub: LocalHub, new: StagedRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = HubRepo.commit

    def move(repo: HubRepo, *arguments: Any, **options: Any) -> str:
        hub.repo(REPO).write("evil.py", b"import os", revision=options["revision"])
        return commit(repo, *arguments, **options)

    monkeypatch.setattr(HubRepo, "commit", move)
    with pytest.raises(HubError, match=r"answered 412 .* Somebody else changed it meanwhile"):
        publish_to(hub, new)
    assert contents(hub.repo(REPO)) == OLD


STOPPING: list[tuple[Route, Fault, str]] = [
    ("commit", "quota", r"\(128 per hour\).* tried 5 times"),
    ("commit", "too large", r"413 \(Request Entity Too Large\).* takes less at once"),
    ("validate", "too large", "413"),
    ("commit", "full", r"403 \(Private repository storage limit reached\)\. .* make room there"),
    ("blob", "full", "make room there"),
    ("commit", "unavailable", "503"),
    ("blob", "cut", "did not answer"),
    ("merge", "timeout", "504"),
    ("tag", "unavailable", "503"),
]


@pytest.mark.parametrize(
    ("route", "fault", "message"), STOPPING, ids=[f"{route} {fault}" for route, fault, _ in STOPPING]
)
def test_who_is_stopped_goes_on_where_it_was(
    hub: LocalHub, new: StagedRelease, route: Route, fault: Fault, message: str
) -> None:
    is_asked_for_once = route in ("merge", "tag", "validate")
    hub.misbehave(route, fault, n_times=100, n_before=0 if is_asked_for_once else 1)
    with pytest.raises(C2SError, match=message):
        publish_to(hub, new)
    repo = hub.repo(REPO)
    assert contents(repo) == (NEW if route == "tag" else OLD)
    hub.behave()
    publish_to(hub, new)
    assert contents(repo) == contents(repo, "2.1") == NEW
    assert [pull["status"] for pull in repo.pulls] == ["merged", "merged"], "the same one was taken up"
    assert set(hub.n_sent.values()) == {1}


WITHOUT_XET = r"\. To send without Xet, set HF_HUB_DISABLE_XET=1\."
OF_XET: list[tuple[Exception, str]] = [
    (hf_xet.XetAuthenticationError("expired"), rf"not let in \(expired\)\. Set HF_TOKEN .*{WITHOUT_XET}$"),
    (hf_xet.XetObjectNotFoundError("no repo"), rf"misses something on the Hub \(no repo\).*{WITHOUT_XET}$"),
    (ConnectionError("error: 404"), rf"had no answer \(error: 404\){WITHOUT_XET} It was tried 5 times"),
    (TimeoutError("timed out"), rf"had no answer \(timed out\){WITHOUT_XET} It was tried 5 times"),
    (RuntimeError("Internal."), rf"Xet.* stopped \(Internal\){WITHOUT_XET} It was tried 5 times"),
]


def fail_in_xet(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Replace the client's function that sends by Xet, which the local Hub does not speak."""

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    monkeypatch.setattr(_commit_api, "_upload_xet_files", fail)


@pytest.mark.parametrize(("error", "message"), OF_XET, ids=[type(one).__name__ for one, _ in OF_XET])
def test_what_stops_xet_is_told_with_the_way_round(
    hub: LocalHub, new: StagedRelease, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    with monkeypatch.context() as patched:
        fail_in_xet(patched, error)
        with pytest.raises((HubError, BusyServerError), match=message):
            publish_to(hub, new)
    assert contents(hub.repo(REPO)) == OLD
    publish_to(hub, new)
    assert contents(hub.repo(REPO)) == NEW


def test_a_staged_file_that_may_not_be_read_is_not_taken_for_xet(
    hub: LocalHub, new: StagedRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_in_xet(monkeypatch, PermissionError("skin/train/chunk_0000.parquet"))
    with pytest.raises(PermissionError, match="skin/train"):
        publish_to(hub, new)


def test_a_main_that_somebody_changed_is_the_base_of_another_pull_request(
    hub: LocalHub, new: StagedRelease
) -> None:
    hub.misbehave("merge", "timeout", n_times=100)
    with pytest.raises(BusyServerError):
        publish_to(hub, new)
    repo = hub.repo(REPO)
    hub.behave()
    repo.write("README.md", b"# by hand\n")
    publish_to(hub, new)
    assert contents(repo) == NEW
    assert [pull["status"] for pull in repo.pulls] == ["merged", "closed", "merged"]
    assert repo.read(repo.history("main")[1], "README.md") == b"# by hand\n"
    assert set(hub.n_sent.values()) == {1}


def test_a_head_that_moves_before_the_merge_stops_it(
    hub: LocalHub, new: StagedRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = HubRepo.pull_request

    def move(repo: HubRepo, number: int) -> PullRequest:
        hub.repo(REPO).write("README.md", b"# by hand\n")
        return ask(repo, number)

    monkeypatch.setattr(HubRepo, "pull_request", move)
    with pytest.raises(HubError, match="somebody changed main while this was sent"):
        publish_to(hub, new)
    assert contents(hub.repo(REPO)) == {**OLD, "README.md": b"# by hand\n"}


def test_a_commit_of_somebody_else_on_the_pull_request_is_not_merged(
    hub: LocalHub, new: StagedRelease
) -> None:
    hub.misbehave("merge", "timeout", n_times=100)
    with pytest.raises(BusyServerError):
        publish_to(hub, new)
    hub.behave()
    hub.repo(REPO).write("evil.py", b"import os", revision="refs/pr/2")
    with pytest.raises(HubError, match=r"pull request 2 holds 'evil.py', which is not ours"):
        publish_to(hub, new)
    assert contents(hub.repo(REPO)) == OLD


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "there is no token of the Hub. Make one that may write, at http.*/settings/tokens"),
        (READER, "the token in HF_TOKEN may only read"),
        ("hf_wrong", r"401 \(.*\)\. Set HF_TOKEN to a token that is valid"),
    ],
    ids=["missing", "without rights", "not valid"],
)
def test_a_token_that_will_not_do_is_told_before_anything_is_sent(
    hub: LocalHub, new: StagedRelease, token: str | None, message: str
) -> None:
    hub.n_requests.clear()
    with pytest.raises(HubError, match=message):
        publish_to(hub, new, token=token)
    assert set(hub.n_requests) <= {"whoami"}


def test_the_token_is_never_logged(
    hub: LocalHub, new: StagedRelease, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.misbehave("commit", "busy", n_times=2)
    publish_to(hub, new)
    hub.misbehave("whoami", "full")
    with pytest.raises(HubError) as refused:
        publish_to(hub, new)
    said = caplog.text + "".join(capfd.readouterr()) + repr(refused.getrepr())
    assert "answered 429" in said
    assert WRITER not in said


def test_a_staged_file_that_was_changed_by_hand_is_not_published(hub: LocalHub, new: StagedRelease) -> None:
    path = new.folder / "skin/test/chunk_0000.parquet"
    path.write_bytes(b"less skin")
    with pytest.raises(
        LakeError, match=r"skin/test/chunk_0000.parquet is not what it was .* Remove .* c2s release"
    ):
        publish_to(hub, new)
    assert contents(hub.repo(REPO)) == OLD
    path.write_bytes(NEW["skin/test/chunk_0000.parquet"])
    publish_to(hub, new)
    assert contents(hub.repo(REPO)) == NEW


def test_a_new_plan_begins_a_new_major_version(hub: LocalHub, new: StagedRelease) -> None:
    document = new.document.model_copy(update={"plan_version": "3.4"})
    (new.folder / "_release.json").write_text(document.model_dump_json())
    assert publish_to(hub, StagedRelease(new.folder, document)).version == "3.0"


def test_a_yanked_version_loses_its_tag_and_its_number_for_good(hub: LocalHub, new: StagedRelease) -> None:
    def staged(**changed: Any) -> StagedRelease:
        document = new.document.model_copy(update=changed)
        (new.folder / "_release.json").write_text(document.model_dump_json())
        return StagedRelease(new.folder, document)

    publish_to(hub, new)
    hub.misbehave("untag", "lost answer")
    published = publish_to(hub, staged(yanked={"2.1": "ages were wrong", "2.7": "never was"}))
    repo = hub.repo(REPO)
    assert (published.version, set(repo.tags)) == ("2.8", {"2.0", "2.8"})
    hub.n_requests.clear()
    assert publish_to(hub, staged(yanked={"2.1": "ages were wrong", "2.7": "never was"})).changes == []
    assert not {"commit", "tag", "untag"} & hub.n_requests.keys()
    assert publish_to(hub, staged(yanked={"2.0": "so too", "2.8": "once more"})).version == "2.9"
    assert set(repo.tags) == {"2.9"}


def test_the_name_that_git_gives_to_a_content_is_gits() -> None:
    assert changes.git_oid(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert hashlib.sha256(b"hello\n").hexdigest()[:8] == "5891b5b5"
