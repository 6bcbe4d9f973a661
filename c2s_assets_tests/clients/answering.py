"""A server on 127.0.0.1 that gives the answers of a list, one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """One answer; `n_sent` bytes of the body if that is given, and then the connection ends."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    n_sent: int | None = None
    is_announced: bool = True


@dataclass
class Answering:
    """What is still to be answered, and what was asked: the headers of each request."""

    url: str
    replies: list[Reply]
    asked: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def answering(*replies: Reply, host: str = "127.0.0.1") -> Iterator[Answering]:
    """Give these answers to whatever is asked, the last of them again and again."""
    state = Answering("", list(replies))

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            state.asked.append(dict(self.headers))
            reply = state.replies.pop(0) if len(state.replies) > 1 else state.replies[0]
            self.send_response(reply.status)
            if reply.is_announced:
                self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(reply.body[: reply.n_sent])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Handler) as server:
        state.url = f"http://{host}:{server.server_port}/file"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
