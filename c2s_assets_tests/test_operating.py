"""docs/operating.md knows what every message about the machine means, in the words of that message."""

import subprocess
import sys
from pathlib import Path

import pytest

from c2s_assets.storage.lake.denials import DENIALS
from c2s_assets.storage.lake.presence import HOW_TO_SHARE
from c2s_assets.storage.lake.room import NO_ROOM

PAGE = (Path(__file__).parents[1] / "docs" / "operating.md").read_text()
ROWS = dict(line.strip("| ").split(" | ", 1) for line in PAGE.splitlines() if line.count("|") == 3)
OTHERS = {
    "needs about ... MB, and ... MB are free": NO_ROOM,
    "Dagster's files in ... cannot be used": "Correct that, or move the folder away to have it made anew",
    "another c2s ui serves this lake": "Use that one, or stop it first.",
    "is open for writing": "Close it there; whoever reads it opens it read-only: duckdb -readonly.",
    "ended by itself ... again and again": "It said why above",
    "this folder cannot ... let one process wait for another (flock)": HOW_TO_SHARE,
    "its locks are not seen from": "the machine that is named works on the lake",
    "so there is nothing for a worker to take": "`c2s ui` alone",
    "was written by a newer c2s_assets": "Update c2s_assets here, or use the lake from where that is",
    "there is no lake in": "Name the folder of yours in $C2S_LAKE",
    "port ... cannot be served": "Give another one with `c2s ui --port`",
    "so there is nothing to serve": "It said why above",
    "should lead to ... but is something else": "Remove it, or set DAGSTER_HOME to a folder without",
    "the disk of ... is full": "Make room there",
    "has ... left": "Make room there",
    "was written by a newer Dagster": "or move the folder away to have it made anew",
    "the run was killed, or the machine was stopped": "c2s build --outdated",
}

OLD_PYTHON = "Name another one: make PYTHON=python3.11"


@pytest.mark.parametrize(
    ("found", "advice"),
    [*((denial.found, denial.advice) for denial in DENIALS.values()), *OTHERS.items()],
    ids=[*DENIALS, *OTHERS],
)
def test_a_message_is_found_with_what_to_do(found: str, advice: str) -> None:
    assert advice in ROWS[found]


def test_an_old_python_is_refused_by_make_in_the_words_of_the_page(tmp_path: Path) -> None:
    """As `make demo` does: before a virtual environment is made."""
    old = tmp_path / "python3"
    old.write_text(f"""#!/bin/sh
exec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 1); exec(sys.argv[1])' "$2"
""")
    old.chmod(0o755)
    venv = tmp_path / "venv"
    made = subprocess.run(
        ["make", f"PYTHON={old}", f"VENV={venv}", f"{venv}/.installed"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert f"{old} is Python 3.9, and c2s_assets needs 3.11 or later. {OLD_PYTHON}" in made.stderr
    assert OLD_PYTHON in ROWS["is Python ..., and c2s_assets needs 3.11 or later"]
    assert not venv.exists()


def test_the_messages_are_those_of_the_code() -> None:
    code = " ".join(path.read_text() for path in (Path(__file__).parents[1] / "c2s_assets").rglob("*.py"))
    said = code.replace('"\n', "").replace('f"', "")
    plain = " ".join("".join(said.split('"')).split())
    for found in OTHERS:
        for part in found.split(" ... "):
            assert part in plain, part
