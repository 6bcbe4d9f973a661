"""`c2s` ends quietly when nobody reads what it prints, and when the user stops it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.end_to_end.commands import environment
from c2s_assets_tests.toy import put_toy_tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    put_toy_tables(Layout(lake), "toy", cells=pl.DataFrame({"donor_id": ["a"] * 300}))
    assert c2s("query", "show tables", lake=lake).status == 0
    return lake


def _start(*arguments: str, lake: Path, output: int = subprocess.PIPE) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "c2s_assets", *arguments]
    return subprocess.Popen(command, env=environment(lake), stdout=output, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """The end to write to of a pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    yield writes
    os.close(writes)


@pytest.mark.parametrize("arguments", [["ls"], ["query", "--as-is", "from cells"]], ids=["ls", "query"])
def test_output_that_nobody_reads_ends_it_without_a_word(
    lake: Path, closed_pipe: int, arguments: list[str]
) -> None:
    command = _start(*arguments, lake=lake, output=closed_pipe)
    assert command.communicate(timeout=60)[1] == ""
    assert command.returncode == 141


@pytest.mark.parametrize("output", [None, "rows.csv"], ids=["shown", "written"])
def test_a_query_that_is_stopped_says_so_in_one_line(lake: Path, tmp_path: Path, output: str | None) -> None:
    sql = "select i from range(1000000000000) t(i)"
    if output is None:
        sql = f"select count(*) from ({sql}) where i % 7 = 3"  # noqa: S608  our own text
    into = [] if output is None else ["--output", str(tmp_path / output)]
    command = _start("query", "--as-is", *into, sql, lake=lake)
    try:
        _wait_until_it_answers(command)
        said = _interrupt(command)
    finally:
        command.kill()
        command.communicate()
    assert (command.returncode, said) == (130, "c2s: stopped\n")
    assert list(tmp_path.iterdir()) == []


def _interrupt(command: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and once more if nothing happens, as one does; return what is said."""
    command.send_signal(signal.SIGINT)
    try:
        return command.communicate(timeout=20)[1]
    except subprocess.TimeoutExpired:
        command.send_signal(signal.SIGINT)
        return command.communicate(timeout=20)[1]


def _wait_until_it_answers(command: subprocess.Popen[str]) -> None:
    """Wait until the process has opened the catalogue, and worked for more than a second since."""
    deadline = time.monotonic() + 60
    spent_before = None
    while time.monotonic() < deadline:
        spent = _seconds_spent(command.pid)
        if spent_before is None and _has_catalogue_open(command.pid):
            spent_before = spent
        if spent_before is not None and spent > spent_before + 1.5:
            return
        time.sleep(0.05)
    raise AssertionError("it never came to the query")


def _seconds_spent(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _has_catalogue_open(process: int) -> bool:
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            if file.readlink().suffix == ".duckdb":
                return True
    return False
