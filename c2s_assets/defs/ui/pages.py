"""Pages of ours beside those of Dagster, behind the same guard: on each dataset, and on all of them."""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from c2s_assets.core.errors import C2SError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.core.pages.addresses import OVERVIEW
from c2s_assets.core.pages.markup import POLICY, page, paragraph
from c2s_assets.defs.ui.guard import App, Receive, Scope, Send
from c2s_assets.defs.ui.keeping import KeptPage
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.pages.refusal_page import refusal_page


class Pages:
    """An ASGI application that answers what is asked of our pages, and passes on the rest.

    Parameters
    ----------
    app
        The webserver's.
    written
        What writes each page that is on all datasets, by its address; see `KeptPage`.
    """

    def __init__(self, app: App, layout: Layout, *, written: Mapping[str, Callable[[], str]]) -> None:
        self._app, self._layout = app, layout
        self._written = {address: KeptPage(write) for address, write in written.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(OVERVIEW):
            await self._app(scope, receive, send)
            return
        name = unquote(scope["path"].removeprefix(OVERVIEW.rstrip("/")).strip("/"))
        status, body = await asyncio.to_thread(self._answer, name)
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", f"{POLICY}; sandbox allow-same-origin".encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-cache"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, name: str) -> tuple[int, bytes]:
        try:
            write = self._written.get(f"{OVERVIEW}{name}")
            return 200, self._of_dataset(name) if write is None else write().encode()
        except C2SError as error:
            return 404, page("c2s", [paragraph(str(error))]).encode()

    def _of_dataset(self, name: str) -> bytes:
        path = self._layout.dataset_page(check_dataset_id(name))
        try:
            return present(path).read_bytes()
        except FileNotFoundError:
            return refusal_page(Dataset(self._layout, name, read_settings(self._layout))).encode()
