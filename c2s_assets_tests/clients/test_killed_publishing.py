"""Publishing is killed at random moments: readers find one release whole, and nothing is sent twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from c2s_assets_tests.clients.killing import N_LARGE

pytestmark = pytest.mark.slow


def test_publishing_that_is_killed_again_and_again_gets_through(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "c2s_assets_tests.clients.killing", str(tmp_path), "--trials", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    trials = [json.loads(line) for line in done.stdout.splitlines()]
    assert [trial["wrong"] for trial in trials] == [[]] * 4
    assert [trial["n_blobs_sent"] for trial in trials] == [N_LARGE] * 4
    assert sum(trial["n_kills"] for trial in trials) >= 1
