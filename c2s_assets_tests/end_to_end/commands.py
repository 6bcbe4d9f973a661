"""Runs `c2s` as a user does: another process, its own lake."""

import os
import subprocess
import sys
from pathlib import Path


def environment(lake: Path) -> dict[str, str]:
    """The environment of a command that works on this lake; compiled libraries are kept, which saves 4 s."""
    left_out = ("DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "C2S_LAKE": str(lake)}


def c2s(*arguments: str | Path, lake: Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "c2s_assets", *map(str, arguments)]
    return subprocess.run(
        command, env=environment(lake), capture_output=True, text=True, timeout=300, check=False
    )
