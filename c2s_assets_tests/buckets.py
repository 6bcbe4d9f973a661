"""Buckets of S3 on 127.0.0.1 for tests, which can misbehave: moto answers, if it is asked at all."""

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from typing import Any
from unittest.mock import patch

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

_ACCOUNT = "123456789012"
# A request that is asked about, as "GET /bucket/key"; the answer to it, or None to let moto answer.
Fault = Callable[[str], "tuple[str, bytes] | None"]
# In place of a status: the connection breaks off.
CUT = "cut"


@dataclass
class S3:
    """What was asked of the server, and what it does to requests."""

    endpoint: str = ""
    address: str = ""
    requests: list[str] = field(default_factory=list)
    n_copies: int = 0
    n_bytes_given: int = 0
    methods: set[str] = field(default_factory=set)
    fault: Fault = lambda _: None
    keeps_conditions: bool = True
    checksums: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _numbers: Iterator[int] = field(default_factory=count)

    def make_bucket(self, name: str | None = None) -> str:
        """Make a bucket, empty, by default of a new name; return its address."""
        name = name or f"bucket-{next(self._numbers)}"
        s3_backends[_ACCOUNT]["aws"].create_bucket(name, "us-east-1")
        self.address = f"s3://{name}"
        return self.address

    def objects(self, address: str) -> dict[str, bytes]:
        """Return the content of all objects of a bucket, by key."""
        found = s3_backends[_ACCOUNT]["aws"].buckets[address.removeprefix("s3://")].keys
        return {key: found[key].value for key in found}

    def put(self, address: str, key: str, value: bytes) -> None:
        """Write an object, as another program would."""
        s3_backends[_ACCOUNT]["aws"].put_object(address.removeprefix("s3://"), key, value)


@contextmanager
def serve_s3() -> Iterator[S3]:
    """Serve S3, as the environment then says, until the block ends; nothing of it is kept."""
    s3 = S3()
    moto, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        s3.requests.append(request)
        s3.methods.add(environ["REQUEST_METHOD"])
        s3.n_copies += "HTTP_X_AMZ_COPY_SOURCE" in environ
        if checksum := environ.get("HTTP_X_AMZ_CHECKSUM_SHA256"):
            s3.checksums[environ["PATH_INFO"]].append(checksum)
        if not s3.keeps_conditions:
            for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
                environ.pop(name, None)
        refused = s3.fault(request)
        if refused is None:
            # An object that is replaced while it is read is no error of S3, but is one of moto.
            if length := int(environ.get("CONTENT_LENGTH") or 0):
                environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
            with one_at_a_time:
                answered = list(moto(environ, start))
            s3.n_bytes_given += sum(map(len, answered))
            return answered
        status, body = refused
        if status == CUT:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        # Unread, it would be taken for the next request.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start(status, [("Content-Length", str(len(body)))])
        return [body]

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=_Silent)
    s3.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    known = {
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": s3.endpoint,
    }
    try:
        with patch.dict(os.environ, known):
            yield s3
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        s3_backends[_ACCOUNT]["aws"].reset()


def said(code: str, message: str = "") -> bytes:
    """Write an error as S3 does."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass
