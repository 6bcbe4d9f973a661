"""Downloads that go on where they were cut, and never mix two versions."""

import base64
import errno
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from c2s_assets.clients import download as module
from c2s_assets.clients import http
from c2s_assets.clients.download import Downloaded, download
from c2s_assets.core.errors import BusyServerError, DownloadError
from c2s_assets.storage.sources.part import Part, PartNote, open_part, url_digest
from c2s_assets_tests.clients.answering import Reply, answering
from c2s_assets_tests.discover import LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits, running

SIZE = 3_000_000
OLD = hashlib.shake_256(b"old").digest(SIZE)
NEW = hashlib.shake_256(b"new").digest(SIZE)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("NO_PROXY", "*")
    return record_waits(monkeypatch)


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after the first try, as a process that ends."""
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, n_tries=1))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file.h5ad"


@dataclass
class FileServer:
    """One file whose version and manners a test can change; `starts` are the ranges that were served."""

    url: str = ""
    content: bytes = OLD
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"old"'})
    n_sent_at_most: int | None = None
    knows_ranges: bool = True
    knows_if_range: bool = True
    moves_ranges: int = 0
    starts: list[int] = field(default_factory=list)

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        same = handler.headers.get("If-Range") in self.headers.values() or not self.knows_if_range
        is_range = asked is not None and same and self.knows_ranges
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if is_range and asked else 0
        self.starts.append(start)
        if is_range and start >= len(self.content):
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        start += self.moves_ranges if is_range else 0
        body = self.content[start:]
        handler.send_response(206 if is_range else 200)
        handler.send_header("Content-Length", str(len(body)))
        if is_range:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(body[: self.n_sent_at_most])


@pytest.fixture
def server() -> Iterator[FileServer]:
    state = FileServer()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            state.respond(self)

        def log_message(self, *_: object) -> None:
            pass

    with running(Handler) as address:
        state.url = f"{address}/file?token=hunter2"
        yield state


@contextmanager
def published(content: bytes) -> Iterator[tuple[LocalDiscover, str, str]]:
    with serve_discover() as discover:
        discover.add("atlas", content)
        path = discover.h5ad_path("atlas")
        yield discover, path, f"{discover.url}{path}"


def cut_after(server: FileServer, target: Path, n_bytes: int) -> None:
    """Let a download end after so many bytes, as if its process had been killed there."""
    server.n_sent_at_most = n_bytes
    with pytest.raises(BusyServerError):
        download(server.url, target)
    server.n_sent_at_most = None
    server.starts.clear()


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def note_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part.json")


def is_alone(target: Path) -> bool:
    return list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("n_cuts", [1, 4])
def test_a_file_that_is_cut_goes_on_there_and_no_byte_is_sent_twice(target: Path, n_cuts: int) -> None:
    with published(OLD) as (discover, path, url):
        discover.misbehave(path, "cut", n_times=n_cuts)
        done = download(url, target, size_bytes=SIZE)
        assert discover.n_sent[path] == SIZE
        assert discover.n_requests[path] == n_cuts + 1
    assert done.size_bytes == SIZE
    assert target.read_bytes() == OLD
    assert is_alone(target)


@pytest.mark.usefixtures("once")
def test_the_next_call_goes_on_where_the_last_one_gave_up(server: FileServer, target: Path) -> None:
    cut_after(server, target, 1_000_000)
    assert not target.exists()
    assert part_of(target).read_bytes() == OLD[:1_000_000]
    assert "hunter2" not in note_of(target).read_text()

    shown = server.url.partition("?")[0]
    assert download(server.url, target) == Downloaded(url=shown, etag='"old"', size_bytes=SIZE)
    assert server.starts == [1_000_000]
    assert target.read_bytes() == OLD
    assert is_alone(target)


def test_a_killed_process_is_taken_over_from(target: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from c2s_assets.clients.download import download\n"
        "def die(n_bytes, total):\n"
        "    if n_bytes > total // 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "download(sys.argv[1], Path(sys.argv[2]), progress=die)"
    )
    with published(OLD) as (discover, path, url):
        killed = subprocess.run([sys.executable, "-c", code, url, str(target)], check=False, timeout=60)
        assert killed.returncode == -signal.SIGKILL
        n_kept = part_of(target).stat().st_size
        assert n_kept > SIZE // 2
        discover.n_sent.clear()
        download(url, target)
        # The server may notice only now that the first client is gone, a piece later.
        assert SIZE - n_kept <= discover.n_sent[path] <= SIZE - n_kept + 2**17
    assert target.read_bytes() == OLD
    assert is_alone(target)


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("knows_if_range", [True, False], ids=["by the book", "ignores If-Range"])
@pytest.mark.parametrize(
    "n_new", [SIZE, SIZE + 5, 400_000], ids=["same size", "longer", "shorter than the part"]
)
def test_a_part_of_another_version_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, target: Path, n_new: int, knows_if_range: bool
) -> None:
    cut_after(server, target, 1_000_000)
    new = hashlib.shake_256(b"new").digest(n_new)
    server.content, server.headers, server.knows_if_range = new, {"ETag": '"new"'}, knows_if_range
    record_waits(monkeypatch)
    monkeypatch.setattr(http, "PATIENCE", replace(http.PATIENCE, n_tries=2))
    assert download(server.url, target).etag == '"new"'
    assert target.read_bytes() == new
    assert server.starts == ([0] if knows_if_range else [1_000_000, 0])
    assert is_alone(target)


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    ("headers", "start"),
    [
        ({"ETag": '"old"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1_000_000),
        ({"ETag": 'W/"old"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1_000_000),
        ({"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1_000_000),
        ({"ETag": 'W/"old"'}, 0),
        ({"ETag": '"\xf6ld"'}, 0),
        ({}, 0),
    ],
    ids=["both", "weak ETag and date", "date", "weak ETag", "ETag that cannot be sent", "neither"],
)
def test_only_what_names_its_version_is_gone_on_with(
    server: FileServer, target: Path, headers: dict[str, str], start: int
) -> None:
    server.headers = headers
    cut_after(server, target, 1_000_000)
    assert part_of(target).exists() == note_of(target).exists() == (start > 0)
    download(server.url, target)
    assert server.starts == [start]
    assert target.read_bytes() == OLD
    assert is_alone(target)


@pytest.mark.usefixtures("once")
def test_a_server_without_ranges_sends_the_file_anew(server: FileServer, target: Path) -> None:
    cut_after(server, target, 1_000_000)
    server.knows_ranges = False
    download(server.url, target)
    assert server.starts == [0]
    assert target.read_bytes() == OLD


def test_a_server_that_always_cuts_and_knows_no_ranges_is_given_up(server: FileServer, target: Path) -> None:
    server.knows_ranges, server.n_sent_at_most = False, 2_000_000
    with pytest.raises(BusyServerError, match="It was tried 5 times"):
        download(server.url, target)
    assert server.starts == [0] * 5
    assert not target.exists()


def test_a_server_that_sends_other_ranges_than_asked_for_is_asked_from_the_start(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, target: Path
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(http, "PATIENCE", replace(http.PATIENCE, n_tries=1))
        cut_after(server, target, 1_000_000)
    server.moves_ranges = 100
    download(server.url, target)
    assert server.starts == [1_000_000, 0]
    assert target.read_bytes() == OLD


def test_a_range_that_was_not_asked_for_is_no_file(target: Path) -> None:
    part = Reply(206, b"cells", {"Content-Range": "bytes 5-9/10", "ETag": '"1"'})
    with answering(part) as server, pytest.raises(BusyServerError, match="does not send the rest"):
        download(server.url, target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.usefixtures("once")
def test_a_part_that_is_whole_costs_one_byte(server: FileServer, target: Path) -> None:
    """The process was killed between the last byte and the move."""
    cut_after(server, target, 1_000_000)
    part_of(target).write_bytes(OLD)
    download(server.url, target)
    assert server.starts == [SIZE - 1]
    assert target.read_bytes() == OLD


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    "note",
    [None, b"", b"{}", b'{"url_sha256": 1}', b"\xff", b"[" * 100_000],
    ids=["none", "empty", "no keys", "other", "binary", "deep"],
)
def test_a_part_without_a_note_that_can_be_read_is_thrown_away(
    server: FileServer, target: Path, note: bytes | None
) -> None:
    cut_after(server, target, 1_000_000)
    note_of(target).unlink()
    if note is not None:
        note_of(target).write_bytes(note)
    download(server.url, target)
    assert server.starts == [0]
    assert target.read_bytes() == OLD
    assert is_alone(target)


@pytest.mark.usefixtures("once")
def test_a_part_of_another_address_is_thrown_away(server: FileServer, target: Path) -> None:
    cut_after(server, target, 1_000_000)
    server.content = NEW
    download(f"{server.url}&other", target)
    assert server.starts == [0]
    assert target.read_bytes() == NEW


@pytest.mark.usefixtures("once")
def test_an_answer_without_announced_length_is_gone_on_with_until_the_expected_size(target: Path) -> None:
    etag = {"ETag": '"1"'}
    rest = Reply(206, b"lls", {"Content-Range": "bytes 2-4/5", **etag})
    with answering(Reply(body=b"ce", headers=etag, is_announced=False), rest) as server:
        with pytest.raises(BusyServerError, match="broke off after 2 of 5 bytes"):
            download(server.url, target, size_bytes=5)
        assert download(server.url, target, size_bytes=5).size_bytes == 5
    assert server.asked[1]["Range"] == "bytes=2-"
    assert target.read_bytes() == b"cells"


@pytest.mark.parametrize("is_announced", [True, False], ids=["announced", "not announced"])
@pytest.mark.parametrize("size_bytes", [4, 6], ids=["longer", "shorter"])
def test_a_file_of_another_size_than_expected_leaves_nothing(
    target: Path, size_bytes: int, is_announced: bool
) -> None:
    with (
        answering(Reply(body=b"cells", is_announced=is_announced)) as server,
        pytest.raises(DownloadError, match=r"is 5 bytes \(|sends more than the 4|broke off after 5 of 6"),
    ):
        download(server.url, target, size_bytes=size_bytes)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("html", "is 35 bytes (type: text/html) where 3,000,000 bytes were announced. Refresh the listing"),
        ("short", "is 2,999,990 bytes (type: application/octet-stream) where 3,000,000 bytes were announced"),
        ("redirect loop", "redirects more than 5 times"),
        ("huge", "sends more than the 3,000,000 bytes that are accepted"),
    ],
)
def test_a_final_fault_leaves_nothing_and_the_next_call_succeeds(
    waits: list[float], target: Path, fault: str, message: str
) -> None:
    with published(OLD) as (discover, path, url):
        discover.misbehave(path, fault)  # type: ignore[arg-type]
        with pytest.raises(DownloadError, match=re.escape(message)):
            download(url, target, size_bytes=SIZE)
        assert list(target.parent.iterdir()) == []
        discover.behave()
        download(url, target, size_bytes=SIZE)
    assert waits == []
    assert target.read_bytes() == OLD


@pytest.mark.parametrize("fault", ["busy", "broken", "cut", "changed"])
def test_a_passing_fault_ends_with_the_file(target: Path, fault: str) -> None:
    with published(OLD) as (discover, path, url):
        discover.misbehave(path, fault, n_times=2)  # type: ignore[arg-type]
        download(url, target, size_bytes=SIZE)
    assert target.read_bytes() == OLD
    assert is_alone(target)


def test_a_file_that_is_withdrawn_meanwhile_is_an_error(once: None, target: Path) -> None:  # noqa: ARG001
    with published(OLD) as (discover, path, url):
        discover.misbehave(path, "cut")
        with pytest.raises(BusyServerError):
            download(url, target)
        discover.withdraw("atlas")
        with pytest.raises(DownloadError, match="answered 404 Not Found"):
            download(url, target)
    assert list(target.parent.iterdir()) == []


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Repr-Digest": f"sha-512=:AAAA:, sha-256=:{_sha256(OLD)}:"},
        {"Digest": f"SHA-256={_sha256(OLD)}"},
        {"Digest": "md5=AAAA"},
    ],
    ids=["RFC 9530", "RFC 3230", "another digest"],
)
def test_a_digest_is_of_the_whole_file(server: FileServer, target: Path, headers: dict[str, str]) -> None:
    server.headers |= headers
    server.n_sent_at_most = 2_000_000
    download(server.url, target)
    assert server.starts == [0, 2_000_000]
    assert target.read_bytes() == OLD


def test_a_file_of_another_digest_leaves_nothing(server: FileServer, target: Path) -> None:
    server.headers["Repr-Digest"] = f"sha-256=:{_sha256(NEW)}:"
    with pytest.raises(DownloadError, match=r"its SHA-256 is not the announced [0-9a-f]{12}"):
        download(server.url, target)
    assert list(target.parent.iterdir()) == []


def test_a_file_that_does_not_fit_the_disk_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, target: Path
) -> None:
    monkeypatch.setattr(module, "_free_bytes", lambda _: SIZE - 1)
    with pytest.raises(DownloadError, match=r"needs 3,000,000 bytes more, .* has 2,999,999 left. Make room"):
        download(server.url, target)
    assert list(target.parent.iterdir()) == []
    monkeypatch.setattr(module, "_free_bytes", lambda _: SIZE)
    assert download(server.url, target).size_bytes == SIZE


@pytest.mark.usefixtures("once")
def test_only_what_is_missing_must_fit_the_disk(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, target: Path
) -> None:
    cut_after(server, target, 1_000_000)
    monkeypatch.setattr(module, "_free_bytes", lambda _: 2_000_000)
    assert download(server.url, target).size_bytes == SIZE


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, target: Path
) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Part, "append", fill)
    with pytest.raises(DownloadError, match=r"the disk of .* is full"):
        download(server.url, target)
    assert list(target.parent.iterdir()) == []


def test_a_file_is_fetched_by_one_process_at_a_time(server: FileServer, target: Path) -> None:
    with open_part(target) as part:
        part.append(b"cells")
        with pytest.raises(DownloadError, match="is being fetched by another process"):
            download(server.url, target)
    assert part_of(target).read_bytes() == b"cells"
    assert server.starts == []


def test_who_comes_as_the_other_finishes_does_not_write_into_the_finished_file(
    monkeypatch: pytest.MonkeyPatch, server: FileServer, target: Path
) -> None:
    """Between opening the part and locking it, the one that held it may have moved it into place."""

    def finish_first(*_: object) -> None:
        part_of(target).write_bytes(b"finished")
        part_of(target).replace(target)

    monkeypatch.setattr("c2s_assets.storage.sources.part.fcntl.flock", finish_first)
    with pytest.raises(DownloadError, match="is being fetched by another process"):
        download(server.url, target)
    assert target.read_bytes() == b"finished"


@pytest.mark.parametrize("name", ["part", "part.json"])
def test_nothing_is_written_through_a_link(
    server: FileServer, target: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    target.with_name(f"{target.name}.{name}").symlink_to(outside)
    download(server.url, target)
    assert target.read_bytes() == OLD
    assert outside.read_bytes() == b"precious"
    assert set(tmp_path.iterdir()) == {target, outside}


def test_progress_tells_what_has_arrived_of_how_much(server: FileServer, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    server.n_sent_at_most = 2_000_000
    download(server.url, target, progress=lambda n_bytes, total: told.append((n_bytes, total)))
    assert told == sorted(told)
    assert {total for _, total in told} == {SIZE}
    assert told[-1] == (SIZE, SIZE)
    assert (2_000_000, SIZE) in told


def test_an_old_file_stays_until_the_new_one_is_whole(
    server: FileServer,
    target: Path,
    once: None,  # noqa: ARG001
) -> None:
    target.write_bytes(b"old")
    cut_after(server, target, 1_000_000)
    assert target.read_bytes() == b"old"
    download(server.url, target)
    assert target.read_bytes() == OLD


def test_half_a_note_is_none(tmp_path: Path) -> None:
    """It is written in place: a process that dies over it leaves the beginning of a JSON document."""
    with open_part(tmp_path / "a") as part:
        part.start(
            PartNote(url_sha256=url_digest("http://127.0.0.1/a"), etag=None, validator="v", size_bytes=9)
        )
        part.append(b"abc")
        assert part.note("http://127.0.0.1/a") is not None
        place = tmp_path / "a.part.json"
        whole = place.read_bytes()
        for n_bytes in range(len(whole)):
            place.write_bytes(whole[:n_bytes])
            assert part.note("http://127.0.0.1/a") is None
