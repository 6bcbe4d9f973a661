"""Objects in a bucket, and what is said of a bucket that refuses."""

import ast
import hashlib
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from c2s_assets.core.errors import BucketError, BusyServerError, C2SError, LostRaceError
from c2s_assets.storage.bucket import bucket as buckets
from c2s_assets.storage.bucket.address import BucketAddress, parse_bucket_address
from c2s_assets.storage.bucket.bucket import Bucket
from c2s_assets.storage.bucket.refusals import refusals_in_words
from c2s_assets_tests.buckets import S3, said, serve_s3


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serve_s3() as s3:
        yield s3


@pytest.fixture
def s3(server: S3) -> Iterator[S3]:
    """A server without faults, with an empty bucket, of which nothing was asked yet."""
    server.make_bucket()
    server.requests.clear()
    yield server
    server.fault = lambda _: None


def _bucket(address: str) -> Bucket:
    patience = {"max_retries": 1, "retry_timeout": timedelta(seconds=5)}
    return Bucket(parse_bucket_address(f"{address}/lake"), patience)


@pytest.mark.parametrize("text", ["s3://", "s3://B/x", "s3://ab", "s3://lakes/../x", "s3://lakes/a b"])
def test_an_address_that_no_bucket_has_is_refused(text: str) -> None:
    with pytest.raises(C2SError, match="no address of a lake in a bucket"):
        parse_bucket_address(text)


def test_an_address_is_written_as_it_was_read() -> None:
    assert str(parse_bucket_address("s3://lakes/blood/2026/")) == "s3://lakes/blood/2026"
    assert str(parse_bucket_address("s3://lakes")) == "s3://lakes"


