"""Downloads over http and https: bounded in time, size and redirects, whole or not at all."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from c2s_assets.core.errors import DownloadError

# CELLxGENE's largest h5ad is about 100 GB.
MAX_BYTES = 200 * 2**30
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Downloaded:
    """What the server said of the file; `url` is without credentials and query."""

    url: str
    etag: str | None
    size_bytes: int


def download(url: str, path: Path, *, max_bytes: int = MAX_BYTES) -> Downloaded:
    """Fetch a file to `path`, which the caller removes if this raises.

    Raises
    ------
    DownloadError
        If the address is not http or https, the server refuses, the answer is larger than `max_bytes`,
        or it ends before the length that the server announced.
    """
    _require_http(url)
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=True, max_redirects=_MAX_REDIRECTS) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
        ):
            _require_http(str(response.url))
            response.raise_for_status()
            announced = int(response.headers.get("Content-Length", -1))
            if announced > max_bytes:
                raise DownloadError(
                    f"{shown(url)} is {announced:,} bytes; at most {max_bytes:,} are accepted."
                )
            n_bytes = _save(response, path, url=url, max_bytes=max_bytes)
    except httpx.HTTPStatusError as error:
        raise DownloadError(
            f"{shown(url)} answered {error.response.status_code} {error.response.reason_phrase}. "
            f"Check the address, or try later."
        ) from error
    except httpx.HTTPError as error:
        raise DownloadError(
            f"{shown(url)} could not be fetched: {type(error).__name__}: {error}. Check the address and the "
            f"network, or download the file by hand and add its path."
        ) from error
    if announced not in (-1, n_bytes):
        raise DownloadError(f"{shown(url)} sent {n_bytes:,} of {announced:,} bytes. Try again.")
    return Downloaded(url=shown(url), etag=response.headers.get("ETag"), size_bytes=n_bytes)


def is_url(text: str) -> bool:
    """Whether a text is meant as an address rather than as a path."""
    return "://" in text


def shown(url: str) -> str:
    """Return the address without user, password, query and fragment, which may be secrets."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    netloc = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def _require_http(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise DownloadError(
            f"{shown(url)} is not an http or https address. Download it by hand and add its path."
        )


def _save(response: httpx.Response, path: Path, *, url: str, max_bytes: int) -> int:
    n_bytes = 0
    with path.open("wb") as file:
        for piece in response.iter_bytes():
            n_bytes += len(piece)
            if n_bytes > max_bytes:
                raise DownloadError(
                    f"{shown(url)} sends more than the {max_bytes:,} bytes that are accepted."
                )
            file.write(piece)
    return n_bytes
