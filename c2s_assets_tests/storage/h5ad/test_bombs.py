"""Takes in small files that stand for gigabytes; `C2S_BOMBS=large pytest -s ...` those of full size.

Each is accepted or refused in words, within 60 s and 1.5 GB. The large ones take some minutes to write.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from c2s_assets.core import errors
from c2s_assets_tests.bombs import BOMBS

SIZE = os.environ.get("C2S_BOMBS", "small")
MOST_SECONDS = 60
MOST_MB = 1_536


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is Linux's")
def test_a_bomb_is_taken_in_or_refused_within_bounds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "c2s_assets_tests.storage.h5ad.bombing", str(tmp_path), SIZE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    for bomb in found:
        print(_row(bomb))  # noqa: T201 - shown by pytest -s
    assert [bomb["name"] for bomb in found] == list(BOMBS)
    bad = [_row(bomb) for bomb in found if not _is_fine(bomb)]
    assert not bad, "\n".join(bad)


def _is_fine(bomb: dict[str, object]) -> bool:
    told = json.loads(str(bomb["told"]) or "{}")
    is_clear = "n_obs" in told or hasattr(errors, str(told.get("error")))
    return (
        is_clear and bomb["exit_code"] == 0 and bomb["seconds"] < MOST_SECONDS and bomb["peak_mb"] < MOST_MB
    )


def _row(bomb: dict[str, object]) -> str:
    told = json.loads(str(bomb["told"]) or "{}")
    ending = "taken in" if "n_obs" in told else told.get("message", f"died ({bomb['exit_code']})")
    return (
        f"{bomb['name']:32} {bomb['file_bytes']:>11,} B {bomb['seconds']:5.1f} s {bomb['peak_mb']:5,} MB  "
        f"{str(ending)[:160]}"
    )
