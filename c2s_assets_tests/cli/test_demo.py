"""`c2s demo`: the main job on a simulated dataset, and its release on a Hub of this machine."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.clients.publishing import without_waits
from c2s_assets_tests.toy import write_toy_h5ad


@pytest.mark.slow
def test_the_demo_builds_every_table_that_a_dataset_can_have_and_publishes_what_can_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, kinds = [], []

    def look(url: str) -> None:
        with urllib.request.urlopen(f"{url}/datasets/me/example") as answer:  # noqa: S310
            pages.append(answer.read().decode())
        base = re.findall(r'<base href="(.+?)">', pages[0])[0]
        for picture in re.findall(r'<img src="(.+?)"', pages[0]):
            with urllib.request.urlopen(f"{url}{base}{picture}") as answer:  # noqa: S310
                kinds.append(answer.headers["Content-Type"])

    without_waits(monkeypatch)
    monkeypatch.setattr("c2s_assets.simulate.simulate_h5ad", write_toy_h5ad)
    monkeypatch.setattr("c2s_assets.cli.demo.show_until_stopped", look)
    said = c2s("demo", "--publish", lake=tmp_path / "lake")
    assert said.status == 0, said.out + said.err
    assert "FAILED" not in said.out
    assert "pseudobulk" in said.out
    assert "Published as version 1.0" in said.out
    assert "train: 45 rows" in said.out
    (page,) = pages
    assert "<h1>Simulated ageing tissue</h1>" in page
    assert "example/train/chunk_0000.parquet</a>" in page
    assert kinds
    assert set(kinds) == {"image/svg+xml"}


def test_the_demo_does_not_write_over_settings(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lake")
    layout.root.mkdir()
    layout.settings.write_text("sentences: {top_n: 5}\n", encoding="utf-8")
    said = c2s("demo", "--publish", lake=layout.root)
    assert (said.status, "has no release 'example', and is not written over" in said.err) == (1, True)


def test_ctrl_c_ends_the_hub_of_the_demo() -> None:
    """Guards against a wait that Ctrl-C does not end once Polars is loaded."""
    code = (
        "import signal\n"
        "import polars\n"
        "from c2s_assets.cli.demo import show_until_stopped\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "show_until_stopped('http://127.0.0.1:9')\n"
        "print('ended', flush=True)"
    )
    command = [sys.executable, "-u", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shown:
        assert shown.stdout is not None
        while "Ctrl-C ends" not in shown.stdout.readline():
            assert shown.poll() is None
        shown.send_signal(signal.SIGINT)
        assert shown.stdout.read() == "ended\n"
