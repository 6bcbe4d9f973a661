import logging
import socket
import threading
import traceback
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import quote, unquote

import pytest

from c2s_assets.clients import http, pace
from c2s_assets.clients.download import Downloaded, announce, download, is_url
from c2s_assets.core.errors import DownloadError
from c2s_assets_tests.serving import record_waits, serve

CONTENT = b"cells " * 1000


class Handler(BaseHTTPRequestHandler):
    """What the server does is named by the first part of the path."""

    def do_GET(self):
        self.server.requests.append(SimpleNamespace(path=self.path, headers=dict(self.headers)))
        self.close_connection = True
        getattr(self, self.path.strip("/").partition("/")[0].partition("?")[0])()

    def answer(self, status, *, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def ok(self):
        self.answer(200, body=CONTENT, Content_Length=len(CONTENT), ETag='"v1"')

    def dated(self):
        day = unquote(self.path.removeprefix("/dated/"))
        self.answer(200, body=CONTENT, Content_Length=len(CONTENT), Last_Modified=day)

    def unannounced(self):
        self.answer(200, body=CONTENT)

    def empty(self):
        self.answer(200, Content_Length=0)

    def missing(self):
        self.answer(404, body=b"hunter2", Content_Length=7)

    def broken(self):
        self.answer(500, Content_Length=0)

    def unchanged(self):
        self.answer(304)

    def to(self):
        self.answer(302, Location=self.path.removeprefix("/to/"))

    def loop(self):
        self.answer(302, Location="/loop?token=hunter2")

    def flooding_redirect(self):
        self.answer(302, Location="/ok")
        self.flood()

    def endless(self):
        self.answer(200)
        self.flood()

    def flood(self):
        try:
            for _ in range(1000):
                self.wfile.write(bytes(100_000))
                self.server.n_flooded += 100_000
        except OSError:  # the client has hung up
            pass

    def too_long(self):
        self.answer(200, body=CONTENT, Content_Length=len(CONTENT) - 1)

    def cut(self):
        self.answer(200, body=CONTENT, Content_Length=len(CONTENT) + 1)

    def cut_in_a_chunk(self):
        self.answer(200, body=b"10\r\ncells", Transfer_Encoding="chunked")

    def nonsense(self):
        self.wfile.write(b"cells and no protocol\r\n\r\n")

    def silent(self):
        self.server.stopped.wait(5)

    def dripping(self):
        self.answer(200)
        try:
            while not self.server.stopped.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            pass

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    return record_waits(monkeypatch)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.n_flooded, server.stopped = [], 0, threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.host = f"127.0.0.1:{server.server_port}"
        try:
            yield server
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join(timeout=10)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file.h5ad"


@pytest.mark.parametrize(
    ("route", "etag"),
    [("ok", '"v1"'), ("unannounced", None), ("to//ok", '"v1"'), ("to//to//ok", '"v1"')],
    ids=["announced length", "unannounced length", "one redirect", "two redirects"],
)
def test_a_file_arrives_whole(server, target, route, etag):
    url = f"http://{server.host}/{route}"
    assert download(url, target) == Downloaded(url=url, etag=etag, size_bytes=len(CONTENT))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", date(2015, 10, 21)),
        ("yesterday", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
    ],
    ids=["a date", "no date", "a year that no date has"],
)
def test_the_day_of_the_last_change_is_told_where_the_server_says_it(server, target, sent, day):
    assert download(f"http://{server.host}/dated/{quote(sent)}", target).last_modified == day


def test_an_empty_file_is_a_file(server, target):
    assert download(f"http://{server.host}/empty", target).size_bytes == 0
    assert target.read_bytes() == b""


REFUSED = {
    "missing": "answered 404 Not Found",
    "broken": "answered 500 Internal Server Error",
    "unchanged": "answered 304 Not Modified",
    "loop": "redirects more than 5 times",
    "to/ftp://127.0.0.1/file": "ftp://127.0.0.1/file is not an http or https address",
    "to/file:///etc/passwd": "/etc/passwd is not an http or https address",
    "to/data:text": "one that it redirects to, is not valid",
    "to/http://127.0.0.1:hunter2/": "could not be fetched: the answer broke off, or is not one of HTTP",
    "cut": "peer closed connection without sending complete message body",
    "cut_in_a_chunk": "peer closed connection without sending complete message body",
    "nonsense": "could not be fetched: the answer broke off, or is not one of HTTP",
}


@pytest.mark.parametrize(("route", "message"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_no_whole_file_is_an_error(server, target, route, message):
    with pytest.raises(DownloadError, match=message):
        download(f"http://{server.host}/{route}", target)


def test_a_redirect_loop_is_left_after_six_requests(server, target):
    with pytest.raises(DownloadError):
        download(f"http://{server.host}/loop", target)
    assert len(server.requests) == 6


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/file", "file:///etc/passwd", "/etc/passwd", ""])
def test_other_schemes_are_not_asked(target, url):
    with pytest.raises(DownloadError, match="is not an http or https address"):
        download(url, target)
    assert not target.exists()


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:pass/", "http://a\0b/"]
)
def test_an_address_that_is_none_is_an_error(target, url):
    with pytest.raises(DownloadError, match=r"is not valid|could not be fetched"):
        download(url, target)


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("ok", "is 6,000 bytes; at most 5,999 are accepted"),
        ("unannounced", "sends more than the 5,999 bytes that are accepted"),
        ("endless", "sends more than the 5,999 bytes that are accepted"),
    ],
    ids=["announced", "not announced", "endless"],
)
def test_a_file_that_is_too_large_is_not_fetched(server, target, route, message):
    with pytest.raises(DownloadError, match=message):
        download(f"http://{server.host}/{route}", target, max_bytes=len(CONTENT) - 1)
    assert not target.exists() or target.stat().st_size <= len(CONTENT)


