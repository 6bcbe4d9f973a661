"""A dataset repository of the Hugging Face Hub, through its own client, with our errors and our patience."""

import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    hf_hub_download,
    set_client_factory,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._http import default_client_factory
from huggingface_hub.utils.tqdm import disable_progress_bars

from c2s_assets.clients.http import BUSY, retry_after_seconds
from c2s_assets.clients.hub_access import TOKEN
from c2s_assets.core.errors import BusyServerError, HubError, TooMuchAtOnceError
from c2s_assets.core.releases.changes import Change, HubFile

MAIN = "main"
# A commit is answered after it was made, whatever it holds.
_TIMEOUT = httpx2.Timeout(120.0, connect=10.0)
_TYPE = "dataset"
# Two processors are busy with the digests of four files.
_N_THREADS = 4


@dataclass(frozen=True)
class PullRequest:
    """One of ours; its status is draft, open, merged or closed."""

    number: int
    status: str

    @property
    def revision(self) -> str:
        """What its commits are made on."""
        return f"refs/pr/{self.number}"


@dataclass(frozen=True)
class HubRepo:
    """One repository. Each method asks once, and raises BusyServerError where another try may help.

    Of what writes, another try has to look first whether it was done: an answer can get lost. All raise
    HubError if the Hub refuses.
    """

    repo_id: str
    endpoint: str
    _api: HfApi

    @property
    def url(self) -> str:
        """Where people see it."""
        return f"{self.endpoint}/datasets/{self.repo_id}"

    def user(self) -> str:
        """Return whose token this is.

        Raises
        ------
        HubError
            If there is none, it is not valid, or does not let its owner write.
        """
        if not self._api.token:
            raise HubError(
                f"there is no token of the Hub. Make one that may write, at {self.endpoint}/settings/tokens, "
                f"and set {TOKEN} to it."
            )
        with self._asking():
            said = self._api.whoami()
        role = said.get("auth", {}).get("accessToken", {}).get("role")
        if role == "read":
            raise HubError(
                f"the token in {TOKEN} may only read. Make one that may write, at "
                f"{self.endpoint}/settings/tokens, and set {TOKEN} to it."
            )
        return str(said["name"])

    def create(self, *, private: bool) -> None:
        """Make the repository, unless it is there."""
        if self.head() is None:
            with self._asking():
                self._api.create_repo(self.repo_id, private=private, repo_type=_TYPE, exist_ok=True)

    def head(self, revision: str = MAIN) -> str | None:
        """Return the commit of a revision; None if it or the repository is not there, or may not be seen."""
        with self._asking(), suppress(RepositoryNotFoundError, RevisionNotFoundError):
            return str(self._api.repo_info(self.repo_id, revision=revision, repo_type=_TYPE).sha)
        return None

    def files(self, revision: str) -> dict[str, HubFile]:
        """Return the files of a revision, by path."""
        with self._asking():
            tree = self._api.list_repo_tree(self.repo_id, recursive=True, revision=revision, repo_type=_TYPE)
            return {entry.path: _hub_file(entry) for entry in tree if isinstance(entry, RepoFile)}

    def read(self, path: str, revision: str) -> bytes:
        """Return the content of a file."""
        with self._asking(), tempfile.TemporaryDirectory() as folder:
            found = hf_hub_download(
                self.repo_id,
                path,
                revision=revision,
                repo_type=_TYPE,
                local_dir=folder,
                endpoint=self.endpoint,
                token=self._api.token,
            )
            return Path(found).read_bytes()

    def history(self, revision: str) -> list[str]:
        """List the commits of a revision, newest first."""
        with self._asking():
            commits = self._api.list_repo_commits(self.repo_id, revision=revision, repo_type=_TYPE)
            return [str(commit.commit_id) for commit in commits]

    def pull_requests(self, title: str, *, author: str) -> list[PullRequest]:
        """List those of an author that have this title and are not closed or merged, newest first."""
        with self._asking():
            found = self._api.get_repo_discussions(
                self.repo_id, author=author, discussion_type="pull_request", repo_type=_TYPE
            )
            return [
                PullRequest(one.num, one.status)
                for one in found
                if one.is_pull_request and one.title == title and one.author == author
                if one.status in ("draft", "open")
            ]

    def open_pull_request(self, title: str, *, description: str) -> PullRequest:
        """Begin a pull request, as a draft without a commit."""
        with self._asking():
            made = self._api.create_pull_request(
                self.repo_id, title, description=description, repo_type=_TYPE
            )
            return PullRequest(made.num, made.status)

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request as it is now."""
        with self._asking():
            found = self._api.get_discussion_details(self.repo_id, number, repo_type=_TYPE)
            return PullRequest(found.num, found.status)

    def set_status(self, pull: PullRequest, status: str, *, comment: str) -> None:
        """Open a draft, or close a pull request."""
        with self._asking():
            self._api.change_discussion_status(
                self.repo_id,
                pull.number,
                "open" if status == "open" else "closed",
                comment=comment,
                repo_type=_TYPE,
            )

    def merge(self, pull: PullRequest) -> None:
        """Let readers of main have what the pull request changes, all at once."""
        with self._asking():
            self._api.merge_pull_request(self.repo_id, pull.number, repo_type=_TYPE)

    def commit(
        self, changes: Sequence[Change], folder: Path, *, revision: str, parent: str, message: str
    ) -> str:
        """Send changes in one commit on top of another, and return it; what the Hub has is not sent."""
        operations = [
            CommitOperationDelete(change.path, is_folder=False)
            if change.kind == "removed"
            else CommitOperationAdd(change.path, str(folder / change.path))
            for change in changes
        ]
        with self._asking(), self._sending():
            made = self._api.create_commit(
                self.repo_id,
                operations,
                commit_message=message,
                revision=revision,
                parent_commit=parent,
                num_threads=_N_THREADS,
                repo_type=_TYPE,
            )
            return str(made.oid)

    def tags(self) -> dict[str, str]:
        """Return the commit of each tag."""
        with self._asking():
            return {
                tag.name: tag.target_commit
                for tag in self._api.list_repo_refs(self.repo_id, repo_type=_TYPE).tags
            }

    def tag(self, name: str, revision: str) -> None:
        """Give a commit a name."""
        with self._asking():
            self._api.create_tag(self.repo_id, tag=name, revision=revision, repo_type=_TYPE)

    def untag(self, name: str) -> None:
        """Take the name of a commit away."""
        with self._asking():
            self._api.delete_tag(self.repo_id, tag=name, repo_type=_TYPE)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn the errors of the client into ours."""
        try:
            yield
        except RuntimeError as error:  # as which the client hands on what befell one of several files
            raise self._as_ours(error.__cause__ or error) from error
        except (HfHubHTTPError, httpx2.HTTPError, LocalEntryNotFoundError, ValueError) as error:
            raise self._as_ours(error) from error

    @contextmanager
    def _sending(self) -> Iterator[None]:
        """Turn the errors of Xet into ours, by which content is sent where it is installed."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            if (ours := _refusal_of_xet(error, self.repo_id)) is None:
                raise
            raise ours from error

    def _as_ours(self, error: BaseException) -> BaseException:
        match error:
            case HfHubHTTPError():
                return _refusal(error, self.repo_id)
            case httpx2.HTTPError() | LocalEntryNotFoundError():
                return BusyServerError(f"{self.endpoint} did not answer ({type(error).__name__}).")
            case ValueError():  # of files that the Hub refuses one by one, and of answers that are none
                return HubError(
                    f"{self.repo_id}: the Hub refuses this: {error}. Correct it, and run it again."
                )
            case _:
                return error


@contextmanager
def open_repo(repo_id: str, *, endpoint: str, token: str | None) -> Iterator[HubRepo]:
    """Open a repository, which need not be there.

    As long as that, all requests of `huggingface_hub` in this process are bounded in time; and none is tried
    again by itself where the Hub is busy, which is for `with_patience` to do.
    """
    # Below WARNING these log addresses and headers as a whole.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if not sys.stderr.isatty():
        disable_progress_bars()
    set_client_factory(_bounded_client)
    try:
        yield HubRepo(repo_id, endpoint, HfApi(endpoint, token=token or False, library_name="c2s_assets"))
    finally:
        set_client_factory(default_client_factory)


def _hub_file(entry: RepoFile) -> HubFile:
    return HubFile(entry.size, entry.blob_id, None if entry.lfs is None else entry.lfs.sha256)


def _bounded_client() -> httpx2.Client:
    client = default_client_factory()
    client.timeout = _TIMEOUT
    client.event_hooks = {**client.event_hooks, "response": [_refuse_page, _refuse_busy]}
    return client


def _refuse_busy(response: httpx2.Response) -> None:
    if response.status_code not in BUSY:
        return
    said = response.headers.get("X-Error-Message", response.reason_phrase)
    raise BusyServerError(
        f"{response.url.host} answered {response.status_code} ({said}).",
        wait_seconds=retry_after_seconds(response.headers.get("Retry-After", "")),
    )


def _refuse_page(response: httpx2.Response) -> None:
    """Refuse an error that is a page: the client looks into some answers for JSON, whatever their status."""
    is_page = "html" in response.headers.get("Content-Type", "")
    if response.status_code >= 400 and response.status_code not in BUSY and is_page:
        raise _error_of(response.status_code, response.reason_phrase, str(response.url.host))


def _refusal(error: HfHubHTTPError, repo_id: str) -> HubError | BusyServerError:
    status, said = error.response.status_code, error.server_message or "no reason was given"
    if status == 409 and "in progress" in said:
        return BusyServerError(f"{repo_id}: {said}")
    return _error_of(status, said, repo_id)


def _refusal_of_xet(error: OSError | RuntimeError, repo_id: str) -> HubError | BusyServerError | None:
    """Say what stopped Xet; None if the error is not of Xet.

    It raises built-in errors, and two of its own that derive from what a file of ours would raise.
    """
    is_own = type(error).__module__.partition(".")[0] == "hf_xet"
    said = str(error).strip().rstrip(".") or type(error).__name__
    what = f"{repo_id}: Xet, the client's way to send content,"
    way_round = "To send without Xet, set HF_HUB_DISABLE_XET=1."
    match error:
        case PermissionError() if is_own:
            return HubError(
                f"{what} is not let in ({said}). Set {TOKEN} to a token that may write. {way_round}"
            )
        case FileNotFoundError() if is_own:
            return HubError(f"{what} misses something on the Hub ({said}). Run it again. {way_round}")
        case ConnectionError() | TimeoutError():
            return BusyServerError(f"{what} had no answer ({said}). {way_round}")
        case RuntimeError() if error.__cause__ is None:
            return BusyServerError(f"{what} stopped ({said}). {way_round}")
        case _:
            return None


def _error_of(status: int, said: str, where: str) -> HubError:
    """Say what the Hub answered, and what to do."""
    todo = "What was sent is not sent again: run it again."
    match status:
        case 401:
            todo = f"Set {TOKEN} to a token that is valid, and may see the repository."
        case 403:
            todo = f"Have its owner give you the right, make room there, or set {TOKEN} to another token."
        case 404:
            todo = f"Check repo_id in datasets.yaml, and that the token in {TOKEN} may see it."
        case 412:
            todo = f"Somebody else changed it meanwhile. {todo}"
        case 413:
            todo = f"Something between here and the Hub, such as a proxy, takes less at once. {todo}"
    error = TooMuchAtOnceError if status == 413 else HubError
    return error(f"{where}: the Hub answered {status} ({said.strip()}). {todo}")
