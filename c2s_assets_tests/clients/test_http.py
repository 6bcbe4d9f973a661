"""Tries, waits, limits and JSON; what belongs to files is in test_download and test_resume."""

import logging
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from c2s_assets.clients import pace
from c2s_assets.clients.http import JsonAnswer, Patience, get_json, shown, with_patience
from c2s_assets.core.errors import BusyServerError, DownloadError, WithdrawnError
from c2s_assets_tests.clients.answering import Reply, answering
from c2s_assets_tests.discover import DATASETS, serve_discover
from c2s_assets_tests.serving import record_waits

OK = Reply(body=b'{"cells": 3}', headers={"ETag": '"1"'})
KNOWN = JsonAnswer(content={"cells": 3}, etag='"1"', is_modified=True)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("NO_PROXY", "*")
    return record_waits(monkeypatch)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(waits: list[float], status: int) -> None:
    with answering(Reply(status), Reply(status), OK) as server:
        assert get_json(server.url, max_bytes=100) == KNOWN
    assert len(server.asked) == 3
    assert waits == [1.0, 2.0]


def test_an_answer_that_is_cut_is_asked_for_again(waits: list[float]) -> None:
    with answering(Reply(body=OK.body, n_sent=5), OK) as server:
        assert get_json(server.url, max_bytes=100) == KNOWN
    assert len(waits) == 1


def test_a_server_that_stays_busy_is_given_up_after_five_tries(waits: list[float]) -> None:
    with (
        answering(Reply(503)) as server,
        pytest.raises(
            BusyServerError, match=r"answered 503 Service Unavailable. It was tried 5 times. Check"
        ),
    ):
        get_json(server.url, max_bytes=100)
    assert len(server.asked) == 5
    assert waits == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 416, 418, 501])
def test_other_answers_are_final(waits: list[float], status: int) -> None:
    with answering(Reply(status)) as server, pytest.raises(DownloadError) as caught:
        get_json(server.url, max_bytes=100)
    assert len(server.asked) == 1
    assert waits == []
    assert not isinstance(caught.value, BusyServerError)
    assert isinstance(caught.value, WithdrawnError) == (status == 410)


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 8, 8),
        ("0", 1, 1),
        ("86400", 121, 121),
        ("9" * 5000, 121, 121),
        (60, 30, 61),
        (86400, 121, 121),
        (-60, 1, 1),
        ("Wed, 21 Oct 2015 07:28:00", 1, 1),
        ("Wed, 99 Oct 9999 07:28:00 GMT", 1, 1),
        ("-3", 1, 1),
        ("soon", 1, 1),
    ],
    ids=[
        "seconds",
        "no wait",
        "a day",
        "for ever",
        "date",
        "far date",
        "past date",
        "no zone",
        "no day",
        "negative",
        "words",
    ],
)
def test_what_the_server_asks_for_is_waited_up_to_two_minutes(
    waits: list[float], asked: str | int, least: float, most: float
) -> None:
    """A number of seconds stands for the date in so many seconds, which would be past if made any earlier."""
    text = asked if isinstance(asked, str) else _in(asked)
    with answering(Reply(429, headers={"Retry-After": text}), OK) as server:
        assert get_json(server.url, max_bytes=100) == KNOWN
    assert least <= waits[0] <= most


def test_waits_are_spread_and_bounded() -> None:
    waits = [
        [Patience(draw=lambda: draw).wait_seconds(n, asked_seconds=0) for n in (1, 2, 3, 20)]  # noqa: B023
        for draw in (0.0, 1.0)
    ]
    assert waits == [[0.5, 1.0, 2.0, 120.0], [1.0, 2.0, 4.0, 120.0]]


def test_tries_are_counted_from_the_last_that_came_a_megabyte_further(waits: list[float]) -> None:
    reached = 0
    steps = [0, 0, 2**20, 10, 10, 10, 2**20, 0, 0, 0, 0]

    def attempt() -> None:
        nonlocal reached
        reached += steps.pop(0)
        raise BusyServerError("busy.")

    with pytest.raises(BusyServerError, match="It was tried 5 times"):
        with_patience(attempt, reached=lambda: reached)
    assert steps == []
    assert waits == [1, 2, 1, 2, 4, 8, 1, 2, 4, 8]


