"""The listing of CELLxGENE Discover, as its curation API gives it."""

from dataclasses import dataclass
from typing import Any

from c2s_assets.clients.http import get_json, shown
from c2s_assets.core.errors import DownloadError, WithdrawnError
from c2s_assets.core.ids import check_dataset_id

DISCOVER_URL = "https://api.cellxgene.cziscience.com"
# The datasets were some tens of MB in 2025; anything far beyond that is something else.
_MAX_BYTES = 500 * 10**6

# As it is sent: an object as a rule, in which fields can be missing or null, and others than those we know.
Record = Any


@dataclass(frozen=True)
class Records:
    """What a listing answers.

    Attributes
    ----------
    records
        None if they are still those of the ETag that was asked with.
    etag
        What names this state of the listing, if the server names it.
    """

    records: list[Record] | None
    etag: str | None


@dataclass(frozen=True)
class Discover:
    """The public datasets and collections of CELLxGENE Discover, or of what speaks like it.

    Every method raises DownloadError if there is no answer, or none that is a list.
    """

    base_url: str = DISCOVER_URL

    def datasets(self, *, etag: str | None = None) -> Records:
        """List all public datasets, unless they are still those of the ETag."""
        return self._records("/curation/v1/datasets", etag=etag)

    def collections(self, *, etag: str | None = None) -> Records:
        """List all public collections, unless they are still those of the ETag."""
        return self._records("/curation/v1/collections", etag=etag)

    def versions(self, dataset_id: str) -> list[Record] | None:
        """List the published versions of a dataset, newest first; None if it was withdrawn.

        Raises
        ------
        InvalidDatasetIdError
            If no address may be made of the id.
        """
        try:
            path = f"/curation/v1/datasets/{check_dataset_id(dataset_id)}/versions"
            return self._records(path, etag=None).records
        except WithdrawnError:
            return None

    def _records(self, path: str, *, etag: str | None) -> Records:
        url = f"{self.base_url.rstrip('/')}{path}"
        answer = get_json(url, max_bytes=_MAX_BYTES, etag=etag)
        if not answer.is_modified:
            return Records(None, etag)
        if not isinstance(answer.content, list):
            raise DownloadError(
                f"{shown(url)} answered {_described(answer.content)} where a list of records was expected. "
                f"Check the address, or try later."
            )
        return Records(answer.content, answer.etag)


def _described(value: object) -> str:
    """Tell what kind of JSON a value is, with the beginning of it."""
    match value:
        case dict():
            names = ", ".join(repr(name[:20]) for name in list(value)[:5])
            return f"an object with the keys {names}" if names else "an object without keys"
        case None:
            return "null"
        case _:
            return f"{value!r}"[:60]
