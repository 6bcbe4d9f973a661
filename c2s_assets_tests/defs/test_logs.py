"""Logs for people and in JSON, of which every record is one line."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from c2s_assets.core.errors import ConfigError
from c2s_assets.defs.logs import keep_tracebacks, log_format, write_json


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a logger of ours writes; what makes records is the same before and after."""
    make = logging.getLogRecordFactory()
    logger, stream = logging.getLogger("c2s_assets.tried"), io.StringIO()
    logger.handlers, logger.propagate = [logging.StreamHandler(stream)], False
    yield stream
    logger.handlers, logger.propagate = [], True
    logging.setLogRecordFactory(make)


def _fail() -> None:
    try:
        float("three")
    except ValueError:
        logging.getLogger("c2s_assets.tried").exception("no number in %s", "line\n3")


def test_a_record_is_one_line_that_says_where_an_error_was_raised(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C2S_LOG", "json")
    assert log_format() == "json"
    keep_tracebacks()
    write_json(logging.getLogger("c2s_assets.tried"))
    _fail()
    [line] = written.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["logger"], said["level"]) == (
        "no number in line\n3",
        "c2s_assets.tried",
        "error",
    )
    assert said["exception"].startswith("Traceback (most recent call last)")
    assert 'float("three")' in said["exception"]


@pytest.mark.parametrize("asked", [None, ""], ids=["not set", "empty"])
def test_lines_are_for_people_where_nothing_is_asked_for(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    monkeypatch.delenv("C2S_LOG", raising=False)
    if asked is not None:
        monkeypatch.setenv("C2S_LOG", asked)
    assert log_format() == "colored"
    keep_tracebacks()
    _fail()
    assert written.getvalue().startswith("no number in line\n3\nTraceback")


@pytest.mark.parametrize("asked", ["JSON", "text", "1"])
def test_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("C2S_LOG", asked)
    with pytest.raises(ConfigError, match=f"is '{asked}'. Set it to json for one line of JSON per record"):
        log_format()
