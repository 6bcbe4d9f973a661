"""A server on 127.0.0.1 that speaks like the API of OpenAI, and says of images what a test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from c2s_assets_tests.clients.answering import Reply
from c2s_assets_tests.serving import running

Document = dict[str, Any]


@dataclass
class VisionServer:
    """What was asked: the documents, and the headers and the path of each request."""

    endpoint: str
    asked: list[Document] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def prompts(self) -> list[str]:
        """The words of all questions."""
        return [document["messages"][0]["content"][0]["text"] for document in self.asked]


def said(text: str | None) -> Reply:
    """Answer as a model does that says this."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return Reply(body=json.dumps({"object": "chat.completion", "choices": choices}).encode())


@contextmanager
def serve_vision(answer: Callable[[Document], Reply]) -> Iterator[VisionServer]:
    """Serve a model that answers each question like this, one after the other."""
    state, one_at_a_time = VisionServer(""), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with one_at_a_time:
                state.asked.append(document)
                state.headers.append(dict(self.headers))
                state.paths.append(self.path)
                reply = answer(document)
            reply.send(self)

        def log_message(self, *_: object) -> None:
            pass

    with running(Handler) as address:
        state.endpoint = f"{address}/v1"
        yield state