def test_what_is_known_is_not_sent_again() -> None:
    with serve_discover() as discover:
        discover.add("a", b"h5ad")
        first = get_json(f"{discover.url}{DATASETS}", max_bytes=10**5)
        n_sent = discover.n_sent[DATASETS]
        again = get_json(f"{discover.url}{DATASETS}", max_bytes=10**5, etag=first.etag)
        assert again == JsonAnswer(content=None, etag=first.etag, is_modified=False)
        assert discover.n_sent[DATASETS] == n_sent
        discover.add("b", b"h5ad")
        changed = get_json(f"{discover.url}{DATASETS}", max_bytes=10**5, etag=first.etag)
    assert changed.is_modified
    assert changed.etag != first.etag
    assert isinstance(changed.content, list)
    assert [record["dataset_id"] for record in changed.content] == ["a", "b"]


def test_a_document_without_end_is_refused_while_it_comes(waits: list[float]) -> None:
    with serve_discover() as discover:
        discover.misbehave(DATASETS, "huge")
        with pytest.raises(DownloadError, match="sends more than the 1,000,000 bytes that are accepted"):
            get_json(f"{discover.url}{DATASETS}", max_bytes=10**6)
        assert discover.n_sent[DATASETS] < 50_000_000  # of 200 MB; some stand in the buffers of the system
    assert waits == []


@pytest.mark.parametrize("n_bytes", [12, 11], ids=["just", "too much"])
def test_an_announced_document_is_taken_up_to_the_limit(n_bytes: int) -> None:
    with answering(OK) as server:
        if n_bytes == 12:
            assert get_json(server.url, max_bytes=n_bytes) == KNOWN
        else:
            with pytest.raises(DownloadError, match="is 12 bytes; at most 11 are accepted"):
                get_json(server.url, max_bytes=n_bytes)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><title>Moved</title>",
        b'[{"a": 1}',
        b'["\xff\xfe"]',
        b"[" * 10**6,
        b"[" + b"9" * 10_000 + b"]",
        b'{"\\ud83d": ' + b"[" * 10**5,
    ],
    ids=["nothing", "page", "cut", "not UTF-8", "deep", "long number", "deep with escapes"],
)
def test_what_is_not_json_is_an_error_that_shows_its_beginning(body: bytes) -> None:
    with answering(Reply(body=body)) as server, pytest.raises(DownloadError, match="is not JSON") as caught:
        get_json(server.url, max_bytes=10**7)
    assert repr(body[:20].decode(errors="replace"))[:-1] in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b'{"genes": NaN, "cells": -Infinity}', {"genes": None, "cells": None}),
        (b'["\\ud83e\\uddec", "\\uD83E\\uDDEC"]', ["\N{DNA DOUBLE HELIX}"] * 2),
        (b'["a\\ud83e", {"\\uDDEC": 1}]', ["a\N{REPLACEMENT CHARACTER}", {"\N{REPLACEMENT CHARACTER}": 1}]),
        (b'["\\\\ud83e"]', ["\\ud83e"]),
    ],
    ids=["no numbers", "pairs", "halves", "an escaped backslash"],
)
def test_values_that_nothing_can_store_are_replaced(body: bytes, content: object) -> None:
    with answering(Reply(body=body)) as server:
        assert get_json(server.url, max_bytes=1000).content == content


