"""Which of a dataset's files at CELLxGENE Discover is the h5ad."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class H5adAsset:
    """The h5ad of one version of a dataset; its size is None where the record does not say it."""

    url: str
    size_bytes: int | None


def h5ad_asset(record: Mapping[str, object]) -> H5adAsset | None:
    """Find the h5ad among the `assets` of a dataset's record: the first that has an http(s) address.

    None if there is none, or the record is not built as expected.
    """
    assets = record.get("assets")
    for asset in assets if isinstance(assets, list) else []:
        if not isinstance(asset, dict) or str(asset.get("filetype")).upper() != "H5AD":
            continue
        url, size = asset.get("url"), asset.get("filesize")
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            has_size = isinstance(size, int) and not isinstance(size, bool) and size > 0
            return H5adAsset(url, size if has_size else None)
    return None
