"""A Hub on this machine that counts what it is asked for, and fails when told to.

In a test::

    with serve_hub(tmp_path / "hub") as hub:
        hub.misbehave("commit", "unavailable", n_times=2)
        ...
        assert hub.repo("me/corpus").read("main", "README.md")

As a process, which prints its address and ends by itself::

    python -m c2s_assets_tests.hub --folder hub --port 0 --seconds 120

``GET /control/sent`` then tells how often each large file has arrived.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from c2s_assets.local_hub import answers, hub
from c2s_assets.local_hub.hub import Asked, Hub, HubAnswer
from c2s_assets.local_hub.repository import RefusalError, Repo
from c2s_assets.local_hub.serving import HangUpError, serving

WRITER, READER = hub.WRITER, hub.READER

__all__ = ["READER", "WRITER", "Fault", "LocalHub", "Repo", "Route", "serve_hub"]

Fault = Literal[
    "busy",  # 429, with Retry-After if told
    "quota",  # 429, the hourly quota of commits
    "unavailable",  # 503
    "timeout",  # 504, and nothing was done
    "lost answer",  # 504, though it was done
    "too large",  # 413 with a page of HTML
    "full",  # 403, no storage left
    "cut",  # hangs up without an answer
    "locked",  # 409, another commit is in progress
]
Route = Literal[
    *("whoami", "create", "info", "refs", "commits", "tree", "paths", "resolve"),
    *("validate", "preupload", "batch", "blob", "commit"),
    *("list pulls", "open pull", "pull", "status", "merge", "tag", "untag"),
]


@dataclass
class Misbehaviour:
    """What one route does wrong, from when on, and how often it still will."""

    fault: Fault
    n_times: int
    n_before: int
    retry_after: str | None


@dataclass
class LocalHub(Hub):
    """A Hub whose requests can go wrong.

    Attributes
    ----------
    n_requests
        How often each route was asked for.
    n_sent
        How often each large file has arrived whole, by SHA-256.
    """

    n_requests: Counter[str] = field(default_factory=Counter)
    n_sent: Counter[str] = field(default_factory=Counter)
    _misbehaviours: dict[str, Misbehaviour] = field(default_factory=dict)

    def misbehave(
        self,
        route: Route,
        fault: Fault,
        *,
        n_times: int = 1,
        n_before: int = 0,
        retry_after: str | None = None,
    ) -> None:
        """Let the next requests of a route go wrong, after some that go well."""
        if route not in get_args(Route) or fault not in get_args(Fault):
            raise ValueError(f"{route!r} is not one of {', '.join(get_args(Route))}, or {fault!r} no fault")
        with self.lock:
            self._misbehaviours[route] = Misbehaviour(fault, n_times, n_before, retry_after)

    def behave(self) -> None:
        """Let nothing go wrong any more."""
        with self.lock:
            self._misbehaviours.clear()

    def fault_of(self, route: str) -> Misbehaviour | None:
        """Count a request of a route, and take one of the misbehaviours that it still has to do."""
        with self.lock:
            self.n_requests[route] += 1
            found = self._misbehaviours.get(route)
            if found is None or found.n_times < 1:
                return None
            if found.n_before > 0:
                found.n_before -= 1
                return None
            found.n_times -= 1
            return found

    def answer(self, route: hub.Route, asked: Asked) -> HubAnswer:
        """Answer, or do what was told to go wrong."""
        fault = self.fault_of(route.name)
        if fault is not None and fault.fault != "lost answer":
            raise _failure(fault)
        found = super().answer(route, asked)
        if route.name == "blob":
            with self.lock:
                self.n_sent[asked.says["oid"]] += 1
        if fault is not None:
            raise RefusalError(504, "Gateway Time-out")
        return found


def _failure(fault: Misbehaviour) -> Exception:
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    quota = "You have exceeded the rate limit for repository commits (128 per hour)."
    failures: dict[Fault, Exception] = {
        "busy": RefusalError(429, "Too Many Requests", headers),
        "quota": RefusalError(429, quota, headers),
        "unavailable": RefusalError(503, "Service Unavailable", headers, is_page=True),
        "timeout": RefusalError(504, "Gateway Time-out", headers, is_page=True),
        "too large": RefusalError(413, "Request Entity Too Large", is_page=True),
        "full": RefusalError(403, "Private repository storage limit reached"),
        "locked": RefusalError(409, "Another commit operation is in progress for this repository."),
        "cut": HangUpError(),
    }
    return failures[fault.fault]


def _sent(asked: Asked) -> Any:
    assert isinstance(asked.hub, LocalHub)
    return asked.hub.n_sent


_ROUTES = (*answers.ROUTES, hub.Route("sent", "GET", "/control/sent", _sent))


@contextmanager
def serve_hub(folder: Path, *, port: int = 0) -> Iterator[LocalHub]:
    """Serve what is in a folder on 127.0.0.1, until the block ends."""
    served = LocalHub(folder)
    with serving(served, port=port, routes=_ROUTES):
        yield served


def _main() -> None:
    parser = argparse.ArgumentParser(description="A Hugging Face Hub of our own, for a while.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    with serve_hub(options.folder, port=options.port) as served:
        print(served.url, flush=True)  # noqa: T201
        time.sleep(options.seconds)


if __name__ == "__main__":
    _main()
