import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.core.errors import C2SError, ConfigError
from c2s_assets.defs.forking import Lifeline
from c2s_assets.defs.ui.serving import serve_ui
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.serving import free_port


@pytest.fixture
def lifeline() -> Iterator[Lifeline]:
    with closing(Lifeline()) as lifeline:
        yield lifeline


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(tmp_path: Path, lifeline: Lifeline, port: int) -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(C2SError, match=f"there is no port {port}"),
    ):
        serve_ui(instance, Layout(tmp_path), port=port, lifeline=lifeline)


def test_a_port_that_is_taken_is_refused(tmp_path: Path, lifeline: Lifeline) -> None:
    with dg.DagsterInstance.ephemeral() as instance, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            C2SError, match=f"port {port} of 127.0.0.1 cannot be served: Address already in use"
        ):
            serve_ui(instance, Layout(tmp_path), port=port, lifeline=lifeline)


def test_logs_of_an_unknown_kind_are_refused(
    tmp_path: Path, lifeline: Lifeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C2S_LOG", "jsonl")
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(ConfigError, match=r"\$C2S_LOG is 'jsonl'. Set it to json"),
    ):
        serve_ui(instance, Layout(tmp_path), port=free_port(), lifeline=lifeline)
