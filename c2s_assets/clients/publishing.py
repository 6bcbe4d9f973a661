"""Publishes a release: readers of the repository see what was there before or the whole of the new one.

All goes to one pull request, in as many commits as it takes, and is then merged in one step. Every step looks
first whether it is done, so that who is stopped anywhere goes on there the next time: the pull request of the
last try is taken up again, and content that has arrived is not sent twice.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from c2s_assets.clients.http import with_patience
from c2s_assets.clients.hub import HubRepo, PullRequest
from c2s_assets.core.errors import HubError, LakeError, TooMuchAtOnceError
from c2s_assets.core.releases.changes import Change, HubFile, bytes_to_send, compare_files, in_commits
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.releases.staged import StagedRelease

_TAG = re.compile(r"(\d{1,9})\.(\d{1,9})")

Report = Callable[[str], None]


@dataclass(frozen=True)
class Published:
    """What readers have now: where, under which version and commit, and what was changed for it."""

    url: str
    version: str
    revision: str
    changes: list[Change]


def preview(repo: HubRepo, staged: StagedRelease) -> list[Change]:
    """List what publishing would change; of a repository that is not there, all is added."""
    return with_patience(lambda: _changes_of_main(repo, staged, repo.head()))


def publish(repo: HubRepo, staged: StagedRelease, *, private: bool, report: Report) -> Published:
    """Let readers of main have a release, tag it, and take the tags of yanked versions away.

    Does nothing if they have it.

    Parameters
    ----------
    private
        Whether the repository is made private if there is none yet.
    report
        Is told what happens.

    Raises
    ------
    HubError
        If the Hub refuses, or somebody else changes main meanwhile.
    BusyServerError
        If the Hub, after some tries, is still busy, or over its quota.
    LakeError
        If a staged file is not what it was when it was staged.
    """
    user = with_patience(repo.user)
    with_patience(lambda: repo.create(private=private))
    base = with_patience(lambda: _require_head(repo))
    changes = with_patience(lambda: _changes_of_main(repo, staged, base))
    if changes:
        release = _Release(repo, staged, base, report)
        pull = with_patience(lambda: release.pull_request(user))
        with_patience(lambda: release.send(pull), reached=release.n_sent)
        with_patience(lambda: release.merge(pull))
    version = with_patience(lambda: _tagged(repo, staged, is_new=bool(changes)))
    with_patience(lambda: _untag_yanked(repo, staged, report))
    return Published(repo.url, version, with_patience(lambda: _require_head(repo)), changes)


class _Release:
    """A release on its way, on top of one commit of main."""

    def __init__(self, repo: HubRepo, staged: StagedRelease, base: str, report: Report) -> None:
        self._repo, self._staged, self._base, self._report = repo, staged, base, report
        self._files = staged.files()
        self._title = f"c2s release {staged.document.name}"
        self._n_sent = 0

    def n_sent(self) -> int:
        """Bytes that commits of this run were made of."""
        return self._n_sent

    def pull_request(self, user: str) -> PullRequest:
        """Take up the pull request of the last try; one on top of another main is closed, and one opened."""
        for pull in self._repo.pull_requests(self._title, author=user):
            if self._repo.head(pull.revision) is None or self._base in self._repo.history(pull.revision):
                self._report(f"going on with pull request {pull.number}")
                return pull
            self._repo.set_status(pull, "closed", comment="main has changed since; there is another one.")
        pull = self._repo.open_pull_request(
            self._title, description="Becomes the next version of this corpus; merged when it is complete."
        )
        self._report(f"opened pull request {pull.number}")
        return pull

    def send(self, pull: PullRequest) -> None:
        """Commit what the pull request lacks, and make sure that it holds the release and nothing else."""
        published = self._repo.files(self._base)
        ours = _files_of_ours(self._repo, self._staged, self._base, published)
        head = self._repo.head(pull.revision) or self._base
        changes = compare_files(self._files, self._repo.files(head), ours=ours)
        for part in in_commits(changes):
            head = self._commit(part, pull, head)
        there = self._repo.files(head)
        if left := compare_files(self._files, there, ours=ours):
            raise LakeError(
                f"{self._staged.folder / left[0].path} is not what it was when it was staged. Remove "
                f"{self._staged.folder}, and stage the release again: c2s release "
                f"{self._staged.document.name}."
            )
        if strange := sorted(there.keys() - self._files.keys() - published.keys()):
            raise HubError(
                f"{self._repo.url}: pull request {pull.number} holds {strange[0]!r}, which is not ours. Look "
                f"at it, close it, and run it again."
            )

    def _commit(self, part: Sequence[Change], pull: PullRequest, head: str) -> str:
        """Commit changes on top of a head; in halves where they are more than passes at once."""
        try:
            made = self._repo.commit(
                part, self._staged.folder, revision=pull.revision, parent=head, message=self._title
            )
        except TooMuchAtOnceError:
            if len(part) == 1:
                raise
            middle = len(part) // 2
            return self._commit(part[middle:], pull, self._commit(part[:middle], pull, head))
        n_bytes = bytes_to_send(part)
        self._n_sent += n_bytes
        self._report(f"sent {len(part):,} files, {n_bytes / 2**20:,.1f} MB")
        return made

    def merge(self, pull: PullRequest) -> None:
        """Merge the pull request, unless it is merged or main is not what it was."""
        now = self._repo.pull_request(pull.number)
        if now.status == "merged":
            return
        if (head := self._repo.head()) != self._base:
            raise HubError(
                f"{self._repo.url}: somebody changed main while this was sent (it is {head} now, was "
                f"{self._base}). Nothing was merged. Run it again: what was sent is not sent again."
            )
        if now.status == "draft":
            self._repo.set_status(now, "open", comment="It is complete.")
        self._repo.merge(now)
        self._report(f"merged pull request {pull.number}")


def _require_head(repo: HubRepo) -> str:
    head = repo.head()
    if head is None:
        raise HubError(
            f"{repo.url} is not there, or your token may not see it. Check repo_id in datasets.yaml."
        )
    return head


def _changes_of_main(repo: HubRepo, staged: StagedRelease, head: str | None) -> list[Change]:
    if head is None:
        return compare_files(staged.files(), {}, ours=())
    published = repo.files(head)
    ours = _files_of_ours(repo, staged, head, published)
    return compare_files(staged.files(), published, ours=ours)


def _files_of_ours(
    repo: HubRepo, staged: StagedRelease, revision: str, published: Mapping[str, HubFile]
) -> Collection[str]:
    """Name the files that the release at a revision has put there; what others put there is theirs."""
    if RELEASE_DOCUMENT not in published:
        return ()
    if staged.files()[RELEASE_DOCUMENT].is_as(published[RELEASE_DOCUMENT]):
        return staged.document.files
    try:
        return ReleaseDocument.model_validate_json(repo.read(RELEASE_DOCUMENT, revision)).files
    except ValidationError as error:
        raise HubError(
            f"{repo.url}: {RELEASE_DOCUMENT} is not what c2s writes, so nobody knows which files are of the "
            f"last release. Put back the one of an earlier commit."
        ) from error


def _tagged(repo: HubRepo, staged: StagedRelease, *, is_new: bool) -> str:
    """Give the head of main the next version, unless it, or a version with the same files, has one.

    The major number is that of the split plan: versions that share it have every donor on the same side. What
    has no sides is of the first plan.
    """
    head, tags, yanked = _require_head(repo), repo.tags(), staged.document.yanked
    newest = max(
        (name for name in tags if _TAG.fullmatch(name) and name not in yanked), key=_number, default=None
    )
    if newest is not None and (tags[newest] == head or (not is_new and _holds(repo, staged, tags[newest]))):
        return newest
    major = int((staged.document.plan_version or "1").partition(".")[0])
    used = map(_number, filter(_TAG.fullmatch, {*tags, *yanked}))
    minor = 1 + max((minor for of, minor in used if of == major), default=-1)
    repo.tag(f"{major}.{minor}", head)
    return f"{major}.{minor}"


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _untag_yanked(repo: HubRepo, staged: StagedRelease, report: Report) -> None:
    for name in sorted(repo.tags().keys() & staged.document.yanked.keys()):
        repo.untag(name)
        report(f"took the tag of version {name} away, which was withdrawn")


def _holds(repo: HubRepo, staged: StagedRelease, revision: str) -> bool:
    return not compare_files(staged.files(), repo.files(revision), ours=())
