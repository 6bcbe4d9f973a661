"""Requests over http and https: bounded in time, redirects, size and tries, and silent about secrets."""

import json
import logging
import random
import re
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from c2s_assets.clients.hops import Hops
from c2s_assets.clients.pace import Pace
from c2s_assets.core.errors import BusyServerError, DownloadError, WithdrawnError

# To connect, and between two pieces: CELLxGENE is silent for some seconds before its long listing.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_PROBE_SECONDS = 5.0
# A request has one connection, and closes it.
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1)
_MAX_REDIRECTS = 5
# Statuses of servers of which another try may come to something.
BUSY = frozenset({429, 500, 502, 503, 504})
_COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How often a busy server is asked, and how long we wait in between.

    The wait doubles from try to try and is random from a half on, so that clients that failed together
    do not come back together. What the server asks for in `Retry-After`, up to the longest wait, is added.
    """

    n_tries: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = field(default=random.random)

    def wait_seconds(self, n_failed: int, *, asked_seconds: float) -> float:
        """How long to wait after so many failures in a row."""
        wait = self.first_wait_seconds * 2.0 ** (n_failed - 1) * (0.5 + self.draw() / 2)
        return min(wait, self.longest_wait_seconds) + min(asked_seconds, self.longest_wait_seconds)


PATIENCE = Patience()


@dataclass(frozen=True)
class JsonAnswer:
    """A JSON document; without content if it is still the one that was known by its ETag."""

    content: object
    etag: str | None
    is_modified: bool


@dataclass(frozen=True)
class Sent:
    """What is sent to a server, and how long it may think about it."""

    body: bytes = field(repr=False)
    answer_seconds: float


class Reply:
    """What a server sends: status and headers, and then the body, piece by piece."""

    def __init__(self, url: str, response: httpx.Response, pace: Pace) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._url, self._response, self._pace = url, response, pace

    @property
    def length(self) -> int | None:
        """Bytes that the body is announced to have."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isdecimal() else None

    @property
    def etag(self) -> str | None:
        """What names the version of the content."""
        return self.sendable("ETag")

    def sendable(self, name: str) -> str | None:
        """Return a header if it can be sent back: httpx sends no other than plain characters."""
        value = self.headers.get(name, "")
        return value if value.isascii() and value.isprintable() and value else None

    def pieces(self, *, max_bytes: int) -> Iterator[bytes]:
        """Read the body.

        Raises
        ------
        DownloadError
            If it is larger than `max_bytes`, or compressed: it would be of another size than announced.
        BusyServerError
            If it comes too slowly.
        """
        encoding = self.headers.get("Content-Encoding", "")
        if _COMPRESSIONS & set(re.split(r"[\s,]+", encoding.lower())):  # others, as UTF-8, change nothing
            raise DownloadError(
                f"{shown(self._url)} is sent compressed ({encoding[:40]!r}), though we asked for it as it "
                f"is. Download it by hand and add its path."
            )
        if self.length is not None and self.length > max_bytes:
            raise DownloadError(
                f"{shown(self._url)} is {self.length:,} bytes; at most {max_bytes:,} are accepted. Check the "
                f"address."
            )
        n_bytes = 0
        for piece in self._response.iter_raw():
            n_bytes += len(piece)
            self._pace.n_bytes += len(piece)
            if n_bytes > max_bytes:
                raise DownloadError(
                    f"{shown(self._url)} sends more than the {max_bytes:,} bytes that are accepted. "
                    f"Check the address, or try later."
                )
            yield piece
        if self._pace.is_too_slow:  # a body of unannounced length ends where we hang up, and looks whole
            raise _too_slow(self._url, self._pace)


def get_json(url: str, *, max_bytes: int, etag: str | None = None) -> JsonAnswer:
    """Fetch a JSON document.

    NaN and infinities, which are no JSON, become null; halves of surrogate pairs, which are no text, become
    the replacement character.

    Parameters
    ----------
    etag
        Of the version that is known; the server then may say that nothing has changed.

    Raises
    ------
    WithdrawnError
        If the server answers 410.
    DownloadError
        If the address, or one that it redirects to, is not http or https; the server refuses, or is still
        busy or slow or breaks off after some tries; or the answer is larger than `max_bytes` or not JSON.
    """
    headers = {"Accept": "application/json"} | ({} if etag is None else {"If-None-Match": etag})

    def attempt() -> tuple[bytes | None, str | None]:
        with send(url, headers=headers, accepted=() if etag is None else (304,)) as reply:
            if reply.status == 304:
                return None, etag
            return b"".join(reply.pieces(max_bytes=max_bytes)), reply.etag

    body, version = with_patience(attempt)
    if body is None:
        return JsonAnswer(content=None, etag=version, is_modified=False)
    return JsonAnswer(content=parse_json(body, url=url), etag=version, is_modified=True)