def test_a_file_of_just_the_accepted_size_is_fetched(server, target):
    download(f"http://{server.host}/ok", target, max_bytes=len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_no_more_is_read_than_was_announced(server, target):
    assert download(f"http://{server.host}/too_long", target).size_bytes == len(CONTENT) - 1


def test_the_body_of_a_redirect_is_not_read(server, target):
    """Guards against memory: httpx reads it as a whole when it follows redirects itself."""
    download(f"http://{server.host}/flooding_redirect", target)
    assert target.read_bytes() == CONTENT
    server.stopped.wait(0.1)
    assert server.n_flooded < 50_000_000  # of 100 MB; some stand in the buffers of the system


def test_a_server_that_drips_is_given_up(server, target, monkeypatch):
    monkeypatch.setattr(pace, "WINDOW_SECONDS", 0.1)
    with pytest.raises(DownloadError, match=r"sent \d+ bytes and then too little to go on"):
        download(f"http://{server.host}/dripping", target)


def test_a_server_that_says_nothing_is_given_up(server, target, monkeypatch):
    monkeypatch.setattr(http, "_TIMEOUT", 0.1)
    with pytest.raises(DownloadError, match="could not be fetched: nothing came for too long"):
        download(f"http://{server.host}/silent", target)


def test_no_server_at_all(target):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(
            DownloadError, match=rf"http://127\.0\.0\.1:{port}/x could not be fetched: there was no con"
        ):
            download(f"http://127.0.0.1:{port}/x", target)


SECRETIVE = [
    "missing",
    "broken",
    "cut",
    "nonsense",
    "loop",
    "to/ftp://zoe:hunter2@h/?hunter2",
    "to//ok?hunter2",
    "ok",
]


@pytest.mark.parametrize("route", SECRETIVE)
def test_user_password_and_query_are_used_and_shown_nowhere(server, target, caplog, route):
    url = f"http://mallory:hunter2@{server.host}/{route}?token=hunter2#hunter2"
    with caplog.at_level(logging.DEBUG):
        try:
            told = repr(download(url, target))
        except DownloadError as error:
            told = "".join(traceback.format_exception(error))
    assert server.requests[0].path == f"/{route}?token=hunter2"
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    for secret in ("hunter2", "mallory", "zoe:", "token"):
        assert secret not in told.replace(__file__, "")
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://mallory:hunter2@[::1/x",
        "http://mallory:hunter2@127.0.0.1:99999/",
        "http:///mallory:hunter2@127.0.0.1/",
    ],
    ids=["bad host", "bad port", "no host"],
)
def test_an_address_that_is_none_shows_no_secret(target, url):
    with pytest.raises(DownloadError) as caught:
        download(url, target)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_credentials_do_not_follow_a_redirect_to_another_host(server, target):
    """`localhost` is another host than 127.0.0.1 to a client, and the same server to us."""
    port = server.server_port
    download(f"http://mallory:hunter2@127.0.0.1:{port}/to/http://localhost:{port}/ok", target)
    assert [("Authorization" in request.headers) for request in server.requests] == [True, False]


def test_is_url_tells_addresses_from_paths():
    assert is_url("https://host/a.h5ad")
    assert is_url("ftp://host/a.h5ad")
    assert not is_url("/data/a.h5ad")
    assert not is_url("a.h5ad")


# --- what is announced


@pytest.mark.parametrize(
    ("path", "disposition", "name"),
    [
        ("/files/atlas.h5ad", 'attachment; filename="other.h5ad"', "atlas.h5ad"),
        ("/files/My%20atlas.h5ad", None, "My atlas.h5ad"),
        ("/files/local.h5ad", 'attachment; filename="lung atlas.h5ad"', "lung atlas.h5ad"),
        ("/files/local.h5ad", None, "local.h5ad"),
        ("/records/1/files/a.h5ad/content", "attachment; filename=a.h5ad", "a.h5ad"),
        ("/files/24539828", "attachment; filename*=UTF-8''%C3%A9.h5ad", "é.h5ad"),
        ("/files/content", 'attachment; filename="../../etc/passwd"', "passwd"),
        ("/files/content", 'attachment; filename="C:\\\\data\\\\a.h5ad"', "a.h5ad"),
        ("/files/content", "inline", "content"),
        ("/download/?file=a.h5ad", None, "download"),
    ],
    ids=[
        "in the address",
        "coded",
        "generic",
        "generic, not told",
        "repository",
        "number",
        "a path",
        "Windows",
        "no name",
        "in the query",
    ],
)
def test_a_file_has_the_name_of_its_address_or_else_that_of_the_server(path, disposition, name):
    headers = {} if disposition is None else {"Content-Disposition": disposition}
    with serve(
        {path.partition("?")[0].replace("%20", " "): b"cells", path: b"cells"}, headers=headers
    ) as url:
        announced = announce(f"{url}{path}")
    assert announced.name == name
    assert (announced.size_bytes, announced.etag) == (5, '"1"')
    assert announced.url == f"{url}{path.partition('?')[0]}"


def test_what_a_server_refuses_is_told_before_anything_is_fetched():
    with serve({}) as url, pytest.raises(DownloadError, match="answered 404"):
        announce(f"{url}/a.h5ad")