def test_a_file_comes_back_as_it_was_sent(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is sent in parts and fetched in pieces; S3 takes no parts below 5 MB but the last."""
    monkeypatch.setattr("c2s_assets.storage.bucket.bucket._PIECE_BYTES", 5 * 2**20)
    sent, fetched = tmp_path / "sent", tmp_path / "fetched"
    sent.write_bytes(bytes(range(256)) * (6 * 2**12))
    bucket, sha256 = _bucket(s3.address), hashlib.sha256(sent.read_bytes()).hexdigest()
    bucket.upload("a/file", sent)
    bucket.download("a/file", fetched, size_bytes=sent.stat().st_size, sha256=sha256)
    assert fetched.read_bytes() == sent.read_bytes() == s3.objects(s3.address)["lake/a/file"]
    assert sum("POST" in request for request in s3.requests) == 2  # begun, and completed


def test_what_arrives_damaged_is_refused(s3: S3, tmp_path: Path) -> None:
    s3.put(s3.address, "lake/a", b"other bytes")
    right = hashlib.sha256(b"right bytes").hexdigest()
    with pytest.raises(BusyServerError, match="what arrived of a has the sha256"):
        _bucket(s3.address).download("a", tmp_path / "a", size_bytes=11, sha256=right)
    assert not (tmp_path / "a").exists()


def test_of_two_who_swap_one_wins(s3: S3) -> None:
    bucket = _bucket(s3.address)
    first = bucket.swap("head", "1", expected=None)
    with pytest.raises(LostRaceError):
        bucket.swap("head", "one", expected=None)
    second = bucket.swap("head", "2", expected=first)
    with pytest.raises(LostRaceError, match="head was changed by another machine"):
        bucket.swap("head", "two", expected=first)
    now = bucket.read("head")
    assert now is not None
    assert (now.text, now.etag) == ("2", second)


def test_a_swap_of_which_only_the_answer_was_lost_is_done(s3: S3) -> None:
    """The client asks again, and is told that the object is another one: the one that it wrote itself."""
    bucket = _bucket(s3.address)
    first = bucket.swap("head", "1", expected=None)
    s3.put(s3.address, "lake/head", b"2")
    assert bucket.swap("head", "2", expected=first) != first


def test_nothing_that_a_bucket_lacks_is_called() -> None:
    """Of files here some are moved; of objects none is renamed, copied, linked or locked."""
    lacking = {"rename", "copy", "link", "symlink", "hardlink", "flock", "lockf", "replace", "move"}
    seen = set()
    for source in Path(buckets.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                seen.add(node.attr)
            if isinstance(node, ast.Import | ast.ImportFrom):
                seen.update(alias.name for alias in node.names)
    assert {"put", "get", "head", "list", "delete"} <= seen
    assert not {name for name in seen if name.removesuffix("_async") in lacking | {"fcntl", "shutil"}}


def test_nothing_is_none_and_a_listing_knows_sizes(s3: S3) -> None:
    bucket = _bucket(s3.address)
    assert bucket.read("head") is None
    etag = bucket.swap("heads/a", "text", expected=None)
    bucket.swap("others/b", "", expected=None)
    assert [(one.key, one.size_bytes, one.etag) for one in bucket.objects("heads")] == [("heads/a", 4, etag)]
    bucket.delete(["heads/a", "never/was"])
    assert [one.key for one in bucket.objects("")] == ["others/b"]


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("403 Forbidden", "AccessDenied", "no right.*AccessDenied.*s3:PutObject"),
        ("400 Bad Request", "ExpiredToken", "credentials have expired.*Get new ones"),
        ("403 Forbidden", "SignatureDoesNotMatch", "credentials are not valid there.*AWS_REGION"),
        ("507 Insufficient Storage", "XMinioStorageFull", "no room left.*c2s gc"),
        ("507 Insufficient Storage", "QuotaExceeded", "no room left"),
        ("501 Not Implemented", "NotImplemented", "has to know If-Match"),
    ],
)
def test_a_refusal_says_what_to_do(s3: S3, status: str, code: str, words: str) -> None:
    s3.fault = lambda _: (status, said(code, "secret of the server"))
    with pytest.raises(BucketError, match=words) as refused:
        _bucket(s3.address).swap("head", "text", expected=None)
    assert "test-secret" not in str(refused.value)
    assert "Debug" not in str(refused.value)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_named() -> None:
    with pytest.raises(BucketError, match="s3://nowhere/lake: there is no such bucket"):
        _bucket("s3://nowhere").read("head")


def test_a_number_in_a_duration_is_no_status() -> None:
    """Of one request in fifty the time or the port has a 403 in it."""
    with (
        pytest.raises(BusyServerError, match="too busy"),
        refusals_in_words(BucketAddress("lakes", ""), "head"),
    ):
        raise GenericError("Error performing GET http://127.0.0.1:44031/b/head in 1.403ms - status code: 503")


def test_nobody_who_listens_is_no_fault_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(BusyServerError, match="cannot be reached"):
        _bucket("s3://here").read("head")


def test_a_server_that_stays_busy_is_named_as_such(s3: S3) -> None:
    s3.fault = lambda _: ("503 Service Unavailable", said("SlowDown"))
    with pytest.raises(BusyServerError, match=r"too busy to answer.*Run it again later"):
        _bucket(s3.address).read("head")


def test_a_server_that_is_busy_for_a_minute_is_asked_until_it_answers(s3: S3) -> None:
    """At a hundredth of the time."""
    backoff = {name: value / 100 for name, value in buckets._PATIENCE["backoff"].items() if name != "base"}
    patience = {**buckets._PATIENCE, "backoff": {**backoff, "base": buckets._PATIENCE["backoff"]["base"]}}
    until = time.monotonic() + 0.6
    s3.fault = lambda _: ("503 Slow Down", said("SlowDown")) if time.monotonic() < until else None
    Bucket(parse_bucket_address(f"{s3.address}/lake"), patience).swap("head", "text", expected=None)
    assert s3.objects(s3.address) == {"lake/head": b"text"}


def test_nobody_who_listens_is_said_soon_and_who_is_busy_is_somebody(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_HASTE", {"max_retries": 0, "retry_timeout": timedelta(seconds=5)})
    bucket = Bucket(parse_bucket_address(s3.address))
    bucket.reach()
    s3.fault = lambda _: ("503 Slow Down", said("SlowDown"))
    bucket.reach()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(BusyServerError, match="cannot be reached"):
        bucket.reach()


def test_what_is_sent_says_its_checksum_also_in_parts(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_PIECE_BYTES", 5 * 2**20)
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(range(256)) * (6 * 2**12))
    _bucket(s3.address).upload("a", sent)
    parts = sorted(s3.checksums[f"/{s3.address.removeprefix('s3://')}/lake/a"])
    pieces = [sent.read_bytes()[: 5 * 2**20], sent.read_bytes()[5 * 2**20 :]]
    assert parts == sorted(b64encode(hashlib.sha256(piece).digest()).decode() for piece in pieces)


def test_parts_that_were_put_together_without_an_answer_are_there(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks again is told that there are no such parts, by servers other than AWS."""
    monkeypatch.setattr(buckets, "_PIECE_BYTES", 5 * 2**20)
    sent = tmp_path / "sent"
    sent.write_bytes(b"x" * 6 * 2**20)
    bucket = _bucket(s3.address)
    gone = ("404 Not Found", said("NoSuchUpload"))
    s3.fault = lambda request: gone if "POST" in request and s3.requests.count(request) > 1 else None
    with pytest.raises(BusyServerError, match="the parts of a were gone"):
        bucket.upload("a", sent)
    s3.put(s3.address, "lake/a", sent.read_bytes())
    bucket.upload("a", sent)
    s3.requests.clear()
    bucket.upload_unless_there("a", sent)
    assert [request.split()[0] for request in s3.requests] == ["HEAD"]


def test_a_server_that_ignores_conditions_is_refused(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = _bucket(s3.address)
    bucket.require_conditions()
    bucket.require_conditions()
    monkeypatch.setattr(s3, "keeps_conditions", False)
    with pytest.raises(BucketError, match="ignores If-None-Match or If-Match of PutObject"):
        bucket.require_conditions()


def test_an_answer_that_takes_its_time_is_waited_for(s3: S3) -> None:
    s3.fault = lambda _: time.sleep(0.5)
    _bucket(s3.address).swap("head", "text", expected=None)
    assert s3.objects(s3.address) == {"lake/head": b"text"}


def test_a_server_that_is_busy_for_a_moment_is_asked_again(s3: S3) -> None:
    answers = iter([("503 Service Unavailable", said("SlowDown"))])
    s3.fault = lambda _: next(answers, None)
    _bucket(s3.address).swap("head", "text", expected=None)
    assert s3.objects(s3.address) == {"lake/head": b"text"}
