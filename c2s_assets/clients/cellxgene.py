"""The listing of CELLxGENE Discover, as its curation API gives it."""

from dataclasses import dataclass
from typing import Any

from c2s_assets.clients.http import get_json, shown
from c2s_assets.core.errors import DownloadError, WithdrawnError
from c2s_assets.core.ids import check_dataset_id

DISCOVER_URL = "https://api.cellxgene.cziscience.com"
# The datasets were some tens of MB in 2025; anything far beyond that is something else.
_MAX_BYTES = 500 * 10**6

Record = dict[str, Any]


@dataclass(frozen=True)
class Discover:
    """The public datasets and collections of CELLxGENE Discover, or of what speaks like it.

    Records come as they are sent: fields can be missing or null, and others than the documented ones can be
    there. Every method raises DownloadError if there is no answer, or none that is a list of records.
    """

    base_url: str = DISCOVER_URL

    def datasets(self) -> list[Record]:
        """List all public datasets."""
        return self._records("/curation/v1/datasets")

    def collections(self) -> list[Record]:
        """List all public collections."""
        return self._records("/curation/v1/collections")

    def versions(self, dataset_id: str) -> list[Record] | None:
        """List the published versions of a dataset, newest first; None if it was withdrawn.

        Raises
        ------
        InvalidDatasetIdError
            If no address may be made of the id.
        """
        try:
            return self._records(f"/curation/v1/datasets/{check_dataset_id(dataset_id)}/versions")
        except WithdrawnError:
            return None

    def _records(self, path: str) -> list[Record]:
        url = f"{self.base_url.rstrip('/')}{path}"
        content = get_json(url, max_bytes=_MAX_BYTES).content
        if not isinstance(content, list):
            raise DownloadError(
                f"{shown(url)} answered {_described(content)} where a list of records was expected. Check "
                f"the address, or try later."
            )
        for position, record in enumerate(content):
            if not isinstance(record, dict):
                raise DownloadError(
                    f"{shown(url)} lists {_described(record)} at position {position:,} where a record was "
                    f"expected. Try later."
                )
        return content


def _described(value: object) -> str:
    """Tell what kind of JSON a value is, with the beginning of it."""
    match value:
        case dict():
            names = ", ".join(repr(name[:20]) for name in list(value)[:5])
            return f"an object with the keys {names}" if names else "an object without keys"
        case list():
            return f"a list of {len(value):,}"
        case None:
            return "null"
        case _:
            return f"{value!r}"[:60]
