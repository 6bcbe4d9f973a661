"""docs/operating.md knows what every message about the machine means, in the words of that message."""

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
    "was written by a newer Dagster": "or move the folder away to have it made anew",
    "the run was killed, or the machine was stopped": "c2s build --outdated",
}


@pytest.mark.parametrize(
    ("found", "advice"),
    [*((denial.found, denial.advice) for denial in DENIALS.values()), *OTHERS.items()],
    ids=[*DENIALS, *OTHERS],
)
def test_a_message_is_found_with_what_to_do(found: str, advice: str) -> None:
    assert advice in ROWS[found]


def test_the_messages_are_those_of_the_code() -> None:
    code = " ".join(path.read_text() for path in (Path(__file__).parents[1] / "c2s_assets").rglob("*.py"))
    said = code.replace('"\n', "").replace('f"', "")
    plain = " ".join("".join(said.split('"')).split())
    for found in OTHERS:
        for part in found.split(" ... "):
            assert part in plain, part
