"""What may ask the UI for something: its own pages and programs of this machine, not pages of other sites.

Dagster's webserver knows no users and takes every question, also by GET, under every name, from every page
that the browser has open. Here a request has to be meant for this server (its Host), and to come from it
(Origin, Sec-Fetch-Site); what changes anything has to be JSON that is posted, which no page of another
site can send without being asked for an Origin first. See the Fetch standard on CORS-safelisted requests.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_READS = ("GET", "HEAD")
_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Refusal:
    """Why a request is not passed on, with the status of HTTP that says so."""

    status: int
    why: str


class Guard:
    """An ASGI application that passes on what may be asked, and answers the rest itself.

    Parameters
    ----------
    app
        The webserver's.
    port
        On which it is served; with another one a name is another server's.
    """

    def __init__(self, app: App, *, port: int) -> None:
        self._app, self._port = app, port
        self._hosts = {f"{name}:{port}" for name in _NAMES} | (set(_NAMES) if port == 80 else set())
        # A policy has no form for addresses of IPv6. Not every browser counts sockets among 'self'.
        sockets = " ".join(sorted(f"ws://{host}" for host in self._hosts if "[" not in host))
        # Beside the webserver's own policy: what a page shows comes from here, and no other page frames it,
        # where a click could be led astray.
        self._policy = (
            f"img-src 'self' data: blob:; media-src 'self'; font-src 'self' data:; "
            f"connect-src 'self' {sockets}; form-action 'self'; frame-src 'self'; frame-ancestors 'self'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] not in ("http", "websocket"):  # the server itself starting and ending
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, self._framed(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.why[:120]})
        else:
            await _answer(refusal, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = _headers(scope)
        refusal = self._misdirected(headers.get("host", [])) or self._foreign(headers.get("origin", []))
        if refusal is not None or scope["type"] == "websocket":
            return refusal
        method = scope["method"]
        if method in _READS:
            return _unasked(scope, headers)
        if method != "POST":
            return Refusal(405, f"{_shown(method)} is not a way to ask the Dagster UI for anything.")
        return _not_json(headers.get("content-type", []))

    def _misdirected(self, hosts: list[str]) -> Refusal | None:
        """A page whose name was made to lead to this machine says its own name here."""
        if len(hosts) == 1 and hosts[0].lower() in self._hosts:
            return None
        found = " and ".join(map(_shown, hosts)) or "missing"
        return Refusal(
            403,
            f"the header Host is {found}, and this is 127.0.0.1:{self._port}. Open "
            f"http://127.0.0.1:{self._port}; a tunnel has to have the same port at both ends.",
        )

    def _foreign(self, origins: list[str]) -> Refusal | None:
        own = {f"http://{host}" for host in self._hosts}
        if all(origin.lower() in own for origin in origins):
            return None
        found = " and ".join(map(_shown, origins))
        return Refusal(403, f"a page of {found} asks; only pages of the Dagster UI itself may.")

    def _framed(self, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"content-security-policy", self._policy.encode()),
                    (b"x-frame-options", b"SAMEORIGIN"),
                ]
            await send(message)

        return guarded


def _unasked(scope: Scope, headers: dict[str, list[str]]) -> Refusal | None:
    """Refuse a question in an address, and what other sites fetch; links from there to here are followed."""
    if scope["path"].rstrip("/").endswith("/graphql") and scope["query_string"]:
        return Refusal(405, "a question in an address is not answered. Post it, as application/json.")
    site, mode, target = (headers.get(f"sec-fetch-{name}", []) for name in ("site", "mode", "dest"))
    is_own = all(value in ("same-origin", "none") for value in site)
    is_link = mode == ["navigate"] and target == ["document"]
    if is_own or is_link:
        return None
    return Refusal(403, "a page of another site asks; only pages of the Dagster UI itself may.")


def _not_json(types: list[str]) -> Refusal | None:
    # Dagster looks for the words anywhere, also in text/plain;application/json, which every page can send.
    if len(types) == 1 and types[0].partition(";")[0].strip().lower() == "application/json":
        return None
    found = " and ".join(map(_shown, types)) or "missing"
    return Refusal(415, f"the header Content-Type is {found}; what is posted has to be application/json.")


def _headers(scope: Scope) -> dict[str, list[str]]:
    """Collect all values of each header; one that is sent twice is read differently by different programs."""
    found: dict[str, list[str]] = {}
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
    return found


def _shown(value: str) -> str:
    return ascii(value[:_LONGEST_SHOWN])


async def _answer(refusal: Refusal, send: Send) -> None:
    body = f"Refused: {refusal.why}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
