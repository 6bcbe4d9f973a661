"""Redirects from the internet to this machine or its network; 127.0.0.1 stands for the internet here."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from c2s_assets.clients import hops
from c2s_assets.clients.download import download
from c2s_assets.clients.hops import is_inner
from c2s_assets.core.errors import DownloadError
from c2s_assets_tests.clients.answering import Answering, Reply, answering
from c2s_assets_tests.serving import record_waits

FILE = Reply(body=b"cells")
INNER = "127.0.0.2"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("NO_PROXY", "*")
    return record_waits(monkeypatch)


@pytest.fixture
def inner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """A service at 127.0.0.2, also called inner.example; 127.0.0.1 counts as outside, as public.example."""
    monkeypatch.setattr(hops, "is_inner", lambda address: address == INNER)
    look_up = socket.getaddrinfo

    def names(host: Any, *arguments: Any, **options: Any) -> Any:
        known = {"inner.example": INNER, "public.example": "127.0.0.1"}
        return look_up(known.get(str(host), host), *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", names)
    with answering(FILE, host=INNER) as server:
        yield server


@pytest.mark.parametrize("name", [INNER, "inner.example"])
@pytest.mark.parametrize("given", ["127.0.0.1", "public.example"])
def test_a_redirect_from_outside_to_in_here_is_refused_before_anything_is_asked(
    inner: Answering, tmp_path: Path, waits: list[float], given: str, name: str
) -> None:
    inside = inner.url.replace(INNER, name)
    with (
        answering(Reply(302, headers={"Location": inside})) as outside,
        pytest.raises(
            DownloadError, match=f"redirects to {inside}, which is {INNER}: of this machine or its"
        ),
    ):
        download(outside.url.replace("127.0.0.1", given), tmp_path / "file")
    assert (inner.asked, waits) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_over_a_second_server_outside_is_refused(inner: Answering, tmp_path: Path) -> None:
    with (
        answering(Reply(302, headers={"Location": inner.url})) as second,
        answering(Reply(302, headers={"Location": second.url})) as first,
        pytest.raises(DownloadError, match=r"redirects to .* which is 127\.0\.0\.2"),
    ):
        download(first.url, tmp_path / "file")
    assert inner.asked == []


def test_an_address_in_here_that_is_given_may_redirect_in_here(inner: Answering, tmp_path: Path) -> None:
    other = inner.url.replace("/file", "/other")
    inner.replies[:] = [Reply(302, headers={"Location": other}), FILE]
    download(inner.url.replace(INNER, "inner.example"), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FILE.body


@pytest.mark.usefixtures("inner")
def test_a_redirect_within_the_internet_is_followed(tmp_path: Path) -> None:
    with (
        answering(FILE) as second,
        answering(
            Reply(302, headers={"Location": second.url.replace("127.0.0.1", "public.example")})
        ) as first,
    ):
        download(first.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FILE.body


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1"),
        *("::ffff:10.0.0.1", "2002:7f00:1::"),
    ],
)
def test_addresses_that_are_not_of_the_internet_are_inner(address: str) -> None:
    assert is_inner(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_not(address: str) -> None:
    assert not is_inner(address)
