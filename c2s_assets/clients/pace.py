"""Hanging up on servers that send too little."""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

# A server that is this slow would take three years for CELLxGENE's largest file.
LEAST_BYTES_PER_SECOND = 1_000
# Long enough for a server to put a long listing together.
WINDOW_SECONDS = 120.0


class Pace:
    """Watches one request, and ends its connection if too few bytes come within a window of time.

    Time limits of httpx are for each piece that arrives, and it shows us no pieces of headers: a server
    that sends a byte of them now and then would hold us for ever. So the watch is a thread of its own.

    Parameters
    ----------
    silent_seconds
        How long the server may say nothing, if that is longer than the window.
    """

    def __init__(self, *, silent_seconds: float = 0.0) -> None:
        self.n_bytes = 0
        self.is_too_slow = False
        self._window_seconds = max(WINDOW_SECONDS, silent_seconds)
        self._stopped = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of the connection; httpx calls this for the request's extension `trace`."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.is_too_slow:
                self._hang_up()

    def _watch(self) -> None:
        n_before = 0
        while not self._stopped.wait(self._window_seconds):
            if self.n_bytes - n_before < LEAST_BYTES_PER_SECOND * WINDOW_SECONDS:
                self.is_too_slow = True
                self._hang_up()
                return
            n_before = self.n_bytes

    def _hang_up(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # closed already
                # Not the method of SSLSocket, which takes the encryption away under the reader's hands.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