def post_json(
    url: str,
    document: object,
    *,
    headers: Mapping[str, str],
    accepted: Collection[int],
    max_bytes: int,
    answer_seconds: float,
) -> tuple[int, bytes]:
    """Send a JSON document, to this address and no other, and return the status and body of the answer.

    Parameters
    ----------
    accepted
        See `send`.
    answer_seconds
        How long the server may think about it.

    Raises
    ------
    DownloadError
        As `get_json`, and if the server redirects.
    """
    says = {"Accept": "application/json", "Content-Type": "application/json"} | dict(headers)
    sent = Sent(json.dumps(document).encode(), answer_seconds)

    def attempt() -> tuple[int, bytes]:
        with send(url, headers=says, accepted=accepted, sent=sent) as reply:
            return reply.status, b"".join(reply.pieces(max_bytes=max_bytes))

    return with_patience(attempt)


def require_connection(url: str) -> None:
    """Find out within seconds whether a server can be reached at all, whatever it would say.

    For who waits at a terminal: without a network, requests are tried again for minutes.

    Raises
    ------
    DownloadError
        If there is no connection.
    """
    try:
        with httpx.Client(timeout=_PROBE_SECONDS, limits=_LIMITS, verify=_trusted()) as client:
            client.head(url)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise DownloadError(
            f"{shown(url)} cannot be reached: {_mishap(error)}. Check the network and the address."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL):
        return  # what is wrong is said to who asks in earnest


def with_patience(attempt: Callable[[], Result], *, reached: Callable[[], int] = lambda: 0) -> Result:
    """Try again, after a wait, for as long as the server is busy.

    Parameters
    ----------
    reached
        How far the attempts have come, in bytes. Tries are counted from the last that came 1 MB further.

    Raises
    ------
    BusyServerError
        If the last try failed as well.
    """
    patience = PATIENCE
    n_failed, furthest = 0, reached()
    while True:
        try:
            return attempt()
        except BusyServerError as error:
            if reached() - furthest >= 2**20:
                n_failed, furthest = 0, reached()
            n_failed += 1
            if n_failed >= patience.n_tries:
                raise BusyServerError(
                    f"{error} It was tried {n_failed} times. Check the address and the network, or try later."
                ) from error
            wait = patience.wait_seconds(n_failed, asked_seconds=error.wait_seconds)
            _log.warning(f"{error} Trying again in {wait:.0f} s.")
        patience.sleep(wait)


@contextmanager
def send(
    url: str, *, headers: Mapping[str, str], accepted: Collection[int] = (), sent: Sent | None = None
) -> Iterator[Reply]:
    """Ask for an address once, following redirects; the body is read within the block.

    User, password and query of the address are used, and shown nowhere.

    Parameters
    ----------
    accepted
        Statuses, beside those of success, that are the caller's to deal with.
    sent
        Goes to this address, and to none that it redirects to.

    Raises
    ------
    BusyServerError
        If the server cannot be reached, is too slow, breaks off, or answers 429, 500, 502, 503 or 504.
    WithdrawnError
        If it answers 410.
    DownloadError
        If it refuses, its certificate is not to be trusted, it redirects too often or from the internet to
        in here, or an address is not http or https.
    """
    # Below WARNING these log addresses and headers as a whole.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    seconds = 0.0 if sent is None else sent.answer_seconds
    timeout = _TIMEOUT if sent is None else httpx.Timeout(seconds, connect=_TIMEOUT.connect)
    with (
        Pace(silent_seconds=seconds) as pace,
        _translated(url, pace),
        httpx.Client(timeout=timeout, limits=_LIMITS, verify=_trusted()) as client,
        closing(_request(client, url, headers, pace, sent)) as response,
    ):
        if not response.is_success and response.status_code not in accepted:
            raise _refusal(url, response)
        yield Reply(url, response, pace)


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


@cache
def _trusted() -> ssl.SSLContext:
    """Return the authorities that vouch for servers; reading them takes 20 ms, so it is done once."""
    return httpx.create_ssl_context()