def test_a_compressed_answer_is_refused() -> None:
    """Guards against memory: httpx would inflate a piece of 64 kB to 64 MB, and twice compressed to 64 GB."""
    bomb = Reply(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip, gzip"})
    with answering(bomb) as server, pytest.raises(DownloadError, match="is sent compressed"):
        get_json(server.url, max_bytes=1000)


def test_an_encoding_that_changes_nothing_is_passed_over() -> None:
    with answering(Reply(body=b"[]", headers={"Content-Encoding": "utf-8"})) as server:
        assert get_json(server.url, max_bytes=1000).content == []


@pytest.mark.parametrize("fault", ["slow", "slow headers"])
def test_a_server_that_drips_is_given_up(
    monkeypatch: pytest.MonkeyPatch, waits: list[float], fault: str
) -> None:
    """Guards the watch on headers, of whose pieces httpx tells us nothing."""
    monkeypatch.setattr(pace, "WINDOW_SECONDS", 0.1)
    with serve_discover() as discover:
        discover.add("a", b"h5ad")
        discover.misbehave(DATASETS, fault, n_times=9)  # type: ignore[arg-type]
        started = time.monotonic()
        with pytest.raises(BusyServerError, match="and then too little to go on"):
            get_json(f"{discover.url}{DATASETS}", max_bytes=10**6)
        assert time.monotonic() - started < 5
    assert len(waits) == 4


def test_a_redirect_loop_is_left() -> None:
    with serve_discover() as discover:
        discover.misbehave(DATASETS, "redirect loop")
        with pytest.raises(DownloadError, match="redirects more than 5 times"):
            get_json(f"{discover.url}{DATASETS}", max_bytes=10**6)
        assert discover.n_requests[DATASETS] == 6


def test_an_etag_that_cannot_be_sent_back_is_none() -> None:
    with answering(Reply(body=b"[]", headers={"ETag": '"v\xe9"'})) as server:
        assert get_json(server.url, max_bytes=100).etag is None


def test_what_is_logged_of_a_try_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with answering(Reply(503), OK) as server, caplog.at_level(logging.DEBUG):
        get_json(f"{server.url.replace('//', '//zoe:hunter2@')}?token=hunter2", max_bytes=100)
    assert server.asked[1]["Authorization"].startswith("Basic ")
    assert f"{server.url} answered 503 Service Unavailable. Trying again in 1 s." in caplog.messages
    assert "hunter2" not in caplog.text
    assert "zoe" not in caplog.text


def test_without_a_test_the_waits_are_real() -> None:
    assert Patience().sleep is time.sleep


SHOWN = {
    "http://user:hunter2@host:8080/a/b.h5ad?token=hunter2#part": "http://host:8080/a/b.h5ad",
    "https://HOST/a": "https://host/a",
    "http://user@[::1]:80/a": "http://[::1]:80/a",
    "http://us@er:pa@ss@host/a": "http://host/a",
    "http:///user:hunter2@host/a": "the address",
    "http:/user:hunter2@host/a": "the address",
    "http://[::1": "the address",
    "http://user:hunter2@host:99999/a": "the address",
}


@pytest.mark.parametrize(("url", "expected"), SHOWN.items(), ids=SHOWN.keys())
def test_shown_keeps_scheme_host_and_path(url, expected):
    assert shown(url) == expected


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[str]:
    """Address of a server that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None and "C2S_REQUIRE_TOOLS" not in os.environ:
        pytest.skip("there is no openssl to make a certificate with")
    assert openssl is not None
    made = [str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")]
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run(
        [openssl, "req", "-x509", *options, "-keyout", made[0], "-out", made[1]],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made[1], made[0])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_shake_hands, args=(listening, context))
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def _shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    listening.settimeout(10)
    connection, _ = listening.accept()
    with connection, suppress(ssl.SSLError, ConnectionError):
        context.wrap_socket(connection, server_side=True).close()


def test_a_certificate_that_nobody_vouches_for_is_final(waits: list[float], self_signed: str) -> None:
    with pytest.raises(DownloadError, match=r"certificate is not to be trusted \(self.signed") as caught:
        get_json(f"{self_signed}/datasets", max_bytes=100)
    assert not isinstance(caught.value, BusyServerError)
    assert waits == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http:///x", "https://"])
def test_an_address_that_cannot_be_asked_for_is_final(waits: list[float], url: str) -> None:
    with pytest.raises(DownloadError) as caught:
        get_json(url, max_bytes=100)
    assert not isinstance(caught.value, BusyServerError)
    assert waits == []
