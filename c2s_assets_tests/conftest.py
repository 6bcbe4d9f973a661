"""What all tests share."""

import gc
from collections.abc import Callable, Generator, Iterator
from typing import Any

import dagster as dg
import pytest
from hypothesis import settings

from c2s_assets.core.loading import without_garbage
from c2s_assets.defs import plots
from c2s_assets_tests.in_memory import ask_no_state, keep_connections, keep_scripts

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_DRAW: Callable[..., dg.MarkdownMetadataValue] = plots._picture


def _frame(title: str, *_: Any, **__: Any) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,)")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among the tests, neither while they are found (2 of 10 s) nor later."""
    # Looking after every 700 objects, as is usual, is a twentieth of a small build.
    gc.set_threshold(20_000, 20, 20)
    with without_garbage():
        return (yield)


def pytest_sessionfinish() -> None:
    """Let what was found be garbage again, as libraries expect at the end of a process."""
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that mostly wait, so that others work beside them rather than after them."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)


@pytest.fixture(scope="session", autouse=True)
def kept_by_dagster() -> Iterator[None]:
    """Spare the processor an eighth of what a small build takes, and half of what a new instance does."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        keep_connections(monkeypatch)
        keep_scripts(monkeypatch)
        ask_no_state(monkeypatch)
        yield


@pytest.fixture(scope="session", autouse=True)
def empty_pictures() -> Iterator[None]:
    """Leave pictures empty: ten of them are a third of a small build. Builds of other processes draw them."""
    plots._picture = _frame
    yield
    plots._picture = _DRAW


@pytest.fixture(autouse=True)
def drawn_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the pictures of tests that are marked with `pictures`."""
    if request.node.get_closest_marker("pictures"):
        monkeypatch.setattr(plots, "_picture", _DRAW)
