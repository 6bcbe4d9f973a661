"""What the guard in front of the UI passes on; with a browser see end_to_end/test_hostile_pages."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from c2s_assets.defs.ui.guard import Guard, Message, Receive, Scope, Send

HOME = "http://127.0.0.1:3000"
JSON = {"Content-Type": "application/json"}
MUTATION = '{"query": "mutation {terminateRun}"}'


async def _webserver(scope: Scope, _: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-from", b"webserver")]})
    await send({"type": "http.response.body", "body": b"answered"})


def _ask(
    method: str = "GET",
    path: str = "/",
    *,
    headers: Mapping[str, str] | list[tuple[str, str]] = JSON,
    content: str | None = None,
    port: int = 3000,
) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Guard(_webserver, port=port))
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            return await client.request(method, path, headers=headers, content=content)

    return asyncio.run(ask())


def _connect(headers: Mapping[str, str]) -> Message:
    """Open a websocket; return the first thing that is answered."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "websocket", "path": "/graphql", "query_string": b"", "headers": pairs}
    asyncio.run(Guard(_webserver, port=3000)(scope, receive, send))
    return sent[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:3000"},
        {"Host": "LOCALHOST:3000", "Origin": "http://localhost:3000"},
        {"Host": "[::1]:3000"},
        {"Origin": HOME, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
    ids=[
        "a program",
        "by name",
        "in capitals",
        "IPv6",
        "its own page",
        "an address typed",
        "a link followed",
    ],
)
def test_pages_of_the_ui_and_programs_of_this_machine_are_answered(headers: dict[str, str]) -> None:
    assert _ask(headers=headers).text == "answered"


def test_what_its_own_pages_post_is_answered() -> None:
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        headers = {"Content-Type": kind, "Origin": HOME, "Sec-Fetch-Site": "same-origin"}
        assert _ask("POST", "/graphql", headers=headers, content=MUTATION).text == "answered"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "host",
    [
        *("evil.example:3000", "evil.example", "127.0.0.1", "127.0.0.1:3001", "localhost.evil.example:3000"),
        *("127.0.0.1:3000.evil.example", "0.0.0.0:3000", "localhost.:3000", "user@127.0.0.1:3000", ""),
    ],
)
def test_another_name_is_refused(host: str, method: str) -> None:
    """A name of somebody else's that leads to this machine gets around all that looks at origins."""
    answer = _ask(method, "/graphql", headers={**JSON, "Host": host})
    assert answer.status_code == 403
    assert (
        f"the header Host is {host!r}, and this is 127.0.0.1:3000. Open http://127.0.0.1:3000" in answer.text
    )


def test_two_names_are_refused() -> None:
    answer = _ask(headers=[("Host", "127.0.0.1:3000"), ("Host", "evil.example")])
    assert (answer.status_code, "'127.0.0.1:3000' and 'evil.example'" in answer.text) == (403, True)


def test_without_a_port_a_name_is_that_of_port_80() -> None:
    assert _ask(headers={"Host": "127.0.0.1"}, port=80).text == "answered"
    assert _ask(headers={"Host": "127.0.0.1:3000"}, port=80).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://evil.example",
            "http://127.0.0.1:8000",
            "https://127.0.0.1:3000",
            "http://127.0.0.1",
            "null",
        ),
        *("http://127.0.0.1:3000.evil.example", "file://", ""),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str, method: str) -> None:
    answer = _ask(method, "/graphql", headers={**JSON, "Origin": origin}, content=MUTATION)
    assert answer.status_code == 403
    assert f"a page of {origin!r} asks; only pages of the Dagster UI itself may" in answer.text


@pytest.mark.parametrize("kind", ["no-cors", "cors", "navigate"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_or_fetches_is_refused(site: str, kind: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": kind, "Sec-Fetch-Dest": "iframe"}
    assert _ask(headers=headers).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/graphql?query=mutation{terminateRun}",
        "/graphql?query=%6dutation{terminateRun}",
        "/graphql?query={version}",
        "/graphql/?query=mutation{x}",
        "/%67raphql?query=mutation{x}",
        "/graphql?operationName=x",
    ],
)
def test_a_question_in_an_address_is_refused_with_words(path: str) -> None:
    answer = _ask(path=path, headers={"Accept": "text/html"})
    assert answer.status_code == 405
    assert answer.text == (
        "Refused: a question in an address is not answered. Post it, as application/json.\n"
    )


def test_the_page_for_questions_is_served() -> None:
    assert _ask(path="/graphql", headers={"Accept": "text/html"}).text == "answered"
    assert _ask(path="/assets/cells?view=checks").text == "answered"


@pytest.mark.parametrize(
    "path", ["/graphql", "/report_asset_materialization/cells", "/graphql?query=mutation{x}"]
)
@pytest.mark.parametrize(
    "kind",
    [
        *(
            "text/plain",
            "text/plain;application/json",
            "application/x-www-form-urlencoded",
            "application/graphql",
        ),
        *("multipart/form-data; boundary=application/json", "application/json, text/plain", ""),
    ],
)
def test_what_is_posted_as_anything_but_json_is_refused(kind: str, path: str) -> None:
    answer = _ask("POST", path, headers={"Content-Type": kind}, content=MUTATION)
    assert answer.status_code == 415
    assert answer.text.startswith(f"Refused: the header Content-Type is {kind!r}; what is posted has to be")


def test_what_is_posted_without_a_type_or_with_two_is_refused() -> None:
    two = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    for headers in ([], two):
        assert _ask("POST", "/graphql", headers=headers, content=MUTATION).status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(method: str) -> None:
    assert _ask(method, "/graphql").status_code == 405


def test_what_is_refused_is_told_as_text_without_commands_to_a_terminal() -> None:
    answer = _ask(headers={"Host": "<img src=x>\x1b[31m" + "x" * 500})
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "\x1b" not in answer.text
    assert len(answer.text) < 400


def test_sockets_are_for_pages_of_the_ui_and_for_programs() -> None:
    home = {"Host": "127.0.0.1:3000"}
    assert _connect({**home, "Origin": HOME})["type"] == "websocket.accept"
    assert _connect(home)["type"] == "websocket.accept"
    for refused in (
        {**home, "Origin": "https://evil.example"},
        {**home, "Origin": "null"},
        {"Host": "evil.example:3000"},
        {"Host": "evil.example:3000", "Origin": "http://evil.example:3000"},
        {},
    ):
        assert _connect(refused)["type"] == "websocket.close"


def test_pages_may_show_and_ask_nothing_of_other_servers_and_stand_in_no_frame() -> None:
    headers = _ask().headers
    assert headers["X-From"] == "webserver"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["connect-src"] == "'self' ws://127.0.0.1:3000 ws://localhost:3000"
    assert policy["frame-ancestors"] == policy["form-action"] == "'self'"
