"""A dataset whose texts are links and images, and a page of another site, in a browser beside the real UI."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anndata as ad
import httpx
import pytest

from c2s_assets_tests.end_to_end.browser import CHROMIUM, Browser, open_browser
from c2s_assets_tests.end_to_end.commands import c2s
from c2s_assets_tests.end_to_end.running_ui import Ui, running_ui, wait_until
from c2s_assets_tests.toy import EMBEDDINGS, make_lake, write_toy_h5ad

pytestmark = [
    pytest.mark.slow,
    pytest.mark.waits,
    pytest.mark.skipif(
        CHROMIUM is None and "C2S_REQUIRE_TOOLS" not in os.environ, reason="no chromium to look with"
    ),
]

ASSETS = {
    "cell_metadata": ["ages", "cell_types", "renamed"],
    "feature_metadata": [],
    "unstructured_metadata": [],
    "dataset_profile": [],
    "split_manifest": ["cells_per_donor"],
    "cell_sentences": [],
    "projections": ["embedding_by_category"],
    "train_test": [],
}


class Watching(ThreadingHTTPServer):
    """A server of another origin: notes what it is asked for, and serves one page."""

    page = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Watching
    timeout = 10

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.page if self.path == "/page" else b""
        self.send_response(200 if body else 204)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _watching() -> Iterator[Watching]:
    with Watching() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def watching() -> Iterator[Watching]:
    with _watching() as server:
        yield server


def hostile_texts(address: str) -> list[str]:
    """Texts that a careless page makes requests, links or formulas of."""
    return [
        f"![seen]({address}/image.png)",
        f"<img src={address}/tag.png>",
        f"[link]({address}/link) | `code` | <b>bold</b>",
        f"{address}/bare and www.example.org $x_$ $",
    ]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory, watching: Watching) -> Iterator[Ui]:
    layout = make_lake(tmp_path_factory.mktemp("hostile"))
    _write_hostile(layout.inbox_h5ad("hostile"), watching.address)
    built = c2s("build", "hostile", lake=layout.root)
    assert built.returncode == 0, built.stdout + built.stderr
    with running_ui(layout) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    # A name of somebody else's that leads to this machine, as a server of names of his would have it.
    with open_browser(
        tmp_path_factory.mktemp("profile"), "--host-resolver-rules=MAP evil.example 127.0.0.1"
    ) as found:
        yield found


def test_pages_show_texts_of_a_source_as_text_and_ask_nobody_for_anything(
    ui: Ui, browser: Browser, watching: Watching, tmp_path: Path
) -> None:
    texts = hostile_texts(watching.address)
    seen = ""
    for asset, pictures in ASSETS.items():
        for view in ("partitions&partition=hostile", "checks", "overview"):
            browser.open(f"{ui.address}/assets/{asset}?view={view}")
            pictures_of = f"{asset}-{view.partition('&')[0]}"
            shown = _look_at_everything(browser, folder=tmp_path, name=pictures_of)
            seen += shown
            for name in pictures if view.startswith("partitions") else []:
                assert name in shown
            _require_only_text(browser, watching.address)
    run_id = ui.ask("{runsOrError {... on Runs {results {runId}}}}")["runsOrError"]["results"][0]["runId"]
    browser.open(f"{ui.address}/runs/{run_id}")
    browser.wait_for("document.body && document.body.innerText.includes('ASSET_CHECK_EVALUATION')")
    seen += browser.text()
    _keep(browser, tmp_path, "run")
    _require_only_text(browser, watching.address)
    assert watching.asked == []
    for text in (texts[0], texts[1], "[link]", "`code`", "<b>bold</b>", "column ![c](x) | *d*"):
        assert text[:40] in seen, f"{text} is not shown as it is"


def test_our_own_pages_show_texts_of_a_source_as_text(
    ui: Ui, browser: Browser, watching: Watching, tmp_path: Path
) -> None:
    for path in ("/c2s/", "/c2s/hostile"):
        browser.open(f"{ui.address}{path}")
        browser.wait_for("document.body && document.body.innerText.includes('hostile')")
        _keep(browser, tmp_path, path.strip("/").replace("/", "-"))
        _require_only_text(browser, watching.address)
    assert hostile_texts(watching.address)[0][:30] in browser.text()
    assert watching.asked == []


def test_a_page_of_another_site_gets_nowhere(
    ui: Ui, browser: Browser, watching: Watching, tmp_path: Path
) -> None:
    assert _add_partition(ui, "control") == 200
    assert _partitions(ui) == {"hostile", "control"}  # so that what follows is known to be refused
    watching.page = _ATTACK.replace("ADDRESS", ui.address).encode()
    browser.open(f"{watching.address}/page")
    tried = browser.wait_for("window.tried")
    _keep(browser, tmp_path, "attack")
    assert tried == {
        "json": "failed",
        "get": "failed",
        **dict.fromkeys(("text", "lying text", "form", "multipart"), "unseen"),
        "socket": "closed",
        "frame": "empty",
        "image": "error",
        "script": "error",
    }
    assert _partitions(ui) == {"hostile", "control"}


def test_a_form_of_another_site_that_is_sent_gets_nowhere(
    ui: Ui, browser: Browser, watching: Watching
) -> None:
    watching.page = _FORM.replace("ADDRESS", ui.address).encode()
    browser.open(f"{watching.address}/page")
    assert "Refused: a page of" in browser.wait_for(
        "location.pathname == '/graphql' && document.body && document.body.innerText"
    )
    assert "formed" not in _partitions(ui)


def test_another_name_of_this_machine_gets_nowhere(ui: Ui, browser: Browser) -> None:
    """The site's own page under its own name, which leads here after the page was loaded: of one origin."""
    port = ui.address.rpartition(":")[2]
    browser.open(f"http://evil.example:{port}/graphql")
    browser.wait_for("document.body && document.body.innerText.startsWith('Refused: the header Host is')")
    answered = browser.evaluate(
        "fetch('/graphql', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: "
        f"{json.dumps(_mutation('rebound'))}}}).then(answer => answer.status)"
    )
    assert answered == 403
    assert "rebound" not in _partitions(ui)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_click_in_the_ui_starts_a_run(ui: Ui, browser: Browser, name: str, tmp_path: Path) -> None:
    before = len(_runs(ui))
    browser.open(f"{ui.address.replace('127.0.0.1', name)}/assets/catalogue")
    browser.click("Materialize")
    browser.click("Confirm")  # what it is made from is not all there
    wait_until(lambda: len(_runs(ui)) == before + 1, seconds=300)
    _keep(browser, tmp_path, f"click-{name}")


