"""Where the Hugging Face Hub is and whose token is used, known without loading its client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from c2s_assets.core.errors import HubError

if TYPE_CHECKING:
    from c2s_assets.clients.hub import HubRepo

HUB_URL = "https://huggingface.co"
# The variable of the environment that holds the token.
TOKEN = "HF_TOKEN"  # noqa: S105


@contextmanager
def hub_repo(repo_id: str, *, endpoint: str, token: str | None) -> "Iterator[HubRepo]":
    """Open a repository, see `open_repo`.

    Raises
    ------
    HubError
        If the client of the Hub is not installed.
    """
    try:
        from c2s_assets.clients.hub import open_repo  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise HubError(
            f"the client of the Hugging Face Hub is not installed ({error.name} is missing). Install it: pip "
            f"install 'c2s-assets[hub]'."
        ) from error
    with open_repo(repo_id, endpoint=endpoint, token=token) as repo:
        yield repo
