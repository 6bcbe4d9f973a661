"""What processes beside the UI write: as it comes, or every line of it as a record."""

import os

import pytest

from c2s_assets.defs.ui.output import output_of_others


def test_what_is_no_record_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("C2S_LOG", "json")
    caplog.set_level("INFO", "dagster.output")
    deep = "[" * 50_000
    with output_of_others() as output:
        assert output is not None
        os.write(output, b'built 100 %s\n{"event": "said", "level": "info"}\n\n{"cells": 3}\n')
        os.write(output, f"{deep}\nhalf a li\xfc".encode("latin-1"))
    assert capsys.readouterr().out == '{"event": "said", "level": "info"}\n'
    assert caplog.messages == ["built 100 %s", '{"cells": 3}', deep, "half a li\N{REPLACEMENT CHARACTER}"]


def test_nothing_stands_between_where_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("C2S_LOG", raising=False)
    with output_of_others() as output:
        assert output is None
