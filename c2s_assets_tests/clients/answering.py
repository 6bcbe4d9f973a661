"""A server on 127.0.0.1 that gives the answers of a list, one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from c2s_assets_tests.serving import running


@dataclass(frozen=True)
class Reply:
    """One answer; `n_sent` bytes of the body if that is given, and then the connection ends."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    n_sent: int | None = None
    is_announced: bool = True

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer so what a handler was asked."""
        handler.send_response(self.status)
        if self.is_announced:
            handler.send_header("Content-Length", str(len(self.body)))
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(self.body[: self.n_sent])


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
            reply.send(self)

        def log_message(self, *_: object) -> None:
            pass

    with running(Handler, host=host) as address:
        state.url = f"{address}/file"
        yield state