def test_the_ui_is_told_of_what_happens_over_its_socket(ui: Ui, browser: Browser) -> None:
    browser.open(f"{ui.address}/runs")
    browser.wait_for("document.body && document.body.innerText.includes('Runs')")
    said = browser.evaluate(
        """new Promise((done, fail) => {
            const socket = new WebSocket(`ws://${location.host}/graphql`, 'graphql-ws');
            socket.onopen = () => socket.send('{"type": "connection_init"}');
            socket.onmessage = message => done(message.data);
            socket.onclose = () => done('closed');
        })"""
    )
    assert json.loads(said) == {"type": "connection_ack"}


def _look_at_everything(browser: Browser, *, folder: Path, name: str) -> str:
    """Wait for a page, open each thing that it hides behind a click, and return all that was to be read."""
    browser.wait_for("document.body && document.body.innerText.length > 200")
    browser.wait_for("document.body && !document.body.innerText.includes('Loading')", seconds=300)
    browser.evaluate("new Promise(done => setTimeout(done, 1500))")
    _keep(browser, folder, name)
    seen = browser.text()
    n_hidden = browser.evaluate(f"{_HIDDEN}.length")
    for position in range(n_hidden):
        browser.evaluate(f"{_HIDDEN}[{position}].click()")
        browser.evaluate("new Promise(done => setTimeout(done, 700))")
        _keep(browser, folder, f"{name}-{position}")
        seen += browser.text()
        _require_known_images(browser)
        browser.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
        browser.evaluate(f"{_CLOSES}.forEach(button => button.click())")
        browser.evaluate("new Promise(done => setTimeout(done, 400))")
    return seen


_HIDDEN = (
    "[...document.querySelectorAll('*')].filter(e => !e.children.length && "
    "/^\\[Show (Markdown|Table Schema|JSON|Table)/.test(e.innerText || ''))"
)


_CLOSES = (
    "[...document.querySelectorAll('button')].filter(b => ['Done', 'Close'].includes(b.innerText.trim()))"
)


def _require_known_images(browser: Browser) -> None:
    images = browser.evaluate("[...document.images].map(i => i.getAttribute('src') || '')")
    assert [source for source in images if source.startswith(("http", "//", "x"))] == []


def _require_only_text(browser: Browser, address: str) -> None:
    _require_known_images(browser)
    links = browser.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href') || '')")
    assert [link for link in links if link.startswith(address) or "www.example.org" in link] == []