@contextmanager
def _translated(url: str, pace: Pace) -> Iterator[None]:
    """Turn the errors of httpx into ours."""
    try:
        yield
    except httpx.HTTPError as error:
        if pace.is_too_slow:
            raise _too_slow(url, pace) from error
        if (final := _final_mishap(error)) is not None:
            raise DownloadError(f"{shown(url)} could not be fetched: {final}") from error
        raise BusyServerError(f"{shown(url)} could not be fetched: {_mishap(error)}.") from error
    except httpx.InvalidURL:
        # Its message, as the address itself, can hold a password where another part should be.
        raise DownloadError(
            "the address, or one that it redirects to, is not valid. Correct it; it is not shown, as it may "
            "hold secrets."
        ) from None


def _mishap(error: httpx.HTTPError) -> str:
    """Say in words what happened on the way; the text of a time that ran out is often empty."""
    match error:
        case httpx.ConnectTimeout():
            return "there was no connection in time"
        case httpx.TimeoutException():
            return "nothing came for too long"
        case httpx.ConnectError():
            return f"there was no connection ({error})"
        case httpx.RemoteProtocolError():
            return f"the answer broke off, or is not one of HTTP ({error})"
        case _:
            return f"the connection failed ({error})"


def _final_mishap(error: httpx.HTTPError) -> str | None:
    """Say what went wrong and what to do, if another try would end the same."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return f"it cannot be asked for ({error}). Correct the address."
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not to be trusted ({cause.verify_message}). Check the address; if it is "
                f"right, the server, or who looks into the connection, has to have its certificate mended."
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _too_slow(url: str, pace: Pace) -> BusyServerError:
    return BusyServerError(f"{shown(url)} sent {pace.n_bytes:,} bytes and then too little to go on.")


def _request(
    client: httpx.Client, url: str, headers: Mapping[str, str], pace: Pace, sent: Sent | None
) -> httpx.Response:
    """Send the request and follow redirects; httpx itself would read their bodies, whatever their size."""
    hops = Hops()

    def trace(event: str, info: Mapping[str, Any]) -> None:
        pace.trace(event, info)
        hops.trace(event, info)

    request = client.build_request(
        "GET" if sent is None else "POST",
        url,
        headers={"Accept-Encoding": "identity", **headers},
        content=None if sent is None else sent.body,
        extensions={"trace": trace},
    )
    for _ in range(_MAX_REDIRECTS + 1):
        target = str(request.url)
        if request.url.scheme not in ("http", "https"):
            raise DownloadError(
                f"{shown(target)} is not an http or https address. Download it by hand and add its path."
            )
        hops.go(request.url.host, shown=shown(target))
        response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        request = response.next_request
        if sent is not None:
            raise DownloadError(
                f"{shown(url)} redirects to {shown(str(request.url))}, and nothing is sent there unasked. If "
                f"that is what you want, give that address."
            )
    raise DownloadError(f"{shown(url)} redirects more than {_MAX_REDIRECTS} times. Check the address.")


def _refusal(url: str, response: httpx.Response) -> DownloadError:
    answer = f"{shown(url)} answered {response.status_code} {response.reason_phrase}."
    if response.status_code in BUSY:
        asked = retry_after_seconds(response.headers.get("Retry-After", ""))
        return BusyServerError(answer, wait_seconds=asked)
    if response.status_code == 410:
        return WithdrawnError(f"{answer} It was withdrawn; remove it from what you ask for.")
    return DownloadError(f"{answer} Check the address, or try later.")


def retry_after_seconds(text: str) -> float:
    """Read seconds or a date; 0 if it is neither, or past."""
    if text.isdecimal():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def parse_json(body: bytes, *, url: str) -> object:
    """Read what an address has answered; see `get_json` for what becomes of what is no JSON.

    Raises
    ------
    DownloadError
        If it is not JSON.
    """
    try:
        text = body.decode()
        content: object = json.loads(text, parse_constant=lambda _: None)
        if "\\ud" in text or "\\uD" in text:  # most are whole pairs; only then is the document parsed twice
            plain = json.dumps(content, ensure_ascii=False)
            content = json.loads(_LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", plain))
    except (ValueError, RecursionError) as error:
        start = body[:60].decode(errors="replace")
        raise DownloadError(
            f"{shown(url)} is not JSON ({str(error)[:80]}) and begins with {start!r}. Check the address, "
            f"or try later."
        ) from None
    return content
