"""Our pages beside Dagster's: which are answered, and what they may do in a browser."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from c2s_assets.core.errors import LakeError
from c2s_assets.core.pages.addresses import HEALTH, OVERVIEW
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.defs.ui.guard import Guard, Receive, Scope, Send
from c2s_assets.defs.ui.pages import Pages
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.layout import Layout


async def _webserver(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"Dagster"})


def _overview() -> str:
    return "all datasets"


def _health() -> str:
    return "what is stale"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "lake")
    layout.dataset("blood").mkdir(parents=True)
    layout.dataset_page("blood").write_text("on blood")
    (tmp_path / "report.html").write_text("a secret")
    return layout


def _ask(layout: Layout, path: str, *, method: str = "GET", host: str = "127.0.0.1:3000") -> httpx.Response:
    async def ask() -> httpx.Response:
        pages = Pages(_webserver, layout, written={OVERVIEW: _overview, HEALTH: _health})
        guarded = Guard(pages, port=3000)
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
            return await client.request(method, path, headers={"Host": host})

    return asyncio.run(ask())


def test_the_page_on_a_dataset_and_that_on_all_are_answered(layout: Layout) -> None:
    assert _ask(layout, "/c2s/blood").text == "on blood"
    assert _ask(layout, "/c2s/").text == _ask(layout, "/c2s").text == "all datasets"
    assert _ask(layout, "/c2s/blood", method="HEAD").text == ""


def test_the_page_on_health_is_none_of_a_dataset(layout: Layout) -> None:
    """A dataset may have the name of what is stale."""
    layout.dataset("health").mkdir()
    layout.dataset_page("health").write_text("on a cohort")
    assert _ask(layout, "/c2s/health").text == "on a cohort"
    assert _ask(layout, HEALTH).text == "what is stale"


def test_a_page_on_all_that_everybody_may_ask_for_is_not_written_each_time(layout: Layout) -> None:
    written = []

    def slow() -> str:
        written.append(1)
        began = time.thread_time()
        while time.thread_time() < began + 0.1:
            pass
        return "all datasets"

    async def ask() -> list[str]:
        transport = httpx.ASGITransport(Pages(_webserver, layout, written={OVERVIEW: slow}))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
            answers = await asyncio.gather(*(client.get("/c2s/") for _ in range(20)))
        return [answer.text for answer in answers]

    assert asyncio.run(ask()) == ["all datasets"] * 20
    assert len(written) < 10  # once, unless the machine is so busy that a second passes meanwhile


def test_a_build_that_was_stopped_early_has_a_page_that_says_why(layout: Layout) -> None:
    dataset = Dataset(layout, "scaled", DatasetsFile())
    dataset.refuse("dataset_profile", "X was scaled: <b>2,400</b> values are below zero.", checks=[])
    answer = _ask(layout, "/c2s/scaled")
    assert answer.status_code == 200
    assert "X was scaled: &lt;b&gt;2,400&lt;/b&gt; values are below zero." in answer.text
    assert "c2s build scaled" in answer.text


def test_a_dataset_that_was_never_built_has_no_page_and_is_told_how_to_get_one(layout: Layout) -> None:
    answer = _ask(layout, "/c2s/lung")
    assert answer.status_code == 404
    assert "Make it with: c2s build lung --only validation_report" in answer.text


@pytest.mark.parametrize("path", ["/", "/assets/c2s/blood", "/c2s2", "/graphql"])
def test_everything_else_is_dagsters(layout: Layout, path: str) -> None:
    assert _ask(layout, path).text == "Dagster"


def test_a_page_may_run_nothing_and_fetch_nothing(layout: Layout) -> None:
    policies = _ask(layout, "/c2s/blood").headers.get_list("content-security-policy")
    ours = next(policy for policy in policies if "default-src" in policy)
    assert "default-src 'none'" in ours
    assert "sandbox" in ours
    assert "script" not in ours


def test_pages_stand_behind_the_guard(layout: Layout) -> None:
    answer = _ask(layout, "/c2s/blood", host="evil.example:3000")
    assert (answer.status_code, "blood" in answer.text) == (403, False)


@pytest.mark.parametrize(
    "path",
    [
        "/c2s/..",
        "/c2s/%2e%2e",
        "/c2s/..%2f..%2freport.html",
        "/c2s/blood/../../x",
        "/c2s/%00",
        "/c2s/" + "x" * 200,
    ],
)
def test_no_path_is_made_of_what_is_no_id(layout: Layout, path: str) -> None:
    answer = _ask(layout, path)
    assert "secret" not in answer.text
    assert answer.status_code == 404 or answer.text == "Dagster"


def test_a_link_out_of_the_lake_is_not_followed(layout: Layout) -> None:
    layout.dataset("linked").symlink_to(layout.root.parent)
    answer = _ask(layout, "/c2s/linked")
    assert (answer.status_code, "secret" in answer.text) == (404, False)
    assert "is a symbolic link" in answer.text


def test_a_page_that_is_not_written_yet_says_how(layout: Layout) -> None:
    answer = _ask(layout, "/c2s/lung")
    assert answer.status_code == 404
    assert "c2s build lung --only validation_report" in answer.text


def test_what_keeps_the_overview_from_being_written_is_said(layout: Layout) -> None:
    def broken() -> str:
        raise LakeError("the <lake> is torn")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Pages(_webserver, layout, written={OVERVIEW: broken}))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
            return await client.get("/c2s/")

    assert "the &lt;lake&gt; is torn" in asyncio.run(ask()).text
