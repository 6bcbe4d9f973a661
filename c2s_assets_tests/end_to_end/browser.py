"""A real browser that tests drive as a user does: open a page, wait for what stands there, click."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--window-size=1400,1400", "--remote-debugging-port=0"),
)


class Browser:
    """One tab, driven over the DevTools protocol; made by `open_browser`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._n_asked = 0

    def open(self, url: str) -> None:
        """Go to a page."""
        self._ask("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript; what it awaits is awaited."""
        found = self._ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str, *, seconds: float = 60) -> Any:
        """Wait until an expression is true, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression} is not so; the page says: {self.text()[:2000]}"
            time.sleep(0.25)
        return found

    def text(self) -> str:
        """Return what stands on the page."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def click(self, words: str) -> None:
        """Click the button that says these words, as soon as there is one."""
        button = (
            f"[...document.querySelectorAll('button')].find(b => b.innerText.trim() == {json.dumps(words)})"
        )
        self.wait_for(f"{button} && !{button}.disabled")
        self.evaluate(f"{button}.click()")

    def picture(self, path: Path) -> None:
        """Keep how the page looks, for people."""
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"]))

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._n_asked += 1
        self._connection.send(json.dumps({"id": self._n_asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=60))
            if answer.get("id") == self._n_asked:
                assert "error" not in answer, answer
                return dict(answer["result"])


@contextmanager
def open_browser(profile: Path, *flags: str) -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it with the block."""
    assert CHROMIUM is not None, "chromium is not installed"
    process = subprocess.Popen(
        [CHROMIUM, *_FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
    )
    try:
        with connect(_tab(profile), max_size=None, origin=None) as connection:
            yield Browser(connection)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _tab(profile: Path) -> str:
    """Find where the only tab listens."""
    import httpx

    noted = profile / "DevToolsActivePort"
    deadline = time.monotonic() + 60
    while not (noted.exists() and len(noted.read_text().split()) == 2):
        assert time.monotonic() < deadline, "the browser did not start"
        time.sleep(0.1)
    port = noted.read_text().split()[0]
    tabs = httpx.get(f"http://127.0.0.1:{port}/json", timeout=20, trust_env=False).json()
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