def _keep(browser: Browser, folder: Path, name: str) -> None:
    """Keep a picture where somebody wants to look at them."""
    browser.picture(Path(os.environ.get("C2S_PICTURES", folder)) / f"{name}.png")


def _write_hostile(path: Path, address: str) -> None:
    texts = hostile_texts(address)
    # Its embeddings are in the file: computing them would take long, and draw no other text.
    write_toy_h5ad(path, n_axes={**EMBEDDINGS, "X_![e](x)|*f*": 2})
    adata = ad.read_h5ad(path)
    adata.obs["cell_type"] = [texts[position % len(texts)] for position in range(adata.n_obs)]
    adata.obs["donor_id"] = [f"{texts[position % 4]} {position % 4}" for position in range(adata.n_obs)]
    adata.obs["column ![c](x) | *d* www.example.org"] = "v"
    adata.obs["COLUMN ![c](x) | *d* www.example.org"] = "differs in case, and so is renamed"
    adata.obs_names = [f"{texts[position % len(texts)]} {position}" for position in range(adata.n_obs)]
    adata.uns["title"] = texts[0]
    adata.uns["key ![k](x) <img src=x> www.example.org"] = texts[1]
    adata.write_h5ad(path)


def _mutation(key: str) -> str:
    selector = '{repositoryName: "__repository__", repositoryLocationName: "c2s_assets.definitions"}'
    query = (
        f'mutation {{addDynamicPartition(partitionsDefName: "datasets", partitionKey: "{key}", '
        f"repositorySelector: {selector}) {{__typename}}}}"
    )
    return json.dumps({"query": query})


def _add_partition(ui: Ui, key: str) -> int:
    headers = {"Content-Type": "application/json"}
    return httpx.post(f"{ui.address}/graphql", content=_mutation(key), headers=headers).status_code


def _partitions(ui: Ui) -> set[str]:
    found: Any = ui.ask(
        '{assetNodeOrError(assetKey: {path: ["raw_h5ad"]}) {... on AssetNode {partitionKeys}}}'
    )
    return set(found["assetNodeOrError"]["partitionKeys"])


def _runs(ui: Ui) -> list[dict[str, Any]]:
    return list(ui.ask("{runsOrError {... on Runs {results {runId}}}}")["runsOrError"]["results"])


_BODY = _mutation("attacked")
_ATTACK = f"""<!doctype html><title>another site</title><h1>another site</h1><script>
const url = 'ADDRESS/graphql', body = {json.dumps(_BODY)}, query = encodeURIComponent(JSON.parse(body).query);
const send = (type, more) => fetch(url, {{method: 'POST', body, headers: {{'Content-Type': type}}, ...more}})
  .then(answer => answer.type == 'opaque' ? 'unseen' : answer.status, () => 'failed');
const element = (name, source) => new Promise(done => {{
  const made = document.createElement(name);
  made.onload = () => done('loaded'); made.onerror = () => done('error');
  made.src = source; document.body.append(made);
}});
const frame = () => new Promise(done => {{
  const made = document.createElement('iframe');
  made.src = 'ADDRESS/'; document.body.append(made);
  made.onload = () => setTimeout(() => done(made.contentWindow.length ? 'filled' : 'empty'), 500);
}});
const socket = () => new Promise(done => {{
  const made = new WebSocket(url.replace('http', 'ws'), 'graphql-ws');
  made.onopen = () => done('open'); made.onclose = () => done('closed');
}});
(async () => {{
  const form = new FormData(); form.append('query', JSON.parse(body).query);
  const simple = {{mode: 'no-cors', headers: {{}}}};
  window.tried = {{
    json: await send('application/json'),
    text: await send('text/plain', {{mode: 'no-cors'}}),
    'lying text': await send('text/plain;application/json', {{mode: 'no-cors'}}),
    form: await send('application/x-www-form-urlencoded', {{mode: 'no-cors'}}),
    multipart: await send('', {{...simple, body: form}}),
    get: await fetch(`${{url}}?query=${{query}}`).then(answer => answer.status, () => 'failed'),
    socket: await socket(),
    frame: await frame(),
    image: await element('img', `${{url}}?query=${{query}}`),
    script: await element('script', `${{url}}?query=${{query}}`),
  }};
}})();
</script>"""
_FORM = f"""<!doctype html><title>a form</title>
<form method="post" action="ADDRESS/graphql" enctype="text/plain">
<input name='{_mutation("formed")[:-1]}, "x": "' value='"}}'></form>
<script>document.forms[0].submit()</script>"""
