"""Tests of asking a vision model about a cell."""

import base64
import json
import logging

import pytest

from c2s_assets.clients.vision import VisionModels, open_models
from c2s_assets.core.errors import BusyServerError, DownloadError, VisionError
from c2s_assets.core.spatial.vision import Question
from c2s_assets_tests.clients.answering import Reply
from c2s_assets_tests.serving import free_port, record_waits
from c2s_assets_tests.vision import VisionServer, said, serve_vision

KEY = "sk-hunter2"
QUESTION = Question("some-model", "What is seen?", b"\x89PNG cell", b"\xff\xd8 tissue")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("NO_PROXY", "*")
    return record_waits(monkeypatch)


def _ask(server: VisionServer, key: str | None = None) -> str | None:
    return VisionModels(server.endpoint, key).describe(QUESTION)


def test_a_question_holds_the_words_and_both_images() -> None:
    with serve_vision(lambda _: said("Pale fibres.")) as server:
        assert _ask(server, KEY) == "Pale fibres."
        assert VisionModels(f"{server.endpoint}/").describe(QUESTION) == "Pale fibres."
    document = server.asked[0]
    assert (document["model"], document["temperature"]) == ("some-model", 0)
    [message] = document["messages"]
    text, cell, tissue = message["content"]
    assert (message["role"], text) == ("user", {"type": "text", "text": "What is seen?"})
    kinds, data = zip(*(one["image_url"]["url"].split(";base64,") for one in (cell, tissue)), strict=True)
    assert kinds == ("data:image/png", "data:image/jpeg")
    assert [base64.b64decode(one) for one in data] == [QUESTION.cell_patch, QUESTION.tissue_patch]
    assert server.paths == ["/v1/chat/completions"] * 2
    assert [headers.get("Authorization") for headers in server.headers] == [f"Bearer {KEY}", None]


def test_a_model_that_gives_no_text_is_no_error() -> None:
    with serve_vision(lambda _: said(None)) as server:
        assert _ask(server) is None


def test_a_busy_server_is_asked_again_after_the_time_it_asks_for(waits: list[float]) -> None:
    replies = [Reply(429, headers={"Retry-After": "7"}), Reply(503), said("Pale fibres.")]
    with serve_vision(lambda _: replies.pop(0)) as server:
        assert _ask(server) == "Pale fibres."
    assert waits == [8.0, 2.0]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "Set the variable that api_key_env of spatial.vision names"),
        (404, r"Correct spatial\.vision in the dataset's entry"),
    ],
)
def test_a_refusal_says_why_and_not_the_key(
    caplog: pytest.LogCaptureFixture, waits: list[float], status: int, advice: str
) -> None:
    body = json.dumps({"error": {"message": f"{KEY} may not ask some-model"}}).encode()
    with (
        serve_vision(lambda _: Reply(status, body)) as server,
        caplog.at_level(logging.DEBUG),
        pytest.raises(VisionError, match=f"answered {status}, .*may not ask some-model.*{advice}") as caught,
    ):
        _ask(server, KEY)
    assert KEY not in f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert KEY not in repr(VisionModels(server.endpoint, KEY))
    assert (len(server.asked), waits) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": []}',
        b'{"error": {"message": "no such model"}}',
        b"[]",
        b'{"choices": [{"message": {}}]}',
    ],
    ids=["no choices", "an error", "a list", "no text"],
)
def test_an_answer_without_a_message_is_shown(body: bytes) -> None:
    with (
        serve_vision(lambda _: Reply(body=body)) as server,
        pytest.raises(
            VisionError, match=r"answered no message of a model but .*Correct spatial\.vision"
        ) as caught,
    ):
        _ask(server)
    assert body.decode() in str(caught.value)


def test_an_answer_that_is_no_json_is_refused() -> None:
    with (
        serve_vision(lambda _: Reply(body=b"<html>Welcome</html>")) as server,
        pytest.raises(DownloadError, match=r"is not JSON .* begins with '<html>Welcome"),
    ):
        _ask(server)


def test_where_nobody_answers_that_is_said(waits: list[float]) -> None:
    with pytest.raises(BusyServerError, match=r"there was no connection .* It was tried 5 times\. Check the"):
        VisionModels(f"http://127.0.0.1:{free_port()}/v1").describe(QUESTION)
    assert len(waits) == 4


@pytest.mark.parametrize("status", [302, 307, 308])
def test_patches_go_to_no_address_that_is_redirected_to(status: int) -> None:
    with (
        serve_vision(lambda _: said("Pale fibres.")) as other,
        serve_vision(lambda _: Reply(status, headers={"Location": f"{other.endpoint}/chat"})) as server,
        pytest.raises(DownloadError, match=f"redirects to {other.endpoint}/chat, and nothing is sent there"),
    ):
        _ask(server, KEY)
    assert (len(server.asked), other.asked) == (1, [])


@pytest.mark.parametrize("key", [None, "", "  ", "sk-\nhunter2", "clé"])
def test_a_variable_that_holds_no_key_is_named(key: str | None) -> None:
    with pytest.raises(VisionError, match=r"VISION_KEY holds no key, and api_key_env .* names it"):
        open_models("http://127.0.0.1:1/v1", key_env="VISION_KEY", key=key)


def test_without_a_variable_no_key_is_sent() -> None:
    assert open_models("http://host/v1", key_env=None, key=None).key is None
    assert open_models("http://host/v1", key_env="VISION_KEY", key=" sk-hunter2\n").key == KEY
