"""Programs of the system that some tests need, which are skipped on a machine without them."""

import os
import shutil
from pathlib import Path

import pytest

# Debian keeps those of Postgres apart, and servers from users.
_PATH = os.pathsep.join(
    [os.environ.get("PATH", ""), *map(str, Path("/usr/lib/postgresql").glob("*/bin")), "/usr/sbin"]
)


def require_programs(*names: str) -> None:
    """Skip the module of a test where a program is missing; not where $C2S_REQUIRE_TOOLS has it fail."""
    missing = [name for name in names if shutil.which(name, path=_PATH) is None]
    if missing and "C2S_REQUIRE_TOOLS" not in os.environ:
        pytest.skip(f"no {', '.join(missing)} here", allow_module_level=True)


def program(name: str) -> str:
    """Find a program."""
    found = shutil.which(name, path=_PATH)
    assert found is not None, f"{name} is not installed"
    return found
