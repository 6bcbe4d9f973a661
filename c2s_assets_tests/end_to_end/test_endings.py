"""What `c2s ui` has started ends with it; nothing is left running."""

import signal
from pathlib import Path

import pytest

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.end_to_end.running_ui import members, running_ui, wait_for_runs, wait_until
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

pytestmark = [pytest.mark.slow, pytest.mark.waits]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_it_started_ends_with_it_whatever_ends_it(tmp_path: Path, signal_number: int) -> None:
    """Only the command itself is told, as by Ctrl-C in a terminal: what it starts is in groups of its own."""
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_obs=4000)  # not built before it is told
    with running_ui(layout) as ui:
        wait_for_runs(ui, 1)
        ui.process.send_signal(signal_number)
        status = ui.process.wait(timeout=60)
        wait_until(lambda: members(ui.process) == [], seconds=60)
    assert status == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    log = (layout.root / "ui.log").read_text()
    assert "Traceback" not in log.partition("Serving the Dagster UI")[2] or signal_number == signal.SIGKILL
    told = c2s("ls", lake=layout.root).out
    assert "last run: failure" in told
    assert "the run was killed, or the machine was stopped" in told
