"""Downloads over http and https: bounded in time, size and redirects."""

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from c2s_assets.core.errors import DownloadError

# CELLxGENE's largest h5ad is about 100 GB.
MAX_BYTES = 200 * 2**30
# Between two pieces; a server that sends a byte now and then is stopped by the pace.
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LEAST_BYTES_PER_SECOND = 1_000
_GRACE_SECONDS = 60.0
_MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Downloaded:
    """What the server said of the file; `url` is without credentials and query."""

    url: str
    etag: str | None
    size_bytes: int


def download(url: str, path: Path, *, max_bytes: int = MAX_BYTES) -> Downloaded:
    """Fetch a file to `path`, which the caller removes if this raises.

    User, password and query of the address are used, and shown nowhere.

    Raises
    ------
    DownloadError
        If the address, or one that it redirects to, is not http or https; the server refuses; the answer is
        larger than `max_bytes`, slower than 1,000 bytes a second, or ends before its announced length.
    """
    # Below WARNING these log addresses and headers as a whole.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with httpx.Client(timeout=_TIMEOUT) as client, closing(_request(client, url)) as response:
            _check(response, url=url, max_bytes=max_bytes)
            n_bytes = _save(response, path, url=url, max_bytes=max_bytes)
    except httpx.HTTPError as error:
        raise DownloadError(
            f"{shown(url)} could not be fetched: {type(error).__name__}: {error}. Check the address and the "
            f"network, or download the file by hand and add its path."
        ) from error
    except httpx.InvalidURL:
        # Its message, as the address itself, can hold a password where another part should be.
        raise DownloadError(
            "the address, or one that it redirects to, is not valid. Correct it; it is not shown, as it may "
            "hold secrets."
        ) from None
    return Downloaded(url=shown(url), etag=response.headers.get("ETag"), size_bytes=n_bytes)


def is_url(text: str) -> bool:
    """Whether a text is meant as an address rather than as a path."""
    return "://" in text


def shown(url: str) -> str:
    """Return the address without user, password, query and fragment, which may be secrets."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:  # then a password can be anywhere
        return "the address"
    name = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{name}:{port}" if port else name, parts.path, "", ""))


def _request(client: httpx.Client, url: str) -> httpx.Response:
    """Send the request and follow redirects; httpx itself would read their bodies, whatever their size."""
    request = client.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    for _ in range(_MAX_REDIRECTS + 1):
        target = str(request.url)
        if request.url.scheme not in ("http", "https"):
            raise DownloadError(
                f"{shown(target)} is not an http or https address. Download it by hand and add its path."
            )
        response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        request = response.next_request
    raise DownloadError(f"{shown(url)} redirects more than {_MAX_REDIRECTS} times. Check the address.")


def _check(response: httpx.Response, *, url: str, max_bytes: int) -> None:
    if not response.is_success:
        raise DownloadError(
            f"{shown(url)} answered {response.status_code} {response.reason_phrase}. "
            f"Check the address, or try later."
        )
    announced = int(response.headers.get("Content-Length", 0))
    if announced > max_bytes:
        raise DownloadError(f"{shown(url)} is {announced:,} bytes; at most {max_bytes:,} are accepted.")


def _save(response: httpx.Response, path: Path, *, url: str, max_bytes: int) -> int:
    n_bytes = 0
    started = time.monotonic()
    with path.open("wb") as file:
        for piece in response.iter_bytes():
            n_bytes += len(piece)
            if n_bytes > max_bytes:
                raise DownloadError(
                    f"{shown(url)} sends more than the {max_bytes:,} bytes that are accepted."
                )
            if n_bytes < _LEAST_BYTES_PER_SECOND * (time.monotonic() - started - _GRACE_SECONDS):
                raise DownloadError(
                    f"{shown(url)} sent {n_bytes:,} bytes in {time.monotonic() - started:.0f} seconds, too "
                    f"slow to go on. Try later, or download the file by hand and add its path."
                )
            file.write(piece)
    return n_bytes
