"""Serves a Hub over HTTP on this machine alone."""

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from c2s_assets.local_hub.answers import ROUTES
from c2s_assets.local_hub.hub import READER, WRITER, Asked, Hub, HubAnswer, Route
from c2s_assets.local_hub.repository import RefusalError


class HangUpError(Exception):
    """The connection is to be closed without an answer."""


@contextmanager
def serving(hub: Hub, *, port: int = 0, routes: Sequence[Route] = ROUTES) -> Iterator[None]:
    """Serve a Hub on 127.0.0.1, until the block ends; its `url` says where."""
    hub.folder.mkdir(parents=True, exist_ok=True)

    class Handler(_Handler):
        pass

    Handler.hub, Handler.routes = hub, routes
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Finds the route of a request, and sends what the Hub answers."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    wbufsize = 2**16  # head and body in one packet; a second one waits 40 ms for the first to be confirmed
    hub: Hub
    routes: Sequence[Route]

    def handle(self) -> None:
        """Pass over who hangs up: who asks may be killed."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - as http.server calls them

    def _answer(self) -> None:
        place = urlsplit(self.path)
        method = "GET" if self.command == "HEAD" else self.command
        body = self._body()
        if len(body) < int(self.headers.get("Content-Length", 0)):
            self.close_connection = True  # who asked was killed
            return
        for route in self.routes:
            if route.method == method and (matched := re.fullmatch(route.pattern, place.path)):
                break
        else:
            self._refuse(RefusalError(404, f"{self.path} is not known here"))
            return
        says = {name: unquote(value) for name, value in matched.groupdict().items() if value is not None}
        query = {name: values[-1] for name, values in parse_qs(place.query).items()}
        try:
            self._send_part(self.hub.answer(route, Asked(self.hub, says, query, body, self._user())))
        except RefusalError as refusal:
            self._refuse(refusal)
        except HangUpError:
            self.close_connection = True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _user(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token if token in (WRITER, READER) else None

    def _send_part(self, answer: HubAnswer) -> None:
        """Send an answer, or as much of a file as was asked for."""
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        content = answer.body
        if asked is None or not content or "Accept-Ranges" not in answer.headers:
            self._send(200, answer)
            return
        first, last = asked.groups()
        start = int(first) if first else len(content) - int(last)
        stop = min(int(last) + 1 if first and last else len(content), len(content))
        ranged = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
        self._send(206, HubAnswer(content[start:stop], {**answer.headers, **ranged}))

    def _refuse(self, refusal: RefusalError) -> None:
        if refusal.is_page:
            page = f"<html><body><h1>{refusal.status} {refusal.message}</h1></body></html>".encode()
            self._send(refusal.status, HubAnswer(page, {"Content-Type": "text/html", **refusal.headers}))
            return
        said = json.dumps({"error": refusal.message}).encode()
        headers = {"Content-Type": "application/json", "X-Error-Message": refusal.message}
        self._send(refusal.status, HubAnswer(said, {**headers, **refusal.headers}))

    def _send(self, status: int, answer: HubAnswer) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
