"""A small web server on 127.0.0.1 for tests: serves what is in a dictionary, stops with the block.

What speaks like CELLxGENE Discover, and can misbehave, is in `discover.py`.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from dagster._core.execution.plan import active

from c2s_assets.clients import http

_NO_HEADERS: Mapping[str, str] = {}


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serve(pages: Mapping[str, bytes], *, headers: Mapping[str, str] = _NO_HEADERS) -> Iterator[str]:
    """Serve each page under its path and 404 for all others; yields the address without a final slash.

    What is in `headers` when a page is asked for is sent with it.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            body = pages.get(self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("ETag", '"1"')
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with running(Handler) as address:
        yield address


@contextmanager
def running(handler: type[BaseHTTPRequestHandler], *, host: str = "127.0.0.1") -> Iterator[str]:
    """Let a server answer as its handler says, until the block ends; yields its address."""
    with ThreadingHTTPServer((host, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Clock:
    """A clock that sleeping puts forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def time(self) -> float:
        return time.time() + self._ahead

    def sleep(self, seconds: float) -> None:
        self._ahead += seconds


def skip_retry_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Dagster try an asset again at once; it would wait 10 and 20 seconds."""
    monkeypatch.setattr(active, "time", _Clock())


def record_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let clients try again at once; returns the list of the seconds that they would have waited."""
    waits: list[float] = []
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, sleep=waits.append, draw=lambda: 1.0))
    return waits
