"""The front of deploy/ lets everybody look, and who signed in change something, from its own pages only."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from c2s_assets.core.pages.addresses import OVERVIEW
from c2s_assets.defs.ui.guard import App, Guard
from c2s_assets.defs.ui.pages import Pages
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.requiring import program, require_programs
from c2s_assets_tests.serving import free_port

require_programs("nginx", "openssl")

_CONFIGURATION = Path(__file__).parents[2] / "deploy" / "front" / "nginx.conf"
_USER = ("ada", "correct horse")
# A mutation whose effect can be seen without any code location.
_MUTATION = 'mutation {setConcurrencyLimit(concurrencyKey: "KEY", limit: 1)}'
_VERSION = {"query": "{version}"}


@dataclass(frozen=True)
class Front:
    """The front, and what is behind it."""

    address: str
    trusted: ssl.SSLContext
    instance: dg.DagsterInstance

    def ask(
        self, method: str = "POST", path: str = "/graphql", *, is_signed_in: bool = True, **options: Any
    ) -> httpx.Response:
        """Ask something, by default a question of GraphQL."""
        with httpx.Client(verify=self.trusted, auth=_USER if is_signed_in else None) as client:
            return client.request(method, f"{self.address}{path}", **options)

    def changes(
        self, key: str, *, is_signed_in: bool = True, headers: Mapping[str, str] | None = None
    ) -> bool:
        """Ask for a change; whether it came about."""
        question = {"query": _MUTATION.replace("KEY", key)}
        self.ask(is_signed_in=is_signed_in, json=question, headers=headers)
        return key in self.instance.event_log_storage.get_concurrency_keys()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    layout = Layout(folder / "lake")
    layout.inbox.mkdir(parents=True)
    with ExitStack() as running:
        instance = running.enter_context(dg.instance_for_test())
        open_port, readonly_port = free_port(), free_port()
        webserver = running.enter_context(_webserver(instance, read_only=False))
        pages = Pages(webserver, layout, written={OVERVIEW: lambda: "all datasets"})
        running.enter_context(_served(Guard(pages, port=open_port), port=open_port))
        readonly = running.enter_context(_webserver(instance, read_only=True))
        running.enter_context(_served(readonly, port=readonly_port))
        port = running.enter_context(_nginx(folder, ports={3000: open_port, 3001: readonly_port}))
        trusted = ssl.create_default_context(cafile=folder / "front.crt")
        yield Front(f"https://localhost:{port}", trusted, instance)


def test_who_signed_in_changes_what_he_asks_for_on_its_own_pages(front: Front) -> None:
    assert front.ask(json=_VERSION).json()["data"]["version"]
    own = {"Origin": front.address, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert front.changes("own", headers=own)


def test_a_page_of_another_site_changes_nothing_with_the_password_that_the_browser_sends(
    front: Front,
) -> None:
    assert not front.changes("foreign", headers={"Origin": "https://evil.example"})
    assert not front.changes("sandboxed", headers={"Origin": "null"})
    assert not front.changes("similar", headers={"Origin": f"{front.address}.evil.example"})
    plain = {"Origin": front.address.replace("https", "http")}
    assert not front.changes("without TLS", headers=plain)
    assert not front.changes("named", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"})


def test_a_link_of_another_site_shows_a_page_and_changes_nothing(front: Front) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert front.ask("GET", "/", headers=link).status_code == 200
    query = {"query": _MUTATION.replace("KEY", "linked")}
    assert front.ask("GET", "/graphql", params=query, headers=link).status_code == 405
    assert "linked" not in front.instance.event_log_storage.get_concurrency_keys()


def test_another_name_for_the_machine_is_not_answered(front: Front) -> None:
    """A name of an attacker that was made to lead here would have its pages pass for our own."""
    rebound = {"Host": "evil.example", "Origin": "https://evil.example"}
    assert front.ask(json=_VERSION, headers=rebound).status_code == 421


def test_everybody_else_looks_at_a_server_that_changes_nothing(front: Front) -> None:
    assert front.ask(is_signed_in=False, json=_VERSION).json()["data"]["version"]
    assert front.ask("GET", "/", is_signed_in=False).status_code == 200
    assert not front.changes("anonymous", is_signed_in=False)
    assert front.ask("GET", "/c2s/", is_signed_in=False).text == "all datasets"
    assert front.ask("POST", "/c2s/", is_signed_in=False).status_code == 403


def test_a_wrong_password_is_told_and_signing_in_leads_to_the_ui(front: Front) -> None:
    assert front.ask("GET", "/login", is_signed_in=False).status_code == 401
    assert front.ask("GET", "/", is_signed_in=False, auth=("ada", "wrong")).status_code == 401
    signed_in = front.ask("GET", "/login")
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, f"{front.address}/")


@contextmanager
def _webserver(instance: dg.DagsterInstance, *, read_only: bool) -> Iterator[App]:
    with WorkspaceProcessContext(
        instance, EmptyWorkspaceTarget(), version="1", read_only=read_only
    ) as context:
        yield create_app_from_workspace_process_context(context)


@contextmanager
def _served(app: App, *, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        _wait_for(port)
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _nginx(folder: Path, *, ports: Mapping[int, int]) -> Iterator[int]:
    """Run nginx with the configuration of deploy/, of which only places are others."""
    port = free_port()
    _write_certificate(folder)
    (folder / "users").write_text(f"{_USER[0]}:{_hash(_USER[1])}\n")
    text = _CONFIGURATION.read_text()
    for written, here in {
        "c2s.example.org": f"localhost:{port}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/c2s": str(folder),
        "/var/log/nginx": str(folder),
        **{f"127.0.0.1:{number}": f"127.0.0.1:{other}" for number, other in ports.items()},
        "http {": "http {" + "".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY),
    }.items():
        assert written in text, f"deploy/ has no {written} any more"
        text = text.replace(written, here)
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    command = [program("nginx"), "-p", str(folder), "-e", str(folder / "errors"), "-c", str(configuration)]
    process = subprocess.Popen([*command, "-g", f"daemon off; master_process off; pid {folder}/pid;"])
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _write_certificate(folder: Path) -> None:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "front.key"), "-out", str(folder / "front.crt")]
    new = [*("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")]
    command = [program("openssl"), *new, *subject, *files]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _hash(password: str) -> str:
    done = subprocess.run(
        [program("openssl"), "passwd", "-apr1", password], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _wait_for(port: int, process: "subprocess.Popen[bytes] | None" = None) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")
